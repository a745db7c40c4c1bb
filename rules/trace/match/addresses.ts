// Matches on addresses. In: a module's options. Out: Ask, or undefined where it is not known here.
import { familyOf, parseIp, type Ip } from "../../net/ip.ts";
import { setHolds, type SetValue } from "../../ipset/holds.ts";
import type { IpSet } from "../../ipset/set.ts";
import { hostCidr, splitCidr, type Cidr } from "../../net/cidr.ts";
import { addressOf, isOwn, type Address, type TraceNode } from "../packet.ts";
import { outOf, type Traveller } from "../traveller.ts";
import { sendersOf } from "./set-senders.ts";
import { every, some, unless, type Answer, type Ask, type Option, type Surroundings } from "./test.ts";

/** Module addrtype. LOCAL, UNICAST and MULTICAST can be told from the node's addresses; others only of some addresses. */
export function addressTypeMatch(options: readonly Option[], surroundings: Surroundings): Ask | undefined {
  const asks: Ask[] = [];
  for (const { name, not, values } of options) {
    const types = (values[0] ?? "").split(",");
    if (name === "--src-type")
      asks.push(({ source }) => {
        surroundings.witness.tell?.({ kind: "own" });
        return unless(not, isOfType(source, types, surroundings));
      });
    else if (name === "--dst-type")
      asks.push(({ destination }) => unless(not, isOfType(destination, types, surroundings)));
    else return undefined;
  }
  return (traveller) => every(asks, (ask) => ask(traveller));
}

/** Module iprange. */
export function rangeMatch(options: readonly Option[], { witness }: Surroundings): Ask | undefined {
  const asks: Ask[] = [];
  for (const { name, not, values } of options) {
    const [from = "", to = from] = (values[0] ?? "").split("-");
    const [low, high] = [parseIp(from), parseIp(to)];
    if (low === undefined || high === undefined) return undefined;
    const [first, last] = [addressOf(low).bits, addressOf(high).bits];
    const holds = ({ bits }: Address) => bits >= first && bits <= last;
    if (name === "--src-range")
      asks.push(({ source }) => {
        witness.tell?.({ kind: "range", low, high });
        return unless(not, holds(source));
      });
    else if (name === "--dst-range") asks.push(({ destination }) => unless(not, holds(destination)));
    else return undefined;
  }
  return (traveller) => every(asks, (ask) => ask(traveller));
}

/** Module set. Source: ipset(8), section on the set match: one flag (src, dst) for each dimension of the set's type. */
export function setMatch(options: readonly Option[], surroundings: Surroundings): Ask | undefined {
  const { sets, node, witness } = surroundings;
  const [option, ...more] = options;
  const [name = "", flags = ""] = option?.values ?? [];
  const set = sets.get(name);
  // Counters may be updated by a match; asking about them, or for what is in the set but does not match, is not decided here.
  const harmless = new Set(["--update-counters", "--update-subcounters"]);
  if (option?.name !== "--match-set" || set === undefined || more.some((each) => !harmless.has(each.name)))
    return undefined;
  const sides = flags.split(",");
  const senders = sendersOf(set, sides);
  return (traveller) => {
    if (witness.tell !== undefined && senders !== undefined)
      for (const block of senders(traveller))
        if (isOfSomebody(block, traveller, node)) witness.tell({ kind: "block", block });
    if (isChanged(set, traveller)) return undefined;
    return unless(
      option.not,
      setHolds(set, (each) => valuesOf(each, sides, traveller), sets),
    );
  };
}

/** From addresses of the node nothing comes in, and what a host sends to its own address does not leave it, unless it was translated. */
function isOfSomebody(block: Cidr, { original }: Traveller, node: TraceNode): boolean {
  const { ip } = splitCidr(block);
  return hostCidr(ip) !== block || (!isOwn(node, ip) && ip !== original.destination.ip);
}

/** Whether a rule may have put something in, or taken it out, for this packet: then what was saved is no longer what is asked. */
function isChanged({ name, entries }: IpSet, { changedSets }: Traveller): boolean {
  if (changedSets !== undefined && entries.kind === "members") return true;
  for (let at = changedSets; at !== undefined; at = at.before) if (at.last === name) return true;
  return false;
}

/** A rule with fewer flags than the set has dimensions matches nothing: fewer values say so. */
function valuesOf({ dimensions }: IpSet, sides: readonly string[], traveller: Traveller): SetValue[] {
  return sides.slice(0, dimensions.length).map((side, at): SetValue => {
    const isSource = side === "src";
    switch (dimensions[at]) {
      case "ip":
      case "net":
        return { kind: "ip", ip: (isSource ? traveller.source : traveller.destination).ip };
      case "port": {
        const port = isSource ? traveller.sourcePort : traveller.destinationPort;
        return { kind: "port", protocol: traveller.protocol, port };
      }
      case "iface":
        return { kind: "iface", name: isSource ? traveller.inInterface : outOf(traveller) };
      case "mark":
        return { kind: "mark", mark: traveller.mark };
      default:
        return { kind: "unknown" };
    }
  });
}

function isOfType(address: Address, types: readonly string[], { node }: Surroundings): Answer {
  if (familyOf(address.ip) === 6)
    return types.length > 1 ? undefined : hasType6(address.ip, types[0], isOwn(node, address.ip));
  const own = isOwn(node, address.ip);
  return some(types, (type) => hasType(address.ip, type, own));
}

/** Broadcast addresses of interfaces are not known here; that an address is none of them is taken for granted of a client's destination. */
function hasType(ip: Ip, type: string, own: boolean): Answer {
  const multicast = /^2(2[4-9]|3\d)\./.test(ip);
  const broadcast = ip === "255.255.255.255";
  switch (type) {
    case "LOCAL":
      return own;
    case "MULTICAST":
      return multicast;
    case "BROADCAST":
      return broadcast;
    case "UNICAST":
      return !own && !multicast && !broadcast;
    default:
      return own || multicast || broadcast ? false : undefined;
  }
}

/** IPv6 asks how an address is made, so that the node's own are UNICAST too; of several types it asks for all at once. Source: Linux xt_addrtype.c. */
function hasType6(ip: Ip, type: string | undefined, own: boolean): Answer {
  const multicast = /^ff[0-9a-f]{2}:/.test(ip);
  switch (type) {
    case "LOCAL":
      return own;
    case "MULTICAST":
      return multicast;
    case "UNICAST":
      return !multicast && ip !== "::";
    default:
      return undefined;
  }
}
