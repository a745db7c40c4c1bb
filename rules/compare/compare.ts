// Whether two rule sets treat any packet differently. In: two tracers of one family. Out: Comparison: the classes of packets, and every difference.
import { hostPort, type Ip } from "../net/ip.ts";
import type { ConnectionState, Packet, TraceNode } from "../trace/packet.ts";
import type { Branch, TraceOptions, Tracer } from "../trace/trace.ts";
import { classOf, clientsOf, learn, noDistinctions, packetOf, type ClientClass } from "./clients.ts";
import { destinationsOf, type Destination, type FrontendNames } from "./destinations.ts";
import { fateOf, isSameFate, type Fate } from "./fate.ts";

/** Both sides of a comparison, of one family and on the same node. */
export type Sides = { readonly a: Tracer; readonly b: Tracer };

export type CompareSettings = {
  /** Endpoints whose own packets pass this node's rules on their way to a cluster IP, since they are on it; undefined: not known. */
  readonly endpointsHere: ReadonlySet<Ip> | undefined;
  /** Whose frontends are, for those that no rule names. */
  readonly names?: FrontendNames;
};

/** A class of packets that fares differently. */
export type Difference = {
  readonly destination: Destination;
  readonly client: ClientClass;
  /** A client that was sent to this endpoint shortly before, and comes again. */
  readonly again: string | undefined;
  /** What connection tracking makes of the packets; absent: each is the first of a connection. */
  readonly state?: ConnectionState;
  readonly a: Fate;
  readonly b: Fate;
};

export type Comparison = {
  /** How many classes of packets were traced through both. */
  readonly classes: number;
  readonly differences: readonly Difference[];
  /** Endpoints that send to themselves through a cluster IP, left out since where they are is not known. */
  readonly leftOut: number;
};

/**
 * Finds the classes as it goes: it traces a packet of the node and one of somebody else to each destination, hears which senders the
 * rules that were asked tell apart, and goes on with those until there are no new ones.
 */
export function compareRulesets(sides: Sides, settings: CompareSettings): Comparison {
  const { a, b } = sides;
  const destinations = destinationsOf([a.firewall, b.firewall], a.node.localIps, settings.names);
  const tally: Tally = { classes: 0, differences: [], leftOut: 0 };
  const work = { sides, settings, node: commonNode(sides), tally };
  for (const destination of destinations) compareDestination(work, { destination });
  for (const later of laterPackets(sides)) compareDestination(work, later);
  return tally;
}

type Tally = { classes: number; readonly differences: Difference[]; leftOut: number };
type Work = {
  readonly sides: Sides;
  readonly settings: CompareSettings;
  readonly node: TraceNode;
  readonly tally: Tally;
};

/** Where packets go, and in which state, if they do not open connections. */
type Target = { readonly destination: Destination; readonly state?: ConnectionState };

/** What is an address of the node on one side sends nothing from elsewhere. */
function commonNode({ a, b }: Sides): TraceNode {
  return { ...a.node, deviceIps: new Set([a, b].flatMap(({ firewall }) => [...(firewall.ipvs?.addresses ?? [])])) };
}

function compareDestination(work: Work, target: Target): void {
  const { sides, tally } = work;
  const { destination } = target;
  const { family } = sides.a.firewall;
  const known = noDistinctions(family);
  const traced = new Map<string, ClientClass>();
  const endpoints = new Set<Ip>();
  let hasNews = true;
  const tell: Tell = (distinction) => {
    if (learn(known, distinction)) hasNews = true;
  };
  while (hasNews) {
    hasNews = false;
    // What was traced stands for the class that it is in now, whatever was learned since.
    const covered = new Set([...traced.values()].map((client) => classOf(known, client).key));
    for (const client of clientsOf(known, work.node)) {
      if (covered.has(client.key)) continue;
      covered.add(client.key);
      traced.set(client.key, client);
      if (isElsewhere(work, { destination, client, endpoints })) {
        if (work.settings.endpointsHere === undefined) tally.leftOut++;
        continue;
      }
      const both = traceBoth(sides, packetFor(client, target), tell);
      // Rules do ask for the interface: the classes that have one come next, and what is left open here is decided there.
      if (client.origin === "network" && client.inInterface === undefined && known.interfaces.size > 0) continue;
      for (const fate of [both.a, both.b])
        for (const { end } of fate.values()) if (end.kind === "delivered" && end.translated) endpoints.add(end.to);
      record(tally, { ...target, client, again: undefined }, both);
      if (!endpoints.has(client.source)) compareAgain(work, { destination, client, both });
    }
  }
}

/** An endpoint's packets to a cluster IP pass the rules of its own node only. */
function isElsewhere(
  { settings }: Work,
  { destination, client, endpoints }: { destination: Destination; client: ClientClass; endpoints: ReadonlySet<Ip> },
): boolean {
  if (!destination.isClusterIp || client.origin === "node" || !endpoints.has(client.source)) return false;
  return settings.endpointsHere?.has(client.source) !== true;
}

/** A client that comes back after each endpoint that remembers it, as each side remembers it. */
function compareAgain(
  { sides, tally }: Work,
  { destination, client, both }: { destination: Destination; client: ClientClass; both: { a: Fate; b: Fate } },
): void {
  const [a, b] = [rememberedBy(both.a), rememberedBy(both.b)];
  const packet = packetFor(client, { destination });
  for (const endpoint of new Set([...a.keys(), ...b.keys()])) {
    const fates = {
      a: traceAgain(traceOn(sides, "a"), { ...packet, recent: new Set(a.get(endpoint)) }, both.a),
      b: traceAgain(traceOn(sides, "b"), { ...packet, recent: new Set(b.get(endpoint)) }, both.b),
    };
    record(tally, { destination, client, again: endpoint }, fates);
  }
}

/** The fate of a client that comes back. Where that is what it would be anyway, how long it is known makes no difference. */
function traceAgain(trace: Trace, packet: Packet, first: Fate): Fate {
  const branches = trace(packet, { withoutHops: true });
  const timeless = fateOf(branches.map((branch) => ({ ...branch, heldSeconds: undefined })));
  return isSameFate(timeless, first) ? first : fateOf(branches);
}

/** The lists in which each endpoint's client is then. */
function rememberedBy(fate: Fate): Map<string, readonly string[]> {
  const lists = new Map<string, readonly string[]>();
  for (const { end, remembered } of fate.values()) {
    if (remembered.length > 0 && end.kind === "delivered" && end.port !== undefined)
      lists.set(hostPort(end.to, end.port), remembered);
  }
  return lists;
}

function packetFor(client: ClientClass, { destination, state }: Target): Packet {
  const { ip, protocol, port } = destination;
  const packet = packetOf(client, { destination: ip, protocol, destinationPort: port });
  return state === undefined ? packet : { ...packet, state };
}

type Tell = NonNullable<TraceOptions["tell"]>;

function traceBoth(sides: Sides, packet: Packet, tell: Tell): { a: Fate; b: Fate } {
  const fate = (side: keyof Sides) => fateOf(traceOn(sides, side)(packet, { withoutHops: true, tell }));
  return { a: fate("a"), b: fate("b") };
}

type Trace = Tracer["trace"];

/**
 * Traces on one side. What the node sends to an address that its dummy device has on either side comes from that address there and from the
 * node's usual one here; that only counts where the receiver sees another one in the end.
 */
function traceOn(sides: Sides, side: keyof Sides): Trace {
  const isChosen = (ip: Ip) => [sides.a, sides.b].some(({ firewall }) => firewall.ipvs?.addresses.has(ip) === true);
  return (packet, options) => {
    const branches = sides[side].trace(packet, options);
    return packet.origin === "node" && isChosen(packet.destination)
      ? branches.map((branch) => seenAsSent(branch, packet.source))
      : branches;
  };
}

/** A source that is rewritten to the one that the node would speak from anyway, as far as that is known, is as good as kept. */
function seenAsSent(branch: Branch, source: Ip): Branch {
  const { end } = branch;
  if (end.kind !== "delivered" || end.source.kind === "kept" || (end.source.to ?? source) !== source) return branch;
  return { ...branch, end: { ...end, source: { kind: "kept" } } };
}

function record(
  tally: Tally,
  of: Pick<Difference, "destination" | "client" | "again" | "state">,
  { a, b }: { readonly a: Fate; readonly b: Fate },
): void {
  tally.classes++;
  if (!isSameFate(a, b)) tally.differences.push({ ...of, a, b });
}

/** Packets of no Service in the states that rules ask for: passing through, coming in, going out. */
function laterPackets({ a: { firewall, node } }: Sides): Target[] {
  const { family } = firewall;
  const places = destinationsOf([{ family, dump: { family, tables: new Map() }, sets: new Map() }], node.localIps);
  return (["ESTABLISHED", "RELATED", "INVALID", "UNTRACKED"] as const).flatMap((state) =>
    places.map((destination) => ({ destination, state })),
  );
}
