// What entries are looked up by. In: addresses and ports, ranges of them, prefix lengths. Out: the parts of a key; the blocks that make up a range.
import { networkOf, splitCidr, type Cidr } from "../net/cidr.ts";
import { ipDigits, ipFromDigits, type Ip } from "../net/ip.ts";

/** The part for the block of `ip` that is `bits` long: an address if that is all of it, else a block. */
export function addressPart(ip: Ip, bits: number): string {
  return bits === (ip.includes(":") ? 128 : 32) ? ip : networkOf(ip, bits);
}

/** The part for the block of ports that `port` is in, whose first `bits` of 16 bits are alike; `protocol` may be empty. */
export function portPart(protocol: string, port: number, bits: number): string {
  const named = protocol === "" ? "" : `${protocol}:`;
  return bits === portBits ? `${named}${port}` : `${named}${(port >> (portBits - bits)) << (portBits - bits)}/${bits}`;
}

/** The length of a single port. */
const portBits = 16;

/** What the mask leaves of the address. Both are of one family. */
export function maskIp(ip: Ip, mask: Ip): Ip {
  const [digits, keep] = [ipDigits(ip), ipDigits(mask)];
  let masked = "";
  for (let at = 0; at < digits.length; at++)
    masked += (parseInt(digits.charAt(at), 16) & parseInt(keep.charAt(at), 16)).toString(16);
  return ipFromDigits(masked);
}

/** The mask that keeps the first `bits`. */
export function maskOfLength(bits: number, family: 4 | 6): Ip {
  const width = family === 4 ? 32 : 128;
  const ones = (1n << BigInt(width)) - (1n << BigInt(width - bits));
  return ipFromDigits(ones.toString(16).padStart(width / 4, "0"));
}

/** The fewest blocks that together hold the addresses between two of one family, in order; at most 62 of IPv4, 254 of IPv6. */
export function addressBlocks(one: Ip, other: Ip): readonly Cidr[] {
  const [first, last] = [ipDigits(one), ipDigits(other)].sort();
  const width = ipDigits(one).length;
  const blocks = blocksBetween(BigInt(`0x${first ?? ""}`), BigInt(`0x${last ?? ""}`), width * 4);
  return blocks.map(({ start, bits }) => networkOf(ipFromDigits(start.toString(16).padStart(width, "0")), bits));
}

/** The same for ports; at most 30. */
export function portBlocks(first: number, last: number): readonly { readonly port: number; readonly bits: number }[] {
  if (first === last) return [{ port: first, bits: portBits }];
  const blocks = blocksBetween(BigInt(first), BigInt(last), portBits);
  return blocks.map(({ start, bits }) => ({ port: Number(start), bits }));
}

/** `addressPart` of a block. */
export function blockPart(block: Cidr): string {
  const { ip, bits } = splitCidr(block);
  return addressPart(ip, bits);
}

function blocksBetween(
  first: bigint,
  last: bigint,
  width: number,
): { readonly start: bigint; readonly bits: number }[] {
  const blocks: { readonly start: bigint; readonly bits: number }[] = [];
  for (let start = first; start <= last;) {
    let size = 1n;
    let bits = width;
    while (bits > 0 && start % (size * 2n) === 0n && start + size * 2n - 1n <= last) {
      size *= 2n;
      bits--;
    }
    blocks.push({ start, bits });
    start += size;
  }
  return blocks;
}
