// Addresses that stand for blocks. In: Cidr[] of one family. Out: one address for each part into which the blocks cut the addresses.
import { splitCidr, type Cidr } from "../net/cidr.ts";
import { ipDigits, ipFromDigits, type Ip } from "../net/ip.ts";
import { addressOf } from "../trace/packet.ts";

/**
 * One address for each part: that of a block without the blocks inside it, where it holds any other. Blocks are nested or apart, so the
 * smallest one that holds an address says which others do. Addresses of `avoid` are taken only where a part's edges are nothing else.
 */
export function standIns(blocks: readonly Cidr[], avoid: ReadonlySet<Ip>): Ip[] {
  const smallest = smallestHolder(blocks);
  const found = new Map<Cidr, Ip>();
  for (const block of blocks) {
    for (const ip of edgesOf(block)) {
      const holder = smallest(ip);
      if (holder === undefined) continue;
      const before = found.get(holder);
      if (before === undefined || (avoid.has(before) && !avoid.has(ip))) found.set(holder, ip);
    }
  }
  return [...found.values()];
}

/** The addresses at both edges of a block, inside and outside, and those next to them inside. */
function edgesOf(block: Cidr): Ip[] {
  const { ip, bits } = splitCidr(block);
  const width = ipDigits(ip).length;
  const first = BigInt(`0x${ipDigits(ip)}`);
  const last = first + (1n << BigInt(width * 4 - bits)) - 1n;
  return [last, first, last - 1n, first + 1n, first - 1n, last + 1n].flatMap((value) =>
    value < 0n || value >= 1n << BigInt(width * 4) ? [] : [ipFromDigits(value.toString(16).padStart(width, "0"))],
  );
}

function smallestHolder(blocks: readonly Cidr[]): (ip: Ip) => Cidr | undefined {
  const byLength = new Map<number, Map<number | bigint, Cidr>>();
  for (const block of blocks) {
    const { ip, bits } = splitCidr(block);
    const ofLength = byLength.get(bits) ?? new Map<number | bigint, Cidr>();
    byLength.set(bits, ofLength.set(prefixOf(addressOf(ip).bits, bits), block));
  }
  const lengths = [...byLength.keys()].sort((a, b) => b - a);
  return (ip) => {
    const { bits } = addressOf(ip);
    for (const length of lengths) {
      const holder = byLength.get(length)?.get(prefixOf(bits, length));
      if (holder !== undefined) return holder;
    }
    return undefined;
  };
}

function prefixOf(bits: number | bigint, length: number): number | bigint {
  if (typeof bits === "bigint") return bits >> BigInt(128 - length);
  return length === 0 ? 0 : bits >>> (32 - length);
}
