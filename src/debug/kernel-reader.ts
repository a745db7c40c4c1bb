// Reads the kernel for people without wearing it out. In: a way to read it. Out: KernelReader, which gives the last text again if that is young.
import type { Family } from "../../rules/index.ts";

export type KernelReader<T = string> = {
  /** What `readRules` gives, at most `youngSeconds` old. Rejects as that does. */
  readonly read: (family: Family) => Promise<T>;
};

/** What iptables-save prints, or, in IPVS mode, all tools do. */
export type ReadsRules<T> = { readonly readRules: (family: Family) => Promise<T> };

/** Reading the rules of 10,000 Services takes a second of a core. */
const youngSeconds = 5;

/** Those who ask while it is being read get the same text. `now` in seconds, only rising. */
export function createKernelReader<T>(
  kernel: ReadsRules<T>,
  now: () => number = () => performance.now() / 1000,
): KernelReader<T> {
  const kept = new Map<Family, { readonly at: number; readonly text: Promise<T> }>();
  return {
    read: (family) => {
      const known = kept.get(family);
      if (known !== undefined && now() - known.at < youngSeconds) return known.text;
      const text = kernel.readRules(family);
      kept.set(family, { at: now(), text });
      // What failed is not kept.
      text.catch(() => kept.delete(family));
      return text;
    },
  };
}
