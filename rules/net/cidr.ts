// CIDR blocks, strictly. In: text. Out: branded canonical text, or undefined.
import { flat } from "../flat.ts";
import { familyOf, ipDigits, ipFromDigits, parseIp, type Family, type Ip } from "./ip.ts";

/** `network/length` in canonical spelling, host bits cleared. Made only in this file. */
export type Cidr = string & { readonly __brand: "Cidr" };

/** Parses `address/length`. Host bits are cleared, as Go's ParseCIDR does (10.1.2.3/8 is 10.0.0.0/8). */
export function parseCidr(text: string): Cidr | undefined {
  const [address = "", length = "", ...rest] = text.split("/");
  const ip = parseIp(address);
  if (ip === undefined || rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const bits = Number(length);
  return bits > widthOf(familyOf(ip)) ? undefined : networkOf(ip, bits);
}

/** The block of one address: /32 or /128. */
export function hostCidr(ip: Ip): Cidr {
  return flat(ip, "/", String(widthOf(familyOf(ip)))) as Cidr;
}

/** The block that holds `ip` and is `bits` long (0 to 32 or 128). */
export function networkOf(ip: Ip, bits: number): Cidr {
  const digits = ipDigits(ip);
  const whole = Math.floor(bits / 4);
  const partial = bits % 4;
  const keep = digits.slice(0, whole);
  const edge = partial === 0 ? "" : (parseInt(digits.charAt(whole), 16) & (0xf0 >> partial) & 0xf).toString(16);
  return `${ipFromDigits((keep + edge).padEnd(digits.length, "0"))}/${bits}` as Cidr;
}

/** The block whose leading hexadecimal digits these are, 4 bits each. `width` is 8 (IPv4) or 32 (IPv6). */
export function cidrFromDigits(digits: string, width: number): Cidr {
  return `${ipFromDigits(digits.padEnd(width, "0"))}/${digits.length * 4}` as Cidr;
}

/**
 * A block that holds all of `cidrs`, which are of one family: the smallest in steps of 4 bits, but none smaller than /24 or /64, which is
 * what a node's pods usually have, so that it stays the same while they come and go. Undefined for none.
 */
export function coveringCidr(cidrs: readonly Cidr[]): Cidr | undefined {
  const [first] = cidrs;
  if (first === undefined) return undefined;
  const [width, most] = cidrFamily(first) === 4 ? [8, 6] : [32, 16];
  const digits = cidrs.map((cidr) => {
    const { ip, bits } = splitCidr(cidr);
    return ipDigits(ip).slice(0, Math.min(Math.floor(bits / 4), most));
  });
  let common = digits[0] ?? "";
  for (const other of digits) while (!other.startsWith(common)) common = common.slice(0, -1);
  return cidrFromDigits(common, width);
}

/** Network address and length of a block. */
export function splitCidr(cidr: Cidr): { readonly ip: Ip; readonly bits: number } {
  const slash = cidr.indexOf("/");
  return { ip: cidr.slice(0, slash) as Ip, bits: Number(cidr.slice(slash + 1)) };
}

/** The family of a block. */
export function cidrFamily(cidr: Cidr): Family {
  return cidr.includes(":") ? 6 : 4;
}

/** Whether the block holds the address. Blocks hold no address of the other family. */
export function cidrHolds(cidr: Cidr, ip: Ip): boolean {
  return cidrFamily(cidr) === familyOf(ip) && networkOf(ip, splitCidr(cidr).bits) === cidr;
}

/** 0.0.0.0/0 or ::/0. */
export function isZeroCidr(cidr: Cidr): boolean {
  return cidr.endsWith("/0");
}

function widthOf(family: Family): number {
  return family === 4 ? 32 : 128;
}
