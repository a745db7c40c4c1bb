// Where packets may go that rules tell apart. In: Dumps, addresses of the node. Out: Destination[], one for each address, protocol and port.
import { hostCidr, splitCidr, type Cidr } from "../net/cidr.ts";
import { familyOf, ipDigits, ipFromDigits, isLoopback, type Family, type Ip } from "../net/ip.ts";
import { serviceOf } from "../iptables/text/parse.ts";
import { calledChain, type Dump } from "../iptables/text/parse-dump.ts";
import type { Match, Rule } from "../iptables/ruleset/rule.ts";

export type Destination = {
  readonly ip: Ip;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly port: number;
  /** What rules say that stands there, e.g. `default/web:http cluster IP`, or what else it is; may be empty. */
  readonly name: string;
  /** Pods reach a cluster IP from their own node only. */
  readonly isClusterIp: boolean;
};

/**
 * Every address, protocol and port that a rule of any of the dumps names; protocols and ports without an address at each of the node's
 * addresses that rules tell apart; an address in each block that rules name; and places that no rule names, with each protocol. Other
 * ports of a named address fare as any port that no rule names. By address, port, protocol.
 */
export function destinationsOf(dumps: readonly Dump[], localIps: readonly Ip[]): Destination[] {
  const named = collect(dumps);
  const family = dumps[0]?.family ?? 4;
  const found = new Map<string, Destination>();
  const add = (ip: Ip, { protocol, port }: Pick<Destination, "protocol" | "port">, name = "") => {
    const key = `${ipDigits(ip)} ${String(port).padStart(5, "0")} ${protocol}`;
    const before = found.get(key)?.name ?? "";
    if (before === "") found.set(key, { ip, protocol, port, name, isClusterIp: name.endsWith(" cluster IP") });
  };
  for (const { ip, place, name } of named.frontends.values()) add(ip, place, name);
  const own = nodeAddresses(named, localIps, family);
  for (const { place, name } of named.ports.values()) for (const ip of own) add(ip, place, name);
  for (const protocol of protocols) {
    for (const ip of [...named.hosts, ...[...named.blocks].map(lastOf), ...own])
      add(ip, { protocol, port: unusedPort });
    add(elsewhere[family], { protocol, port: 443 });
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, destination]) => destination);
}

const protocols = ["tcp", "udp", "sctp"] as const;

/** A port that no Service is likely to have (tcpmux); of a real one nothing would be lost, it is then compared twice. */
const unusedPort = 1;

/** Addresses of nobody: the last of a block for documentation (RFC 5737, RFC 3849). */
const elsewhere: Readonly<Record<Family, Ip>> = { 4: "192.0.2.254" as Ip, 6: "2001:db8:ffff::fffe" as Ip };

type Place = Pick<Destination, "protocol" | "port">;
type Named = {
  readonly frontends: Map<string, { readonly ip: Ip; readonly place: Place; readonly name: string }>;
  readonly ports: Map<string, { readonly place: Place; readonly name: string }>;
  /** Addresses that rules ask for without a port. */
  readonly hosts: Set<Ip>;
  /** Those of them that lead on to another chain, where ports may be asked for. */
  readonly doors: Set<Ip>;
  readonly blocks: Set<Cidr>;
};

function collect(dumps: readonly Dump[]): Named {
  const named: Named = {
    frontends: new Map(),
    ports: new Map(),
    hosts: new Set(),
    doors: new Set(),
    blocks: new Set(),
  };
  for (const { tables } of dumps)
    for (const { chains } of tables.values())
      for (const { rules } of chains.values()) for (const { rule } of rules) collectRule(named, rule);
  return named;
}

function collectRule(named: Named, rule: Rule): void {
  const { destination } = rule;
  const places = placesOf(rule);
  const host = destination === undefined ? undefined : hostOf(destination.is);
  if (destination !== undefined && host === undefined) named.blocks.add(destination.is);
  if (host !== undefined && places.length === 0) {
    named.hosts.add(host);
    if (calledChain(rule) !== undefined) named.doors.add(host);
  }
  for (const place of places) {
    const name = describe(rule, serviceOf(rule));
    const key = `${host ?? ""} ${place.protocol} ${place.port}`;
    if (host === undefined) named.ports.set(key, { place, name: named.ports.get(key)?.name ?? name });
    else named.frontends.set(key, { ip: host, place, name: named.frontends.get(key)?.name ?? name });
  }
}

/** A comment is `X cluster IP`, `X external IP`, `X loadbalancer IP`, `X has no endpoints`, or, of a node port, only `X`. */
function describe({ matches }: Rule, service = ""): string {
  const [first] = matches;
  const text = first?.kind === "comment" ? first.text : service;
  return /^(\S+ (?:cluster|external|loadbalancer) IP)$/.exec(text)?.[1] ?? service;
}

/** What the rule asks for: each port of a list, both ends of a range. */
function placesOf({ protocol, matches }: Rule): Place[] {
  const of = protocols.find((each) => each === protocol?.is);
  if (of === undefined) return [];
  return matches.flatMap((match) => portsOf(match)).map((port) => ({ protocol: of, port }));
}

function portsOf(match: Match): number[] {
  if (match.kind === "destination-ports") return match.low === match.high ? [match.low] : [match.low, match.high];
  if (match.kind !== "other") return [];
  const at = match.options.findIndex((option) => /^--(?:dports?|ports|destination-ports?)$/.test(option));
  const list = at < 0 ? "" : (match.options[at + 1] ?? "");
  return list.split(/[,:]/).flatMap((port) => (/^\d{1,5}$/.test(port) ? [Number(port)] : []));
}

function hostOf(cidr: Cidr): Ip | undefined {
  const { ip } = splitCidr(cidr);
  return hostCidr(ip) === cidr ? ip : undefined;
}

/** Of the node's addresses those that rules name, the first that none names, and loopback; and those that rules take for the node's. */
function nodeAddresses({ hosts, doors }: Named, localIps: readonly Ip[], family: Family): Ip[] {
  const loopback = (family === 4 ? "127.0.0.1" : "::1") as Ip;
  const own = localIps.filter((ip) => familyOf(ip) === family && !isLoopback(ip));
  const unnamed = own.find((ip) => !hosts.has(ip));
  return [...new Set([...own.filter((ip) => hosts.has(ip)), unnamed ?? loopback, ...doors, loopback])];
}

function lastOf(cidr: Cidr): Ip {
  const { ip, bits } = splitCidr(cidr);
  const digits = ipDigits(ip);
  const whole = Math.floor(bits / 4);
  const edge = bits % 4 === 0 ? "" : (parseInt(digits.charAt(whole), 16) | (0xf >> (bits % 4))).toString(16);
  return ipFromDigits((digits.slice(0, whole) + edge).padEnd(digits.length, "f"));
}
