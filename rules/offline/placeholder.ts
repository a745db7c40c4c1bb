// Values that stand in for what only a cluster could say. In: a key and a range. Out: the same value for the same key, unused so far.
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { cidrFamily, splitCidr, type Cidr } from "../net/cidr.ts";
import { familyOf, ipDigits, ipFromDigits, type Family, type Ip } from "../net/ip.ts";

/** One value that was made up. */
export type Placeholder = {
  /** What it was made up for, e.g. `Service default/web`. */
  readonly object: string;
  /** The field it stands in, e.g. `spec.clusterIP`. */
  readonly field: string;
  readonly value: string;
  /** The range it was taken from, e.g. `10.96.0.0/12` or `30000-32767`. */
  readonly from: string;
};

/** A value and the range it comes from. */
export type Taken<T> = { readonly value: T; readonly from: string };

/**
 * Hands out values that nothing else has. The value hangs on the key; where it is in use, the next free one above it (and
 * from the top back to the bottom) is taken, so callers must come in an order that does not hang on the input's.
 * Undefined: no range, or no value left in it. One key always gets one value.
 */
export type AddressPool = (key: string, family: Family) => Taken<Ip> | undefined;

/** The same for node ports. */
export type NodePortPool = (key: string) => Taken<number> | undefined;

/** A pool over blocks, in their order. `inUse` is added to: pools that share it never give the same address. */
export function addressPool(cidrs: readonly Cidr[], inUse: Set<Ip>): AddressPool {
  const ranges = cidrs.map((cidr) => {
    const { first, count } = usable(cidr);
    const address = (offset: bigint) => addressAt(first + offset, cidrFamily(cidr));
    return { family: cidrFamily(cidr), take: prober({ from: cidr, count, valueAt: address, inUse }) };
  });
  return remembered((key, family) => {
    for (const range of ranges) {
      const taken = range.family === family ? range.take(key) : undefined;
      if (taken !== undefined) return taken;
    }
    return undefined;
  });
}

/** A pool over node ports `low` to `high`, both included. */
export function nodePortPool(range: { readonly low: number; readonly high: number }, inUse: Set<number>): NodePortPool {
  const { low, high } = range;
  const sound = Number.isInteger(low) && Number.isInteger(high) && low >= 1 && high <= 65535 && low <= high;
  return prober({
    from: `${low}-${high}`,
    count: sound ? BigInt(high - low + 1) : 0n,
    valueAt: (offset) => low + Number(offset),
    inUse,
  });
}

function prober<T>(range: {
  readonly from: string;
  readonly count: bigint;
  readonly valueAt: (offset: bigint) => T;
  readonly inUse: Set<T>;
}): (key: string) => Taken<T> | undefined {
  const { from, count, valueAt, inUse } = range;
  let exhausted = count <= 0n;
  return (key) => {
    if (exhausted) return undefined;
    const start = hashOf(key) % count;
    for (let step = 0n; step < count; step++) {
      const value = valueAt((start + step) % count);
      if (inUse.has(value)) continue;
      inUse.add(value);
      return { value, from };
    }
    exhausted = true;
    return undefined;
  };
}

function remembered(take: AddressPool): AddressPool {
  const given = new Map<string, Taken<Ip>>();
  return (key, family) => {
    const name = `${key}/${family}`;
    const taken = given.get(name) ?? take(name, family);
    if (taken !== undefined) given.set(name, taken);
    return taken;
  };
}

function hashOf(key: string): bigint {
  return BigInt(`0x${bytesToHex(sha256(utf8ToBytes(key)))}`);
}

/** Without the network address (in IPv6 the subnet-router anycast address, RFC 4291 2.6.1) and IPv4's broadcast address. */
function usable(cidr: Cidr): { readonly first: bigint; readonly count: bigint } {
  const { ip, bits } = splitCidr(cidr);
  const family = familyOf(ip);
  const size = 1n << BigInt((family === 4 ? 32 : 128) - bits);
  return { first: BigInt(`0x${ipDigits(ip)}`) + 1n, count: size - (family === 4 ? 2n : 1n) };
}

function addressAt(number: bigint, family: Family): Ip {
  return ipFromDigits(number.toString(16).padStart(family === 4 ? 8 : 32, "0"));
}
