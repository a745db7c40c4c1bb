// What is traced, and where. In: nothing. Out: the types of packets and nodes, and addresses in a form that is quick to compare.
import { ipDigits, familyOf, isLoopback, type Family, type Ip } from "../net/ip.ts";
import { splitCidr, type Cidr } from "../net/cidr.ts";
import { protocolName } from "../ipset/port.ts";

/** The first packet of a connection, or a later one (`state`). What is undefined is not known, and what depends on it is left open. */
export type Packet = {
  readonly source: Ip;
  readonly destination: Ip;
  /** Lower case, as iptables prints it: `tcp`, `udp`, `sctp`, `icmp`, `ipv6-icmp` ... */
  readonly protocol: string;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** `node`: a process of this node made it, and it enters at OUTPUT. */
  readonly origin: "network" | "node";
  /** The interface that it comes in by; of a packet of the node itself there is none. */
  readonly inInterface?: string;
  /** What connection tracking makes of it; NEW if absent. Later packets of a connection do not pass the nat table. */
  readonly state?: ConnectionState;
  /** Lists of the `recent` match that hold its source; none if absent. */
  readonly recent?: ReadonlySet<string>;
};

export type ConnectionState = "NEW" | "ESTABLISHED" | "RELATED" | "INVALID" | "UNTRACKED";

/** The node whose rules are traced. It forwards packets, and has a route to every address. */
export type TraceNode = {
  /** Its own addresses, besides 127.0.0.0/8 and ::1; the first of a family is the one that it speaks from. */
  readonly localIps: readonly Ip[];
  /** Those of the dummy device that makes packets to Services local: the node speaks from one only to itself. */
  readonly deviceIps?: ReadonlySet<Ip>;
  /** Its interfaces and the blocks that are reached through each; may be incomplete. */
  readonly interfaces: readonly { readonly name: string; readonly blocks: readonly Cidr[] }[];
  /** The sysctl net.ipv4.conf.all.route_localnet. */
  readonly routeLocalnet: boolean | undefined;
};

/** An address with its bits, as a number (IPv4) or a bigint (IPv6): comparing these is many times faster than comparing text. */
export type Address = { readonly ip: Ip; readonly bits: number | bigint };

/** The address with its bits. */
export function addressOf(ip: Ip): Address {
  if (familyOf(ip) === 6) return { ip, bits: BigInt(`0x${ipDigits(ip)}`) };
  let bits = 0;
  for (const part of ip.split(".")) bits = bits * 256 + Number(part);
  return { ip, bits };
}

/** A function that tells whether addresses are in `cidr`. */
export function blockTest(cidr: Cidr): (address: Address) => boolean {
  const { ip, bits: length } = splitCidr(cidr);
  const { bits: network } = addressOf(ip);
  if (typeof network === "number") {
    const shift = 32 - length;
    const prefix = length === 0 ? 0 : network >>> shift;
    return ({ bits }) => typeof bits === "number" && (length === 0 || bits >>> shift === prefix);
  }
  const shift = BigInt(128 - length);
  const prefix = network >> shift;
  return ({ bits }) => typeof bits === "bigint" && bits >> shift === prefix;
}

/** The one name of a protocol: names, aliases and numbers of one protocol give the same. What has no name stays. */
export function protocolOf(text: string): string {
  return protocolName(text) ?? text;
}

/** Whether the address is one of the node's own. */
export function isOwn(node: TraceNode, ip: Ip): boolean {
  return isLoopback(ip) || node.localIps.includes(ip) || node.deviceIps?.has(ip) === true;
}

/** The interface towards an address: `lo` for the node's own, else the one with the longest block that holds it; undefined if not known. */
export function interfaceTo(node: TraceNode, { ip, bits }: Address): string | undefined {
  if (isOwn(node, ip)) return "lo";
  let best: { readonly name: string; readonly length: number } | undefined;
  for (const { name, blocks } of node.interfaces) {
    for (const block of blocks) {
      const { bits: length } = splitCidr(block);
      if (blockTest(block)({ ip, bits }) && length > (best?.length ?? -1)) best = { name, length };
    }
  }
  return best?.name;
}

/** The address that the node speaks from in a family, where it is known. */
export function ownIp(node: TraceNode, family: Family): Ip | undefined {
  return node.localIps.find((ip) => familyOf(ip) === family && !isLoopback(ip));
}
