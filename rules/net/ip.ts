// IP addresses, strictly. In: text. Out: branded canonical text, or undefined where it is not an address that may become a rule.
import { flat } from "../flat.ts";

/** 4 or 6. */
export type Family = 4 | 6;

/**
 * An IPv4 or IPv6 address in its one canonical spelling (dotted decimal; RFC 5952), so that `===` compares addresses.
 * Made only by `parseIp` and `ipFromDigits`.
 */
export type Ip = string & { readonly __brand: "Ip" };

const octet = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const ipv4 = new RegExp(`^${octet}\\.${octet}\\.${octet}\\.${octet}$`);

/**
 * Parses an address. Refused, as Go's strict parser refuses them: leading zeros, fewer than four octets, zone ids, white space.
 * An IPv4-mapped IPv6 address (`::ffff:1.2.3.4`) is refused too: whether it means IPv4 or IPv6 depends on who reads it.
 */
export function parseIp(text: string): Ip | undefined {
  if (ipv4.test(text)) return text as Ip;
  const groups = text.includes(":") ? parseGroups(text) : undefined;
  if (groups === undefined || isMapped(groups)) return undefined;
  return renderGroups(groups) as Ip;
}

/** The family of an address. */
export function familyOf(ip: Ip): Family {
  return ip.includes(":") ? 6 : 4;
}

/** All bits of an address as lower-case hexadecimal digits: 8 for IPv4, 32 for IPv6. Sorts as the address does. */
export function ipDigits(ip: Ip): string {
  if (familyOf(ip) === 4)
    return ip
      .split(".")
      .map((part) => hex(Number(part), 2))
      .join("");
  const groups = parseGroups(ip);
  if (groups === undefined) throw new Error(`bug: ${ip} is not a canonical address`);
  return groups.map((group) => hex(group, 4)).join("");
}

/** The address whose `ipDigits` these are (8 or 32 digits). */
export function ipFromDigits(digits: string): Ip {
  if (digits.length === 8) return [0, 2, 4, 6].map((at) => parseInt(digits.slice(at, at + 2), 16)).join(".") as Ip;
  if (digits.length !== 32) throw new Error(`bug: ${digits.length} digits are no address`);
  return renderGroups([0, 4, 8, 12, 16, 20, 24, 28].map((at) => parseInt(digits.slice(at, at + 4), 16))) as Ip;
}

/** 127.0.0.0/8 or ::1. */
export function isLoopback(ip: Ip): boolean {
  return ip.startsWith("127.") || ip === "::1";
}

/** 0.0.0.0 or ::. */
export function isUnspecified(ip: Ip): boolean {
  return ip === "0.0.0.0" || ip === "::";
}

/** `ip:port`, with brackets around IPv6, as kube-proxy hashes it and iptables reads it. */
export function hostPort(ip: Ip, port: number): string {
  return familyOf(ip) === 4 ? flat(ip, ":", String(port)) : flat("[", ip, "]:", String(port));
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, "0");
}

function parseGroups(text: string): number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseHalf(halves[0] ?? "", halves.length === 1);
  const tail = halves.length === 2 ? parseHalf(halves[1] ?? "", true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail];
}

/** Colon-separated groups; the last may be dotted decimal where the half ends the address. */
function parseHalf(text: string, mayEndDotted: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(parseInt(part, 16));
    else if (mayEndDotted && index === parts.length - 1 && ipv4.test(part)) {
      const [a = 0, b = 0, c = 0, d = 0] = part.split(".").map(Number);
      groups.push(a * 256 + b, c * 256 + d);
    } else return undefined;
  }
  return groups;
}

function isMapped(groups: readonly number[]): boolean {
  return groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
}

/** RFC 5952: the longest run of two or more zero groups becomes `::`, the first such run where several are longest. */
function renderGroups(groups: readonly number[]): string {
  let best = { at: -1, length: 1 };
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (end < 8 && groups[end] === 0) end++;
    if (end - at > best.length) best = { at, length: end - at };
  }
  const text = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (best.at < 0) return text(groups);
  return `${text(groups.slice(0, best.at))}::${text(groups.slice(best.at + best.length))}`;
}
