// Whether a set holds what a packet brings. In: a set, a value for each dimension, all sets. Out: true, false, or undefined if it cannot be told.
import { familyOf, type Ip } from "../net/ip.ts";
import { never } from "../never.ts";
import { markPart } from "./entry.ts";
import { addressPart, maskIp, portPart } from "./key.ts";
import { hasPorts, protocolName } from "./port.ts";
import type { InterfaceGroup, IpSet, SetDimension } from "./set.ts";

/** What a packet has in one dimension. What is undefined is not known. */
export type SetValue =
  | { readonly kind: "ip"; readonly ip: Ip }
  /**
   * `protocol` as ipset or iptables names it, or its number. `port` is `type * 256 + code` of ICMP and ICMPv6, and not looked at for
   * protocols that have no ports.
   */
  | { readonly kind: "port"; readonly protocol: string; readonly port: number | undefined }
  /** An empty name: the packet has no such interface (it came from the node, or goes to it). */
  | { readonly kind: "iface"; readonly name: string | undefined }
  | { readonly kind: "mark"; readonly mark: number | undefined }
  | { readonly kind: "unknown" };

/**
 * The values, or a function that gives them for one set's dimensions. Only a function fits a `list:set`, whose members may differ: a
 * value of a kind that is not the dimension's cannot be compared.
 */
export type SetValues = readonly SetValue[] | ((set: IpSet) => readonly SetValue[]);

/**
 * Whether the set holds the values, as `-m set --match-set` asks. Undefined where the type is not known, a value that it hangs on is
 * not, or an entry hangs on more than the values (MAC addresses, ports of a bridge). Entries with a timeout are in the set.
 *
 * With fewer values than dimensions nothing is in the set, and values beyond its dimensions are not looked at (Linux ip_set_core.c,
 * ip_set_test). A list holds what any of its members does, lists among them too; a member that is not in `sets` leaves it open.
 */
export function setHolds(set: IpSet, values: SetValues, sets: ReadonlyMap<string, IpSet>): boolean | undefined {
  if (set.entries.kind !== "members") return holdsItself(set, values);
  const seen = new Set([set]);
  let open = false;
  // A set grows while it is walked, so each member of members is asked once, and a list that names itself comes to an end.
  for (const { entries } of seen) {
    if (entries.kind !== "members") continue;
    for (const name of entries.names) {
      const member = sets.get(name);
      if (member === undefined) open = true;
      else if (!seen.has(member)) {
        seen.add(member);
        const answer = member.entries.kind === "members" ? false : holdsItself(member, values);
        if (answer === true) return true;
        if (answer === undefined) open = true;
      }
    }
  }
  return open ? undefined : false;
}

/** A value in the form that keys are made from. `outside`: no entry can have it. `open`: not known. */
type Asked =
  | { readonly kind: "ip"; readonly ip: Ip }
  | { readonly kind: "port"; readonly protocol: string; readonly port: number }
  | { readonly kind: "text"; readonly text: string }
  | "outside"
  | "open";

function holdsItself(set: IpSet, values: SetValues): boolean | undefined {
  const { entries, dimensions } = set;
  if (entries.kind === "unknown") return undefined;
  if (entries.kind === "members" || entries.groups.length === 0) return false;
  const given = typeof values === "function" ? values(set) : values;
  const asked: Exclude<Asked, string>[] = [];
  let open = false;
  for (const [at, value] of given.entries()) {
    const dimension = dimensions[at];
    if (dimension === undefined) break;
    const each = ask(set, dimension, value);
    if (each === "outside") return false;
    if (each === "open") open = true;
    else asked.push(each);
  }
  if (open) return undefined;
  if (asked.length < dimensions.length) return false;
  switch (entries.kind) {
    case "keys":
      for (const { bits, keys } of entries.groups) {
        const found = keys.get(keyOf(asked, bits));
        if (found !== undefined) return found === "in";
      }
      return false;
    case "interfaces":
      return holdsInterface(entries.groups, asked);
    default:
      return never(entries);
  }
}

function ask({ family, type, addressMask, markMask }: IpSet, dimension: SetDimension, value: SetValue): Asked {
  switch (dimension) {
    case "ip":
    case "net":
      if (value.kind !== "ip") return "open";
      if (familyOf(value.ip) !== family) return "outside";
      return addressMask === undefined ? value : { kind: "ip", ip: maskIp(value.ip, addressMask) };
    case "port":
      return value.kind === "port" ? askPort(type, value) : "open";
    case "iface":
      if (value.kind !== "iface" || value.name === undefined) return "open";
      return value.name === "" ? "outside" : { kind: "text", text: value.name };
    case "mark":
      if (value.kind !== "mark" || value.mark === undefined) return "open";
      return { kind: "text", text: markPart(value.mark, markMask) };
    case "mac":
    case "set":
    case "unknown":
      return "open";
    default:
      return never(dimension);
  }
}

/** Source: Linux ip_set_getport.c: get_port for hash types; ip_set_get_ip_port, for bitmap:port, knows TCP and UDP only. */
function askPort(type: string, value: Extract<SetValue, { kind: "port" }>): Asked {
  const protocol = protocolName(value.protocol);
  if (protocol === undefined) return "open";
  const ofBitmap = type === "bitmap:port";
  if (ofBitmap && protocol !== "tcp" && protocol !== "udp") return "outside";
  const port = hasPorts(protocol) ? value.port : 0;
  return port === undefined ? "open" : { kind: "port", protocol: ofBitmap ? "" : protocol, port };
}

function keyOf(asked: readonly Exclude<Asked, string>[], bits: readonly number[]): string {
  let key = "";
  for (const [at, each] of asked.entries()) key += (at === 0 ? "" : ",") + partOf(each, bits[at] ?? 0);
  return key;
}

function partOf(asked: Exclude<Asked, string>, bits: number): string {
  switch (asked.kind) {
    case "ip":
      return addressPart(asked.ip, bits);
    case "port":
      return portPart(asked.protocol, asked.port, bits);
    case "text":
      return asked.text;
    default:
      return never(asked);
  }
}

/**
 * The longest net that holds the address decides alone, even if it has only other interfaces: Linux ip_set_hash_gen.h stops at it
 * (`multi` in mtype_test_cidrs). Whether a net of bridge ports stops it hangs on the kernel's hash, so what is behind one is open.
 */
function holdsInterface(
  groups: readonly InterfaceGroup[],
  [address, named]: readonly Exclude<Asked, string>[],
): boolean | undefined {
  if (address?.kind !== "ip" || named?.kind !== "text") return undefined;
  for (const { bits, nets } of groups) {
    const found = nets.get(addressPart(address.ip, bits));
    if (found === undefined) continue;
    if (found.some(({ physdev }) => physdev)) return undefined;
    const fits = found.find(({ name, wildcard }) => (wildcard ? named.text.startsWith(name) : name === named.text));
    return fits?.means === "in";
  }
  return false;
}
