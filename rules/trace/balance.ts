// What ip_vs does with a packet. In: a Traveller at INPUT or OUTPUT, ServerTable. Out: who goes on at that hook, and who leaves for a real server.
import { hostPort, isLoopback } from "../net/ip.ts";
import type { End } from "./end.ts";
import { certain, fraction, isCertain, times, type Fraction } from "./fraction.ts";
import { addressOf, isOwn } from "./packet.ts";
import { lengthOf, longer, type Traveller } from "./traveller.ts";
import { findServer, type ServerTable, type TracedReal, type TracedServer } from "./virtual-servers.ts";
import { end, splitCost, type Journey } from "./walk.ts";

/** `stayed`: goes on at the same hook, untouched or now addressed to a real server on this node. `sent`: leaves by OUTPUT once more. */
export type Balanced = { readonly stayed: readonly Traveller[]; readonly sent: readonly Traveller[] };

/**
 * Hands a packet to ip_vs, which takes what opens a connection to a virtual server. Those that it refuses or drops end here.
 * Source: Linux ip_vs_core.c, ip_vs_in_hook, ip_vs_schedule, ip_vs_leave; ip_vs_proto_tcp.c, tcp_conn_schedule.
 */
export function balance(journey: Journey, traveller: Traveller): Balanced {
  const { servers } = journey;
  // What it has sent on already carries a property that keeps it from being taken again.
  if (servers === undefined || traveller.balanced || !traveller.isFirst) return left(traveller);
  const { destination, destinationPort: port, protocol, mark } = traveller;
  if (mark === undefined && servers.byMark.size > 0) return ended(journey, traveller, open("the packet's mark"));
  if (port === undefined) return portUnknown(journey, traveller, servers);
  const server = findServer(servers, { ip: destination.ip, protocol, port }, mark ?? 0);
  if (server === undefined) return left(traveller);
  const noted = note(journey, traveller, server);
  const ways = waysOf(server, traveller);
  journey.budget -= (ways.length - 1) * (splitCost + lengthOf(noted.hops) + lengthOf(noted.conditions));
  if (journey.budget <= 0) return ended(journey, noted, open("more branches than can be followed"));
  const found = ways.map((way) => take(journey, go(noted, server, way), way));
  return { stayed: found.flatMap(({ stayed }) => stayed), sent: found.flatMap(({ sent }) => sent) };
}

/** One real server, or undefined where the packet is refused. `held`: the client was there before. */
type Way = {
  readonly real: TracedReal | undefined;
  readonly chance: Fraction;
  /** What the choice hangs on, besides chance. */
  readonly on: string | undefined;
  readonly held: boolean;
};

/** A way for each real server that may be chosen. */
function waysOf(server: TracedServer, { recent }: Traveller): Way[] {
  const usable = server.servers.filter(({ weight }) => weight > 0);
  const known =
    server.persistentSeconds === undefined ? undefined : usable.find((real) => recent.has(clientList(server, real)));
  if (known !== undefined) return [{ ...sure(known), held: true }];
  if (usable.length === 0) return [sure(undefined)];
  const total = usable.reduce((sum, { weight }) => sum + weight, 0);
  switch (server.scheduler) {
    case "rr":
      return usable.map((real) => ({ ...sure(real), chance: fraction(1, usable.length) }));
    case "wrr":
      return usable.map((real) => ({ ...sure(real), chance: fraction(real.weight, total) }));
    case "fo": {
      const most = Math.max(...usable.map(({ weight }) => weight));
      return chosen(
        server,
        usable.filter(({ weight }) => weight === most),
      );
    }
    default:
      return chosen(server, mayRefuse(server) ? [...usable, undefined] : usable);
  }
}

function sure(real: TracedReal | undefined): Way {
  return { real, chance: certain, on: undefined, held: false };
}

/** What connections there are, and which clients come, is not known: any of them may be the one. */
function chosen({ scheduler }: TracedServer, candidates: readonly (TracedReal | undefined)[]): Way[] {
  if (candidates.length === 1) return candidates.map(sure);
  return candidates.map((real) => ({
    ...sure(real),
    on: `${scheduler} chooses ${real === undefined ? "none" : hostPort(real.ip, real.port)}`,
  }));
}

/**
 * Schedulers that give some clients nobody although there are real servers: ovf when all have more connections than weight, those that
 * hash when they come to one of weight 0 and have no flag to look for another. Source: Linux ip_vs_ovf.c, ip_vs_sh.c, ip_vs_mh.c, ip_vs_dh.c.
 */
function mayRefuse({ scheduler, flags, servers }: TracedServer): boolean {
  const hasDrained = servers.some(({ weight }) => weight === 0);
  switch (scheduler) {
    case "ovf":
      return true;
    case "dh":
      return hasDrained;
    case "sh":
    case "mh":
      return hasDrained && !flags.includes("flag-1") && !flags.includes(`${scheduler}-fallback`);
    default:
      return false;
  }
}

/** What stands for "this client was at this real server" among the lists of `Packet.recent`. */
export function clientList({ text }: TracedServer, { ip, port }: Pick<TracedReal, "ip" | "port">): string {
  return `${text.split(" ").slice(1, 3).join(" ")} ${hostPort(ip, port)}`;
}

/** The packet on its way to the real server, with what was assumed and is remembered. */
function go(traveller: Traveller, server: TracedServer, { real, chance, on, held }: Way): Traveller {
  const { conditions, remembered, recent } = traveller;
  const list = real === undefined || server.persistentSeconds === undefined ? undefined : clientList(server, real);
  const assumed =
    on === undefined
      ? conditions
      : longer(conditions, {
          on,
          line: server.line,
          holds: true,
          choice: true,
          parts: [{ words: on, positive: true, basis: server }],
        });
  return {
    ...traveller,
    chance: isCertain(chance) ? traveller.chance : times(traveller.chance, chance),
    lots: isCertain(chance) ? traveller.lots : traveller.lots + 1,
    conditions: assumed,
    remembered: list === undefined ? remembered : longer(remembered, list),
    recent: list === undefined || recent.has(list) ? recent : new Set([...recent, list]),
    heldSeconds: held ? server.persistentSeconds : traveller.heldSeconds,
    balanced: true,
    ...(real === undefined ? {} : readdressed(traveller, server, real)),
  };
}

/** Source: Linux ip_vs_core.c, ip_vs_schedule and ip_vs_sched_persist: how the port is chosen. */
function readdressed(
  { destination, destinationPort }: Traveller,
  { port: at, persistentSeconds }: TracedServer,
  { ip, port, method }: TracedReal,
): Pick<Traveller, "destination" | "destinationPort"> {
  if (method !== "masquerading") return { destination, destinationPort };
  const keeps = port === 0 || (persistentSeconds !== undefined && destinationPort !== at);
  return { destination: addressOf(ip), destinationPort: keeps ? destinationPort : port };
}

/**
 * Where the packet goes then. To the node itself: on at the same hook, but never from the network to a loopback address. To others: out,
 * but never from a loopback address. Source: Linux ip_vs_xmit.c, ip_vs_nat_xmit, crosses_local_route_boundary.
 */
function take(journey: Journey, traveller: Traveller, { real }: Way): Balanced {
  const { source, isOwn: isOurs, destination } = traveller;
  if (real === undefined)
    return ended(journey, traveller, { kind: "rejected", with: refusal[source.ip.includes(":") ? 6 : 4] });
  const noted = note(journey, traveller, real);
  if (isOwn(journey.surroundings.node, real.ip)) {
    const isStray = !isOurs && isLoopback(destination.ip);
    return isStray ? ended(journey, noted, { kind: "dropped" }) : { stayed: [noted], sent: [] };
  }
  if (isLoopback(source.ip)) return ended(journey, noted, { kind: "dropped" });
  if (real.method !== "masquerading")
    return ended(journey, noted, open(`${hostPort(real.ip, real.port)}, where ip_vs sends it by ${real.method}`));
  return { stayed: [], sent: [noted] };
}

/** The same answer for every protocol. Source: Linux ip_vs_core.c, ip_vs_leave. */
const refusal = { 4: "icmp-port-unreachable", 6: "icmp6-port-unreachable" } as const;

function left(traveller: Traveller): Balanced {
  return { stayed: [traveller], sent: [] };
}

function ended(journey: Journey, traveller: Traveller, how: End): Balanced {
  end(journey, traveller, how);
  return { stayed: [], sent: [] };
}

function open(on: string): End {
  return { kind: "undecided", on };
}

/** Of a packet without a known port nobody knows whether a virtual server at its address takes it. */
function portUnknown(journey: Journey, traveller: Traveller, { byPlace, byMark }: ServerTable): Balanced {
  const prefix = `${traveller.destination.ip} ${traveller.protocol} `;
  const mayBeTaken = byMark.has(traveller.mark ?? 0) || [...byPlace.keys()].some((key) => key.startsWith(prefix));
  return mayBeTaken ? ended(journey, traveller, open("the packet's port")) : left(traveller);
}

function note(journey: Journey, traveller: Traveller, { line, text }: TracedServer | TracedReal): Traveller {
  if (!journey.keepsHops) return traveller;
  const hop = { table: "ip_vs", chain: traveller.hook, line, rule: undefined, does: text };
  return { ...traveller, hops: longer(traveller.hops, hop) };
}
