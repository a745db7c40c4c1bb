// What the tools of both families print, read once for both. In: IpvsKernel. Out: an IpvsKernel that gives the last text again while it is young.
import type { IpvsKernel } from "../ipvs/ipvs-kernel.ts";

/** Families are looked at one after the other; what is seen a moment later is seen by the next look. */
const youngMs = 1000;

/** ipset, ip and ipvsadm print both families. Whatever is written through this kernel makes what was read before it old. `now` only rises. */
export function shareReads(kernel: IpvsKernel, now: () => number = () => performance.now()): IpvsKernel {
  const kept = new Map<string, { readonly text: Promise<string>; readAt: number }>();
  const sharing = (name: string, read: () => Promise<string>) => (): Promise<string> => {
    const known = kept.get(name);
    if (known !== undefined && now() - known.readAt < youngMs) return known.text;
    const made = { text: read(), readAt: Infinity };
    kept.set(name, made);
    made.text.then(
      () => {
        made.readAt = now();
      },
      () => kept.delete(name),
    );
    return made.text;
  };
  const writing =
    <A, T>(write: (given: A) => Promise<T>) =>
    async (given: A): Promise<T> => {
      kept.clear();
      try {
        return await write(given);
      } finally {
        kept.clear();
      }
    };
  return {
    ...kernel,
    readSets: sharing("sets", kernel.readSets),
    readAddresses: sharing("addresses", kernel.readAddresses),
    readServers: sharing("servers", kernel.readServers),
    readConnections: sharing("connections", kernel.readConnections),
    restoreSets: writing(kernel.restoreSets),
    changeAddresses: writing(kernel.changeAddresses),
    restoreServers: writing(kernel.restoreServers),
  };
}
