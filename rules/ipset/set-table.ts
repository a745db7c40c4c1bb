// The sets that one proxy has in the kernel for one family. In: nothing. Out: SetTable, KeptSet, and how large a set is made.
import type { Family } from "../net/ip.ts";
import { emptyRadix, type Radix } from "../radix/radix.ts";

/** Our sets of one family, by name. */
export type SetTable = { readonly family: Family; readonly sets: Readonly<Record<string, KeptSet>> };

/** The types of sets that are written here. */
export type KeptType = "hash:ip" | "hash:ip,port" | "hash:ip,port,ip" | "hash:ip,port,net" | "bitmap:port";

/** A set that is wanted, or that the kernel has. */
export type KeptSet = {
  /** At most 31 printable characters. */
  readonly name: string;
  readonly type: KeptType;
  /**
   * By entry, spelled as `ipset save` does; the value is the Service port that it is there for, empty where it is there for all or is
   * not known (read from the kernel).
   */
  readonly entries: Radix<string>;
  /** Most entries that the kernel's set may hold; undefined for a wanted one, which is sized when it is made, and for bitmaps. */
  readonly mostEntries: number | undefined;
};

/** No set. */
export function noSets(family: Family): SetTable {
  return { family, sets: {} };
}

/** A wanted set without entries. */
export function emptySet(name: string, type: KeptType): KeptSet {
  return { name, type, entries: emptyRadix(), mostEntries: undefined };
}

/** The kernel's own default, which is also what kube-proxy's sets have. Source: ipset(8), maxelem. */
const leastMaxElem = 65_536;

/** `maxelem` of a new set that begins with so many entries: at least the default, else a power of two with room to double. */
export function maxElemFor(size: number): number {
  let most = leastMaxElem;
  while (most < size * 2) most *= 2;
  return most;
}
