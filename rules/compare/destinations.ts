// Where packets may go that rules, sets or ip_vs tell apart. In: Firewalls, addresses of the node. Out: Destination[], one for each address, protocol and port.
import type { Cidr } from "../net/cidr.ts";
import { familyOf, ipDigits, isLoopback, type Family, type Ip } from "../net/ip.ts";
import { builtInChains, calledChain, type DumpTable } from "../iptables/text/parse-dump.ts";
import type { Rule } from "../iptables/ruleset/rule.ts";
import type { Firewall } from "../trace/firewall.ts";
import { addressOf, blockTest } from "../trace/packet.ts";
import { placeOfKey } from "../trace/virtual-servers.ts";
import { standIns } from "./blocks.ts";
import { placesBelow, placesOf, protocols, type Below, type Place } from "./places.ts";
import { hostOf, setPlacesOf, unnamed, type Sets } from "./set-places.ts";

export type Destination = {
  readonly ip: Ip;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly port: number;
  /** What rules say that stands there, e.g. `default/web:http cluster IP`, or what else it is; may be empty. */
  readonly name: string;
  /** Pods reach a cluster IP from their own node only. */
  readonly isClusterIp: boolean;
};

/** What stands at frontends, by `frontendAt`, where rules do not say it. */
export type FrontendNames = ReadonlyMap<string, string>;

/** `10.96.0.1 tcp 80`; of a node port ` tcp 30080`. */
export function frontendAt(ip: Ip | undefined, protocol: string, port: number): string {
  return `${ip ?? ""} ${protocol} ${port}`;
}

/**
 * Every address, protocol and port that a rule of any of the firewalls names, itself or by a set, or a virtual server has. Ports that rules name without an address: where such a rule can be
 * met, that is at the addresses that led to it, or at each of the node's addresses that rules tell apart and at one beyond the node. And
 * with each protocol at a port that no rule names: every address that rules name, one in each part that their blocks make, the node's own,
 * one that no rule names. By address, port, protocol.
 */
export function destinationsOf(
  firewalls: readonly Firewall[],
  localIps: readonly Ip[],
  names: FrontendNames = new Map(),
): Destination[] {
  const family = firewalls[0]?.family ?? 4;
  const named = collect(firewalls);
  const own = nodeAddresses(new Set(named.hosts.keys()), localIps, family);
  const inBlocks = standIns([...named.blocks], new Set([...named.hosts.keys(), ...named.frontends.keys(), ...own]));
  const found = new Map<string, Destination>();
  const add = (ip: Ip, { protocol, port, name }: Place) => {
    const key = `${ipDigits(ip)} ${String(port).padStart(5, "0")} ${protocol}`;
    const before = found.get(key);
    const isClusterIp = name.endsWith(" cluster IP");
    if (before === undefined || isBetter({ name, isClusterIp }, before))
      found.set(key, { ip, protocol, port, name, isClusterIp });
  };
  for (const [ip, places] of named.frontends) for (const place of places) add(ip, place);
  for (const { block, places } of named.inBlocks) {
    const holds = blockTest(block);
    const inside = inBlocks.filter((ip) => holds(addressOf(ip)));
    for (const ip of inside) for (const place of places) add(ip, place);
  }
  for (const place of named.own) for (const ip of own) add(ip, place);
  for (const place of named.anywhere) for (const ip of [...own, elsewhere[family]]) add(ip, place);
  const unused = (protocol: Place["protocol"]): Place => ({ protocol, port: unusedPort, name: "" });
  for (const [ip, asked] of named.hosts) for (const protocol of asked) add(ip, unused(protocol));
  for (const protocol of protocols) {
    for (const ip of [...inBlocks, ...own]) add(ip, unused(protocol));
    add(elsewhere[family], { protocol, port: 443, name: "" });
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, destination]) => withName(destination, names));
}

type Called = Pick<Destination, "name" | "isClusterIp">;

/** A name that says whose it is goes before one that says only what it is, and that before none. */
function isBetter(one: Called, other: Called): boolean {
  const rank = ({ name, isClusterIp }: Called) =>
    name === "" ? 0 : name.startsWith(unnamed) ? 1 : isClusterIp ? 3 : 2;
  return rank(one) > rank(other);
}

function withName(destination: Destination, names: FrontendNames): Destination {
  const { ip, protocol, port, name } = destination;
  if (name !== "" && !name.startsWith(unnamed)) return destination;
  const known = names.get(frontendAt(ip, protocol, port));
  const found = known ?? (name === nodePort ? names.get(frontendAt(undefined, protocol, port)) : undefined);
  return found === undefined ? destination : { ...destination, name: found };
}

const nodePort = `${unnamed}node port`;

/** A port that no Service is likely to have (tcpmux); of a real one nothing would be lost, it is then compared twice. */
export const unusedPort = 1;

/** Addresses of nobody: the last of a block for documentation (RFC 5737, RFC 3849). */
const elsewhere: Readonly<Record<Family, Ip>> = { 4: "192.0.2.254" as Ip, 6: "2001:db8:ffff::fffe" as Ip };

type Named = {
  /** Places by address; addresses that rules ask for with a port. */
  readonly frontends: Map<Ip, Place[]>;
  /** Addresses that rules ask for without a port, and protocols that those rules may tell apart: nearly always one stands for all. */
  readonly hosts: Map<Ip, Set<Place["protocol"]>>;
  readonly blocks: Set<Cidr>;
  /** Places that rules ask for, themselves or below, of packets to a block. */
  readonly inBlocks: { readonly block: Cidr; readonly places: readonly Place[] }[];
  /** Places that rules ask for whatever the address, and of packets to the node itself. */
  readonly anywhere: Place[];
  readonly own: Place[];
};

function collect(firewalls: readonly Firewall[]): Named {
  const named: Named = {
    frontends: new Map(),
    hosts: new Map(),
    blocks: new Set(),
    inBlocks: [],
    anywhere: [],
    own: [],
  };
  for (const { dump, sets, ipvs } of firewalls) {
    for (const table of dump.tables.values()) collectTable(named, table, sets);
    for (const key of ipvs?.servers.byPlace.keys() ?? []) {
      const { ip, protocol, port } = placeOfKey(key);
      const known = protocols.find((each) => each === protocol);
      if (known !== undefined) addPlaces(named, ip, [{ protocol: known, port, name: "" }]);
    }
    for (const ip of ipvs?.addresses ?? []) addHost(named, ip, undefined);
  }
  return named;
}

function collectTable(named: Named, table: DumpTable, sets: Sets): void {
  const below = placesBelow(table, (rule) => placesAnywhere(rule, sets));
  for (const { name, rules } of table.chains.values()) {
    for (const { rule } of rules) {
      collectSets(named, rule, sets);
      collectRule(named, rule, below);
    }
    if (!builtInChains.has(name)) continue;
    const { anywhere, own } = below(name);
    named.anywhere.push(...anywhere.values());
    named.own.push(...own.values());
  }
}

/** What a rule asks for whatever the address, itself and by sets. */
function placesAnywhere(rule: Rule, sets: Sets): Place[] {
  const bySets = setPlacesOf(rule, sets).flatMap(({ block, places }) => (block === undefined ? places : []));
  return [...placesOf(rule), ...bySets];
}

function collectSets(named: Named, rule: Rule, sets: Sets): void {
  for (const { block, places } of setPlacesOf(rule, sets)) {
    if (block === undefined) continue;
    const host = hostOf(block);
    if (host === undefined) {
      named.blocks.add(block);
      if (places.length > 0) named.inBlocks.push({ block, places });
    } else if (places.length === 0) addHost(named, host, rule.protocol);
    else addPlaces(named, host, places);
  }
}

function collectRule(named: Named, rule: Rule, below: (chain: string) => Below): void {
  if (rule.destination === undefined) return;
  const block = rule.destination.is;
  const host = hostOf(block);
  const asked = placesOf(rule);
  const called = calledChain(rule);
  const next = called === undefined ? undefined : below(called);
  const places = next === undefined ? asked : [...asked, ...next.anywhere.values(), ...next.own.values()];
  if (host === undefined) {
    named.blocks.add(block);
    if (places.length > 0) named.inBlocks.push({ block, places });
    return;
  }
  if (asked.length === 0) addHost(named, host, rule.protocol);
  addPlaces(named, host, places);
}

function addPlaces({ frontends }: Named, host: Ip, places: readonly Place[]): void {
  const known = frontends.get(host);
  if (known === undefined) frontends.set(host, [...places]);
  else known.push(...places);
}

function addHost({ hosts }: Named, host: Ip, protocol: Rule["protocol"]): void {
  const known = hosts.get(host) ?? new Set();
  hosts.set(host, known.add("tcp"));
  if (protocol !== undefined) for (const each of protocols) known.add(each);
}

/** Of the node's addresses those that rules name, the first that none names, and loopback. */
function nodeAddresses(hosts: ReadonlySet<Ip>, localIps: readonly Ip[], family: Family): Ip[] {
  const loopback = (family === 4 ? "127.0.0.1" : "::1") as Ip;
  const own = localIps.filter((ip) => familyOf(ip) === family && !isLoopback(ip));
  const unnamed = own.find((ip) => !hosts.has(ip));
  return [...new Set([...own.filter((ip) => hosts.has(ip)), unnamed ?? loopback, loopback])];
}
