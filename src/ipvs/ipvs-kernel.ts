// The port to what IPVS mode needs of a kernel. In: nothing. Out: the IpvsKernel type, which the real tools and the fake implement.
import type { Kernel, Restored } from "../kernel/kernel.ts";

/** The packet filter, sets, addresses and virtual servers of one network namespace. Reading throws CommandError. */
export type IpvsKernel = {
  readonly rules: Kernel;
  /** `ipset save`, both families. */
  readonly readSets: () => Promise<string>;
  /** `ip -j addr`, both families. */
  readonly readAddresses: () => Promise<string>;
  /** `ipvsadm -Sn`, both families. */
  readonly readServers: () => Promise<string>;
  /** `ipvsadm -Ln`, which has numbers of connections. */
  readonly readConnections: () => Promise<string>;
  /** `ipset restore`: stops at the first line that fails. */
  readonly restoreSets: (script: string) => Promise<Restored>;
  /** `ip -force -batch`: goes on after a line that fails, and names the first. */
  readonly changeAddresses: (script: string) => Promise<Restored>;
  /**
   * `ipvsadm --restore`. Its exit code is that of the last line alone, but for every line that fails it says something, if not which: so
   * it is well where it says nothing, and where it speaks only a read-back tells what was done. `line` is never known.
   */
  readonly restoreServers: (script: string) => Promise<Restored>;
  /** `ipvsadm --set`: for how long connections without traffic are kept, in seconds; 0 leaves what is there. */
  readonly setTimeouts: (timeouts: Timeouts) => Promise<Restored>;
};

/** Of connections that pass through virtual servers, in seconds. */
export type Timeouts = { readonly tcp: number; readonly tcpFin: number; readonly udp: number };
