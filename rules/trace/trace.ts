// Follows a packet through all hooks. In: Firewall, TraceNode, Packet. Out: Branch[], every way that it can go, with exact chances.
import { familyOf, isLoopback, type Ip } from "../net/ip.ts";
import { balance } from "./balance.ts";
import type { End } from "./end.ts";
import type { Firewall } from "./firewall.ts";
import type { Fraction } from "./fraction.ts";
import type { Distinction } from "./match/test.ts";
import { interfaceTo, isOwn, ownIp, type Packet, type TraceNode } from "./packet.ts";
import { listOf, longer, setOut, type Condition, type Hook, type Hop, type Traveller } from "./traveller.ts";
import { passTable, type Journey } from "./walk.ts";

/** One way that the packet can go. */
export type Branch = {
  /** How often, where all conditions hold. The chances of all branches with the same answers to all conditions add up to 1. */
  readonly chance: Fraction;
  /** What it depends on besides chance; sorted as they were met. */
  readonly conditions: readonly Condition[];
  /** The rules that took part, first to last; jumps after which nothing matched are left out. */
  readonly hops: readonly Hop[];
  readonly end: End;
  /** `recent` lists that the client was put in. */
  readonly remembered: readonly string[];
  /** Seconds within which the client had to come back to be sent here; undefined where that did not matter. */
  readonly heldSeconds: number | undefined;
};

/** A firewall made ready for tracing on a node. Traces of one tracer share what they prepare; it keeps no results. */
export type Tracer = {
  readonly firewall: Firewall;
  readonly node: TraceNode;
  /** Every way that the packet can go. `tell` hears of everything by which a rule that was asked tells clients apart. */
  readonly trace: (packet: Packet, options?: TraceOptions) => readonly Branch[];
};

export type TraceOptions = {
  /** Leave out the rules that took part: a trace costs less. */
  readonly withoutHops?: true;
  readonly tell?: (distinction: Distinction) => void;
};

/** Rules that one trace may ask. A real one asks some hundred; ten million take seconds. */
const mostQuestions = 10_000_000;

/** Prepares for tracing. Addresses of the dummy device, where the firewall has them, are the node's too. */
export function buildTracer(firewall: Firewall, node: TraceNode): Tracer {
  const witness: Journey["surroundings"]["witness"] = { tell: undefined };
  const { ipvs } = firewall;
  const own = ipvs === undefined ? node : { ...node, deviceIps: ipvs.addresses };
  const surroundings = { node: own, sets: firewall.sets, witness };
  const chains: Journey["chains"] = new Map();
  return {
    firewall,
    node,
    trace: (packet, options = {}) => {
      witness.tell = options.tell;
      const journey: Journey = {
        dump: firewall.dump,
        servers: ipvs?.servers,
        surroundings,
        chains,
        keepsHops: options.withoutHops !== true,
        ended: [],
        budget: mostQuestions,
      };
      for (const traveller of travel(journey, setOut(fromWhere(packet, own), own))) arrive(journey, traveller);
      witness.tell = undefined;
      return journey.ended.map(({ traveller, end }) => branchOf(traveller, end));
    },
  };
}

/**
 * What a process sends without saying from where comes from the node's address, or, to an address of the dummy device, from that very
 * address. Source: Linux fib_semantics.c, fib_result_prefsrc; RFC 6724 section 5 rule 1.
 */
function fromWhere(packet: Packet, node: TraceNode): Packet {
  const { origin, source, destination } = packet;
  const isChosen = origin === "node" && node.deviceIps?.has(destination) === true;
  return isChosen && source === ownIp(node, familyOf(source)) ? { ...packet, source: destination } : packet;
}

/**
 * Order at each hook: raw, connection tracking, mangle, nat of destinations, (at OUTPUT) ip_vs, filter, security, (at INPUT) ip_vs, nat of
 * sources. Source: Linux netfilter_ipv4.h; ip_vs_core.c, ip_vs_ops4: NF_IP_PRI_NAT_DST + 2 and NF_IP_PRI_NAT_SRC - 1.
 */
function travel(journey: Journey, traveller: Traveller): Traveller[] {
  return traveller.isOwn ? fromNode(journey, traveller) : fromNetwork(journey, traveller);
}

function fromNetwork(journey: Journey, traveller: Traveller): Traveller[] {
  if (isStrayLoopback(traveller)) return drop(journey, traveller);
  const tracked = through(journey, ["raw"], [traveller]).map(track);
  const routed = through(journey, ["mangle", "nat"], tracked).flatMap((one) => admit(journey, one));
  return routed.flatMap((one) =>
    isOwn(journey.surroundings.node, one.destination.ip) ? input(journey, [one]) : forward(journey, one),
  );
}

/**
 * What a process of the node sends: out, and, where it is for the node itself, in again by lo, translated already. All of OUTPUT sees the
 * interface that led to where it was sent at first. Source: Linux __ip_local_out, which asks for the device once.
 */
function fromNode(journey: Journey, traveller: Traveller): Traveller[] {
  const tracked = through(journey, ["raw"], [traveller]).map(track);
  const released = through(journey, ["mangle", "nat"], tracked).flatMap((one) => release(journey, one));
  const given = released.map((one) => balance(journey, one));
  const own = through(
    journey,
    ["filter", "security"],
    given.flatMap(({ stayed }) => stayed),
  ).flatMap((one) => postrouting(journey, routed(journey, one, "POSTROUTING")));
  const out = [...own, ...given.flatMap(({ sent }) => sent.flatMap((one) => toRealServer(journey, one)))];
  return out.flatMap((one) => {
    if (!isOwn(journey.surroundings.node, one.destination.ip)) return [one];
    const source = one.snat?.to ?? one.source;
    const back = { ...one, source, hook: "PREROUTING" as const, inInterface: "lo", outInterface: undefined };
    return input(journey, through(journey, ["raw", "mangle"], [back]));
  });
}

function track(traveller: Traveller): Traveller {
  return { ...traveller, isTracked: true };
}

function input(journey: Journey, travellers: readonly Traveller[]): Traveller[] {
  const here = travellers.map((one) => ({ ...one, hook: "INPUT" as const }));
  // What came by lo had its source translated, if at all, on the way out.
  const tables = (one: Traveller) => (one.inInterface === "lo" ? [] : ["nat"]);
  return through(journey, ["mangle", "filter", "security"], here).flatMap((one) => {
    // What the node itself sent was given to ip_vs on its way out.
    const { stayed, sent } = one.isOwn ? { stayed: [one], sent: [] } : balance(journey, one);
    return [
      ...stayed.flatMap((each) => through(journey, tables(each), [each])),
      ...sent.flatMap((each) => toRealServer(journey, each)),
    ];
  });
}

/**
 * What ip_vs sends on passes all of OUTPUT, with the real server as its destination and no interface that it came in by; not nat, which
 * translated its destination, or did not, before. Source: Linux ip_vs_xmit.c, ip_vs_nat_send_or_cont.
 */
function toRealServer(journey: Journey, traveller: Traveller): Traveller[] {
  const { inInterface } = traveller;
  const leaving = { ...routed(journey, traveller, "OUTPUT"), inInterface: "" };
  return through(journey, ["raw", "mangle", "filter", "security"], [leaving]).flatMap((one) =>
    postrouting(journey, { ...one, inInterface }),
  );
}

function forward(journey: Journey, traveller: Traveller): Traveller[] {
  const passing = through(journey, ["mangle", "filter", "security"], [routed(journey, traveller, "FORWARD")]);
  return passing.flatMap((one) => postrouting(journey, one));
}

function postrouting(journey: Journey, traveller: Traveller): Traveller[] {
  return through(journey, ["mangle", "nat"], [{ ...traveller, hook: "POSTROUTING" as const }]);
}

function routed(journey: Journey, traveller: Traveller, hook: Hook): Traveller {
  return { ...traveller, hook, outInterface: interfaceTo(journey.surroundings.node, traveller.destination) };
}

function through(journey: Journey, tables: readonly string[], travellers: readonly Traveller[]): Traveller[] {
  let here = [...travellers];
  for (const table of tables) {
    here = here.flatMap((one) => (table === "nat" && !isTranslatable(one) ? [one] : passTable(journey, table, one)));
  }
  return here;
}

/**
 * Only what opens a connection passes the nat table; the rest is translated as its connection was, and so are ICMP errors about one.
 * Source: Linux nf_nat_inet_fn, nf_nat_ipv4_fn.
 */
function isTranslatable({ state, protocol }: Traveller): boolean {
  return state === "NEW" || (state === "RELATED" && protocol !== "icmp" && protocol !== "ipv6-icmp");
}

/** The kernel takes no packet for or from ::1 that did not come by lo, before any rule. Source: Linux ip6_rcv_core. */
function isStrayLoopback({ source, destination, inInterface }: Traveller): boolean {
  return inInterface !== "lo" && (source.ip === "::1" || destination.ip === "::1");
}

/**
 * From the network the kernel takes no packet for 127.0.0.0/8 or from it, unless route_localnet says so, and none for ::1. From an IPv4
 * address of the node itself it takes none at all. Source: Linux ip_route_input_slow, fib_validate_source.
 */
function admit(journey: Journey, traveller: Traveller): Traveller[] {
  const { source, destination, inInterface } = traveller;
  if (inInterface === "lo") return [traveller];
  if (isLoopback(source.ip) || isLoopback(destination.ip)) return ifLocalnetIsRouted(journey, traveller);
  const isSpoofed = familyOf(source.ip) === 4 && isOwn(journey.surroundings.node, source.ip);
  return isSpoofed ? drop(journey, traveller) : [traveller];
}

/** What the node sends from 127.0.0.0/8 leaves it only if route_localnet says so, and from ::1 never. Source: Linux __mkroute_output. */
function release(journey: Journey, traveller: Traveller): Traveller[] {
  const { source, destination } = traveller;
  if (!isLoopback(source.ip) || isOwn(journey.surroundings.node, destination.ip)) return [traveller];
  return ifLocalnetIsRouted(journey, traveller);
}

/** IPv6 has no such sysctl: answers to ::1 would not be taken in. */
function ifLocalnetIsRouted(journey: Journey, traveller: Traveller): Traveller[] {
  const isRouted = familyOf(traveller.destination.ip) === 4 ? journey.surroundings.node.routeLocalnet : false;
  if (isRouted === true) return [traveller];
  if (isRouted === false) return drop(journey, traveller);
  const [taken, dropped] = [true, false].map((holds) => assuming(traveller, localnetSysctl, holds));
  if (dropped !== undefined) drop(journey, dropped);
  return taken === undefined ? [] : [taken];
}

const localnetSysctl = "sysctl net.ipv4.conf.all.route_localnet";

function assuming(traveller: Traveller, on: string, holds: boolean): Traveller {
  const parts = [{ words: on, positive: true, basis: undefined }];
  return { ...traveller, conditions: longer(traveller.conditions, { on, line: 0, holds, parts }) };
}

function drop(journey: Journey, traveller: Traveller): [] {
  journey.ended.push({ traveller, end: { kind: "dropped" } });
  return [];
}

function arrive(journey: Journey, traveller: Traveller): void {
  const { destination, destinationPort, dnat, balanced, snat } = traveller;
  const end: End = {
    kind: "delivered",
    to: destination.ip,
    port: destinationPort,
    here: isOwn(journey.surroundings.node, destination.ip),
    translated: dnat || balanced,
    source: snat === undefined ? { kind: "kept" } : { kind: "rewritten", to: snat.to?.ip satisfies Ip | undefined },
  };
  journey.ended.push({ traveller, end });
}

function branchOf(traveller: Traveller, end: End): Branch {
  const { chance, conditions, hops, remembered, heldSeconds } = traveller;
  return {
    chance,
    conditions: listOf(conditions).map(({ on, line, holds, choice }) =>
      choice === undefined ? { on, line, holds } : { on, line, holds, choice },
    ),
    hops: listOf(hops),
    end,
    remembered: listOf(remembered),
    heldSeconds,
  };
}
