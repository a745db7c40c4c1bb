// Which packets two texts treat differently, found by trying. In: texts as iptables-save prints them. Out: the destinations, by the walker of test/make.
import type { Family } from "../../../rules/net/ip.ts";
import { ipDigits, ipFromDigits, isLoopback, type Ip } from "../../../rules/net/ip.ts";
import { anIp } from "../../make/objects.ts";
import { readDump, walk, type Dump, type End, type Fraction, type Packet } from "../../make/walk.ts";
import { node } from "./a-tracer.ts";

export type Trial = {
  readonly family: Family;
  /** Endpoints whose own packets to cluster IPs pass this node. */
  readonly here: ReadonlySet<Ip>;
};

/** Destinations as `protocol address port`; addresses of the node that no rule names are `node`. */
export type Tried = {
  readonly alike: ReadonlySet<string>;
  /** Where some packet fares differently. */
  readonly differing: ReadonlySet<string>;
};

/** Sends every kind of packet that it can think of to every destination that either text names. */
export function tryAll(a: string, b: string, { family, here }: Trial): Tried {
  const sides = [a, b].map(readSide) as [Side, Side];
  const both = `${a}\n${b}`;
  const places = placesIn(both, family);
  const clusterIps = new Set([...both.matchAll(/-d (\S+)\/\d+ .*"\S+ cluster IP"/g)].map(([, ip]) => ip));
  const endpoints = new Set([...both.matchAll(/--to-destination \[?([0-9a-f.:]+?)\]?:\d+$/gm)].map(([, ip]) => ip));
  const found = new Set<string>();
  for (const place of places) {
    for (const client of clientsIn(both, place)) {
      if (clusterIps.has(place.to) && endpoints.has(client.from) && !here.has(anIp(client.from))) continue;
      for (const memory of memoriesIn(both, place)) {
        const packet = { ...place, ...client, memory };
        if (!isAlike(fateOf(sides[0], packet), fateOf(sides[1], packet))) found.add(nameOf(place, both));
      }
    }
  }
  const alike = places.map((place) => nameOf(place, both)).filter((name) => !found.has(name));
  return { alike: new Set(alike), differing: found };
}

/** As `Tried` names it. */
export function nameOf({ protocol, to, port }: Pick<Packet, "protocol" | "to" | "port">, rules: string): string {
  const isUnnamed = node.localIps.includes(anIp(to)) && !new RegExp(`-d ${to.replaceAll(".", "\\.")}/`).test(rules);
  return `${protocol} ${isUnnamed ? "node" : to} ${port}`;
}

type Place = Pick<Packet, "to" | "protocol" | "port">;
type Client = Pick<Packet, "from" | "inInterface"> & { readonly isNode: boolean };

/** A client that was sent to the endpoint of this `recent` list so many seconds ago. */
type Memory = { readonly list: string; readonly secondsAgo: number } | undefined;

type Sent = Place & Client & { readonly memory: Memory };

/** A text to walk through; an `rcheck` in it asks for `LIST@SECONDS`, so that the walker, which knows no time, can be told of time. */
type Side = {
  readonly dump: Dump;
  readonly checks: readonly (readonly [string, number])[];
  readonly sets: ReadonlySet<string>;
};

function readSide(text: string): Side {
  const timed = text.replaceAll(/--rcheck --seconds (\d+)(.*?)--name (\S+)/g, "--rcheck --seconds $1$2--name $3@$1");
  return {
    dump: readDump(timed),
    checks: [...timed.matchAll(/--name ((\S+)@(\d+))/g)].map(([, name = "", , seconds]) => [name, Number(seconds)]),
    sets: new Set([...timed.matchAll(/--set --name (\S+)/g)].map(([, name = ""]) => name)),
  };
}

/** What rules name with an address, and with a port alone at each address of the node. */
function placesIn(rules: string, family: Family): Place[] {
  const loopback = family === 4 ? "127.0.0.1" : "::1";
  const own = [...node.localIps.filter((ip) => ip.includes(":") === (family === 6)), loopback];
  const found = new Map<string, Place>();
  const pattern = /^-A \S+ (?:! -s \S+ |-s \S+ )?(?:-d (\S+)\/(?:32|128) )?.*-p (tcp|udp|sctp) .*--dport (\d+) -j/gm;
  for (const [, ip, protocol, port] of rules.matchAll(pattern)) {
    for (const to of ip === undefined ? own : [ip]) {
      found.set(`${to} ${protocol} ${port}`, { to, protocol: protocol as Place["protocol"], port: Number(port) });
    }
  }
  return [...found.values()];
}

const strangers: Readonly<Record<Family, readonly string[]>> = {
  4: ["10.1.200.200", "10.200.1.1", "203.0.113.77", "198.51.100.77"],
  6: ["fd00:1::ffff", "fd00:2::1", "2001:db8:77::1", "2001:db8:5::77"],
};

/** Everybody whom a rule names, the neighbours of blocks, some whom none names by each kind of interface, and the node. */
function clientsIn(rules: string, { to }: Place): Client[] {
  const family = to.includes(":") ? 6 : 4;
  const own = node.localIps.filter((ip) => ip.includes(":") === (family === 6));
  const near = [...rules.matchAll(/ -s (\S+)\/(\d+)/g)].flatMap(([, ip = "", bits]) =>
    bits === "32" || bits === "128" ? [ip] : [ip, neighbour(ip, 1n), neighbour(ip, -1n)],
  );
  const cannotSend = (ip: string) => own.includes(anIp(ip)) || /^(?:0|127|22[4-9]|2[345]\d)\.|^::1?$/.test(ip);
  const guest = (from: string, inInterface: string): Client => ({ from, inInterface, isNode: false });
  const interfaces = rules.includes(" -i ") ? ["cni0", "veth0", "eth0"] : ["eth0"];
  const hosts = isLoopback(anIp(to)) ? [to] : own;
  return [
    ...[...new Set([...strangers[family], ...near])]
      .filter((ip) => !cannotSend(ip))
      .flatMap((ip) => interfaces.map((each) => guest(ip, each))),
    ...hosts.map((from) => ({ from, inInterface: "", isNode: true })),
  ];
}

function neighbour(ip: string, by: bigint): string {
  const digits = ipDigits(anIp(ip));
  const value = BigInt.asUintN(digits.length * 4, BigInt(`0x${digits}`) + by);
  return ipFromDigits(value.toString(16).padStart(digits.length, "0"));
}

/** Nobody's, and each list that rules of the Service there keep, just within and past each time that they ask for. */
function memoriesIn(rules: string, { to, protocol, port }: Place): Memory[] {
  if (!rules.includes("--rcheck")) return [undefined];
  const lines = rules.split("\n");
  const at = lines.filter((line) => line.includes(` -p ${protocol} `) && line.includes(`--dport ${port} `));
  const here = at.filter((line) => line.includes(` -d ${to}/`) || !line.includes(" -d "));
  const services = new Set(here.flatMap((line) => serviceOf(line) ?? []));
  const ofService = lines.filter((line) => services.has(serviceOf(line) ?? ""));
  const times = new Set([...rules.matchAll(/--seconds (\d+)/g)].map(([, seconds]) => Number(seconds)));
  const lists = new Set(ofService.flatMap((line) => / --set --name (\S+)/.exec(line)?.[1] ?? []));
  return [undefined, ...[...lists].flatMap((list) => [0, ...times].map((secondsAgo) => ({ list, secondsAgo })))];
}

function serviceOf(line: string): string | undefined {
  return /--comment "?([^" ]+\/[^" ]+)/.exec(line)?.[1];
}

/** Ends in words, with their chances. */
type Fate = ReadonlyMap<string, number>;

function isAlike(a: Fate, b: Fate): boolean {
  return [...new Set([...a.keys(), ...b.keys()])].every(
    (end) => Math.abs((a.get(end) ?? 0) - (b.get(end) ?? 0)) < 1e-4,
  );
}

function fateOf({ dump, checks, sets }: Side, { memory, isNode, ...sent }: Sent): Fate {
  const remembered = memory !== undefined && sets.has(memory.list) ? memory : undefined;
  const recent = new Set(
    checks.flatMap(([name, seconds]) =>
      remembered !== undefined && name.startsWith(`${remembered.list}@`) && remembered.secondsAgo < seconds
        ? [name]
        : [],
    ),
  );
  const first: Packet = { ...sent, localIps: node.localIps, recent };
  const fate = new Map<string, number>();
  const add = (end: string, chance: number) => fate.set(end, (fate.get(end) ?? 0) + chance);
  const nat = walkFrom(dump, { table: "nat", chain: isNode ? "OUTPUT" : "PREROUTING" }, first);
  for (const { target, mark, chance } of nat) {
    const to = /^DNAT --to-destination (.*):(\d+)$/.exec(target);
    const ip = to?.[1]?.replaceAll(/[[\]]/g, "");
    const next: Packet = {
      ...first,
      mark,
      to: ip ?? first.to,
      port: Number(to?.[2] ?? first.port),
      states: ["NEW", ...(to === null ? [] : ["DNAT"])],
    };
    add(passOn(dump, { packet: next, isNode, translated: to !== null }), numberOf(chance));
  }
  return fate;
}

type Routed = { readonly packet: Packet; readonly isNode: boolean; readonly translated: boolean };

/** From routing on: filter, and where it leaves the node or comes from it, POSTROUTING. */
function passOn(dump: Dump, { packet, isNode, translated }: Routed): string {
  const isOwn = isLoopback(anIp(packet.to)) || node.localIps.includes(anIp(packet.to));
  // What the node sends to itself comes in again by INPUT.
  const hooks = [...(isNode ? ["OUTPUT"] : []), ...(isOwn ? ["INPUT"] : isNode ? [] : ["FORWARD"])];
  for (const chain of hooks) {
    const [end] = walkFrom(dump, { table: "filter", chain }, packet);
    if (end !== undefined && /^(?:DROP|REJECT)/.test(end.target)) return end.target;
  }
  const source = isNode || !isOwn ? walkFrom(dump, { table: "nat", chain: "POSTROUTING" }, packet)[0]?.target : "";
  const masqueraded = source?.startsWith("MASQUERADE") === true ? " masqueraded" : "";
  return `${translated ? "to" : "passed on to"} ${packet.to} ${packet.port}${masqueraded}`;
}

/** As `walk`, through a chain that may have no rule and no line. */
function walkFrom(dump: Dump, start: Parameters<typeof walk>[1], packet: Packet): End[] {
  if (dump.get(start.table)?.has(start.chain) === true) return walk(dump, start, packet);
  return [{ target: "", mark: packet.mark ?? 0, chance: { share: 1n, bits: 0 } }];
}

function numberOf({ share, bits }: Fraction): number {
  return Number((share << 50n) >> BigInt(bits)) / 2 ** 50;
}
