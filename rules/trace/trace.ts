// Follows a packet through all hooks. In: Firewall, TraceNode, Packet. Out: Branch[], every way that it can go, with exact chances.
import { familyOf, isLoopback, type Ip } from "../net/ip.ts";
import type { End } from "./end.ts";
import type { Firewall } from "./firewall.ts";
import type { Fraction } from "./fraction.ts";
import type { Distinction } from "./match/test.ts";
import { interfaceTo, isOwn, type Packet, type TraceNode } from "./packet.ts";
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

/** Prepares for tracing. */
export function buildTracer(firewall: Firewall, node: TraceNode): Tracer {
  const witness: Journey["surroundings"]["witness"] = { tell: undefined };
  const surroundings = { node, sets: firewall.sets, witness };
  const chains: Journey["chains"] = new Map();
  return {
    firewall,
    node,
    trace: (packet, options = {}) => {
      witness.tell = options.tell;
      const journey: Journey = {
        dump: firewall.dump,
        surroundings,
        chains,
        keepsHops: options.withoutHops !== true,
        ended: [],
        budget: mostQuestions,
      };
      for (const traveller of travel(journey, setOut(packet, node))) arrive(journey, traveller);
      witness.tell = undefined;
      return journey.ended.map(({ traveller, end }) => branchOf(traveller, end));
    },
  };
}

/** Priorities of the hooks: raw, connection tracking, mangle, nat of destinations, filter, security, nat of sources. Source: Linux netfilter_ipv4.h. */
const early = ["raw", "mangle", "nat"];

function travel(journey: Journey, traveller: Traveller): Traveller[] {
  return traveller.isOwn ? fromNode(journey, traveller) : fromNetwork(journey, traveller);
}

function fromNetwork(journey: Journey, traveller: Traveller): Traveller[] {
  const routed = through(journey, early, [traveller]).flatMap((one) => admit(journey, one));
  return routed.flatMap((one) =>
    isOwn(journey.surroundings.node, one.destination.ip) ? input(journey, [one]) : forward(journey, one),
  );
}

/** What a process of the node sends: out, and, where it is for the node itself, in again by lo, translated already. */
function fromNode(journey: Journey, traveller: Traveller): Traveller[] {
  const sent = through(journey, ["raw", "mangle", "nat"], [traveller]).map((one) => routed(journey, one, "OUTPUT"));
  const out = through(journey, ["filter", "security"], sent).flatMap((one) => postrouting(journey, one));
  return out.flatMap((one) => {
    if (!isOwn(journey.surroundings.node, one.destination.ip)) return [one];
    const back = { ...one, hook: "PREROUTING" as const, inInterface: "lo", isOwn: true };
    return input(journey, through(journey, ["raw", "mangle"], [back]));
  });
}

function input(journey: Journey, travellers: readonly Traveller[]): Traveller[] {
  const here = travellers.map((one) => ({ ...one, hook: "INPUT" as const }));
  // What came by lo had its source translated, if at all, on the way out.
  const tables = (one: Traveller) => (one.inInterface === "lo" ? [] : ["nat"]);
  return through(journey, ["mangle", "filter", "security"], here).flatMap((one) =>
    through(journey, tables(one), [one]),
  );
}

function forward(journey: Journey, traveller: Traveller): Traveller[] {
  const passing = through(journey, ["mangle", "filter", "security"], [routed(journey, traveller, "FORWARD")]);
  return passing.flatMap((one) => postrouting(journey, one));
}

function postrouting(journey: Journey, traveller: Traveller): Traveller[] {
  return through(journey, ["mangle", "nat"], [{ ...traveller, hook: "POSTROUTING" }]);
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

/** Only what opens a connection passes the nat table; the rest is translated as its connection was. Source: Linux nf_nat_inet_fn. */
function isTranslatable({ state }: Traveller): boolean {
  return state === "NEW" || state === "RELATED";
}

/** The kernel takes no packet from the network for 127.0.0.0/8, unless route_localnet says so. Source: Linux ip_route_input_slow. */
function admit(journey: Journey, traveller: Traveller): Traveller[] {
  const { node } = journey.surroundings;
  const { ip } = traveller.destination;
  if (!isLoopback(ip) || traveller.inInterface === "lo") return [traveller];
  const isAllowed = familyOf(ip) === 4 ? node.routeLocalnet : false;
  if (isAllowed === true) return [traveller];
  if (isAllowed === false) {
    journey.ended.push({ traveller, end: { kind: "dropped" } });
    return [];
  }
  const condition = { on: "sysctl net.ipv4.conf.all.route_localnet", line: 0 };
  const dropped = { ...traveller, conditions: longer(traveller.conditions, { ...condition, holds: false }) };
  journey.ended.push({ traveller: dropped, end: { kind: "dropped" } });
  return [{ ...traveller, conditions: longer(traveller.conditions, { ...condition, holds: true }) }];
}

function arrive(journey: Journey, traveller: Traveller): void {
  const { destination, destinationPort, dnat, snat } = traveller;
  const end: End = {
    kind: "delivered",
    to: destination.ip,
    port: destinationPort,
    here: isOwn(journey.surroundings.node, destination.ip),
    translated: dnat,
    source: snat === undefined ? { kind: "kept" } : { kind: "rewritten", to: snat.to?.ip satisfies Ip | undefined },
  };
  journey.ended.push({ traveller, end });
}

function branchOf(traveller: Traveller, end: End): Branch {
  const { chance, conditions, hops, remembered, heldSeconds } = traveller;
  return {
    chance,
    conditions: listOf(conditions),
    hops: listOf(hops),
    end,
    remembered: listOf(remembered),
    heldSeconds,
  };
}
