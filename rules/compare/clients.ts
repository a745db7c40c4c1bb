// Whose packets rules tell apart. In: Distinctions that rules made. Out: ClientClass[], one packet sender for each class.
import { hostCidr, splitCidr, type Cidr } from "../net/cidr.ts";
import { familyOf, ipDigits, ipFromDigits, isLoopback, type Family, type Ip } from "../net/ip.ts";
import { addressOf, blockTest, isOwn, type Address, type Packet, type TraceNode } from "../trace/packet.ts";
import type { Distinction } from "../trace/match/test.ts";

/** Senders that no rule met so far tells apart, and one of them. */
export type ClientClass = {
  readonly origin: "node" | "network";
  readonly source: Ip;
  /** Undefined: an interface that no rule names. */
  readonly inInterface: string | undefined;
  /** `the node`, `10.244.0.0/16`, `anywhere else`, `10.244.0.0/16 by cni0` ... */
  readonly name: string;
  /** Equal for senders of the same class. */
  readonly key: string;
};

/** What rules were seen to ask of senders. Grows while packets are traced. */
export type Distinctions = {
  readonly family: Family;
  readonly hosts: Map<number | bigint, Ip>;
  readonly areas: Map<string, Area>;
  readonly interfaces: Set<string>;
};

type Area = {
  readonly name: string;
  readonly holds: (address: Address) => boolean;
  readonly low: Ip;
  readonly high: Ip;
  /** Smaller areas describe a sender better. */
  readonly size: bigint;
};

export function noDistinctions(family: Family): Distinctions {
  return { family, hosts: new Map(), areas: new Map(), interfaces: new Set() };
}

/** Takes note of one. Returns whether it was new. */
export function learn(known: Distinctions, distinction: Distinction): boolean {
  switch (distinction.kind) {
    case "own":
      return false;
    case "interface": {
      const before = known.interfaces.size;
      known.interfaces.add(distinction.name);
      return known.interfaces.size > before;
    }
    case "block":
      return learnBlock(known, distinction.block);
    case "range": {
      const name = `${distinction.low}-${distinction.high}`;
      if (known.areas.has(name)) return false;
      const [low, high] = [addressOf(distinction.low).bits, addressOf(distinction.high).bits];
      const size = BigInt(high) - BigInt(low) + 1n;
      const holds = ({ bits }: Address) => typeof bits === typeof low && bits >= low && bits <= high;
      known.areas.set(name, { name, holds, low: distinction.low, high: distinction.high, size });
      return true;
    }
  }
}

/** One sender for each class that the distinctions make. Senders that no network brings (loopback, the node's own addresses) are left out. */
export function clientsOf(known: Distinctions, node: TraceNode): ClientClass[] {
  const found = new Map<string, ClientClass>();
  const add = (client: ClientClass) => {
    if (!found.has(client.key)) found.set(client.key, client);
  };
  const own = node.localIps.filter((ip) => familyOf(ip) === known.family && !isLoopback(ip));
  for (const source of own) add(classOf(known, { origin: "node", source, inInterface: undefined }));
  for (const source of candidates(known, own)) {
    if (isOwn(node, source) || isImpossible(source)) continue;
    for (const inInterface of interfacesOf(known)) add(classOf(known, { origin: "network", source, inInterface }));
  }
  return [...found.values()];
}

/** The class of a sender as far as rules have told so far. */
export function classOf(
  known: Distinctions,
  sender: Pick<ClientClass, "origin" | "source" | "inInterface">,
): ClientClass {
  const address = addressOf(sender.source);
  const host = known.hosts.get(address.bits);
  const areas = [...known.areas.values()].filter((area) => area.holds(address));
  const smallest = areas.toSorted((a, b) => (a.size < b.size ? -1 : 1))[0];
  const key = [sender.origin, host ?? "", ...areas.map(({ name }) => name).sort(), sender.inInterface ?? ""].join(" ");
  const place = sender.origin === "node" ? "the node" : (host ?? smallest?.name ?? "anywhere else");
  const by = sender.inInterface === undefined ? "" : ` by ${sender.inInterface}`;
  return { ...sender, name: `${place}${by}`, key };
}

/** The packet that a sender of the class sends. What the node sends to its own loopback address comes from there. */
export function packetOf(
  client: ClientClass,
  to: Pick<Packet, "destination" | "protocol" | "destinationPort">,
): Packet {
  const fromLoopback = client.origin === "node" && isLoopback(to.destination);
  return {
    ...to,
    source: fromLoopback ? to.destination : client.source,
    origin: client.origin,
    ...(client.inInterface === undefined ? {} : { inInterface: client.inInterface }),
  };
}

/** An address of nobody's (RFC 5737, RFC 3849), for senders that no rule names. */
const somewhere: Readonly<Record<Family, Ip>> = { 4: "203.0.113.77" as Ip, 6: "2001:db8:77::77" as Ip };

function learnBlock(known: Distinctions, block: Cidr): boolean {
  const { ip } = splitCidr(block);
  if (familyOf(ip) !== known.family) return false;
  if (hostCidr(ip) === block) {
    const { bits } = addressOf(ip);
    if (known.hosts.has(bits)) return false;
    known.hosts.set(bits, ip);
    return true;
  }
  if (known.areas.has(block)) return false;
  const digits = ipDigits(ip);
  const width = BigInt(digits.length * 4 - splitCidr(block).bits);
  const high = (BigInt(`0x${digits}`) | ((1n << width) - 1n)).toString(16).padStart(digits.length, "0");
  known.areas.set(block, {
    name: block,
    holds: blockTest(block),
    low: ip,
    high: ipFromDigits(high),
    size: 1n << width,
  });
  return true;
}

/** Addresses at and beside every edge: one of them is in each part that the areas, and what sends nothing, cut the addresses into. */
function* candidates({ family, hosts, areas }: Distinctions, own: readonly Ip[]): Generator<Ip> {
  yield somewhere[family];
  for (const { low, high } of areas.values()) {
    for (const step of [1n, 0n]) yield* beside(low, step);
    for (const step of [-1n, 0n, 1n]) yield* beside(high, step);
    yield* beside(low, -1n);
  }
  for (const ip of hosts.values()) {
    yield ip;
    yield* beside(ip, 1n);
  }
  for (const ip of own) yield* beside(ip, 1n);
  if (areas.size > 0) yield* besideImpossible[family];
}

/** The first and the last address of each part that `isImpossible` leaves. */
const besideImpossible: Readonly<Record<Family, readonly Ip[]>> = {
  4: ["1.0.0.0", "126.255.255.255", "128.0.0.0", "223.255.255.255"] as Ip[],
  6: ["::2", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] as Ip[],
};

function beside(ip: Ip, step: bigint): Ip[] {
  const digits = ipDigits(ip);
  const value = BigInt(`0x${digits}`) + step;
  if (value < 0n || value >= 1n << BigInt(digits.length * 4)) return [];
  return [ipFromDigits(value.toString(16).padStart(digits.length, "0"))];
}

/** Loopback, unspecified, multicast and reserved addresses send nothing. */
function isImpossible(ip: Ip): boolean {
  return (
    isLoopback(ip) || (familyOf(ip) === 4 ? /^(0|22[4-9]|2[3-5]\d)\./.test(ip) : ip === "::" || ip.startsWith("ff"))
  );
}

/** An interface for each name and pattern that rules ask for, and one that none asks for; undefined alone where none asks at all. */
function interfacesOf({ interfaces }: Distinctions): (string | undefined)[] {
  if (interfaces.size === 0) return [undefined];
  const names = [...interfaces].flatMap((pattern) => interfaceFor(pattern, interfaces) ?? []);
  return [...new Set([...names, interfaceFor("other+", interfaces) ?? "other0"])];
}

/** A name that the pattern stands for, and no name or longer pattern beside it. */
function interfaceFor(pattern: string, others: ReadonlySet<string>): string | undefined {
  if (!pattern.endsWith("+")) return pattern;
  const prefix = pattern.slice(0, -1);
  const isTaken = (name: string) =>
    [...others].some(
      (other) =>
        other === name || (other.endsWith("+") && other.length > pattern.length && name.startsWith(other.slice(0, -1))),
    );
  return Array.from({ length: 36 }, (_, end) => prefix + end.toString(36)).find((name) => !isTaken(name));
}
