// A kernel's set of addresses, ports and the like. In: nothing. Out: IpSet, and which types of sets are known.
import type { Family, Ip } from "../net/ip.ts";

/** One set, as `create` and the `add` lines that name it say. */
export type IpSet = {
  /** 1 to 31 printable characters, no space. */
  readonly name: string;
  /** `method:dimension,dimension...`, e.g. `hash:ip,port`. */
  readonly type: string;
  /** Of all its addresses. Undefined: the type has none (`bitmap:port`, `hash:mac`, `list:set`) or is not known. */
  readonly family: Family | undefined;
  /** What its entries are made of, in order. A rule gives one of src and dst for each. */
  readonly dimensions: readonly SetDimension[];
  /** The line of its `create`. */
  readonly line: number;
  /** An address is in the set if what this leaves of it is (options `netmask` and `bitmask`). Undefined: all of it. */
  readonly addressMask: Ip | undefined;
  /** The same for packet marks (option `markmask`). */
  readonly markMask: number;
  readonly entries: SetEntries;
};

/** `unknown`: the type's name says something that is not known here. */
export type SetDimension = "ip" | "net" | "port" | "mac" | "mark" | "iface" | "set" | "unknown";

/**
 * Entries in the form that is quick to ask. What decides first comes first, as in the kernel: groups of longer prefixes before groups of
 * shorter ones, and where a type has two nets, the first net's length before the second's.
 */
export type SetEntries =
  | { readonly kind: "keys"; readonly groups: readonly KeyGroup[] }
  /** Type `hash:net,iface`, whose interfaces are not compared as text only. */
  | { readonly kind: "interfaces"; readonly groups: readonly InterfaceGroup[] }
  /** Type `list:set`: names of sets, which may be missing where only this set was saved. */
  | { readonly kind: "members"; readonly names: ReadonlySet<string> }
  /** The type or an option of the set is not known here, so nothing can be said of what is in it. */
  | { readonly kind: "unknown" };

/**
 * Entries whose prefixes are alike: `bits` has the length in each dimension (0 where it has no prefixes). A key has a part for each
 * dimension, by `key.ts`, e.g. `10.0.0.1,tcp:80,10.1.0.0/16`. `except`: an entry with `nomatch`; what it holds is not in the set.
 */
type KeyGroup = {
  readonly bits: readonly number[];
  readonly keys: ReadonlyMap<string, "in" | "except">;
};

/** Entries whose nets are `bits` long, by net; those of one net in the kernel's order, of which the first that fits decides. */
export type InterfaceGroup = {
  readonly bits: number;
  readonly nets: ReadonlyMap<string, readonly InterfaceEntry[]>;
};

export type InterfaceEntry = {
  readonly name: string;
  /** `name` is how the interface's name begins. */
  readonly wildcard: boolean;
  /** It names the port of a bridge, not the interface that a packet came by. */
  readonly physdev: boolean;
  readonly means: "in" | "except";
};

/** Whether a type is known here, and what it is made of. Source: ipset(8), section SET TYPES. */
export function describeType(type: string): { readonly known: boolean; readonly dimensions: readonly SetDimension[] } {
  const names = type.slice(type.indexOf(":") + 1).split(",");
  const known = knownTypes.has(type);
  return { known, dimensions: names.map((name) => dimensionNames.find((each) => each === name) ?? "unknown") };
}

const dimensionNames: readonly SetDimension[] = ["ip", "net", "port", "mac", "mark", "iface", "set"];

const knownTypes: ReadonlySet<string> = new Set([
  "bitmap:ip",
  "bitmap:ip,mac",
  "bitmap:port",
  "hash:ip",
  "hash:mac",
  "hash:ip,mac",
  "hash:net",
  "hash:net,net",
  "hash:ip,port",
  "hash:net,port",
  "hash:ip,port,ip",
  "hash:ip,port,net",
  "hash:ip,mark",
  "hash:net,port,net",
  "hash:net,iface",
  "list:set",
]);
