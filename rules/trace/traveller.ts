// A packet on its way. In: Packet, TraceNode. Out: Traveller, what is true of it at one point of one branch; and lists that share their beginnings.
import type { Rule } from "../iptables/ruleset/rule.ts";
import { certain, type Fraction } from "./fraction.ts";
import {
  addressOf,
  interfaceTo,
  protocolOf,
  type Address,
  type ConnectionState,
  type Packet,
  type TraceNode,
} from "./packet.ts";

export type Hook = "PREROUTING" | "INPUT" | "FORWARD" | "OUTPUT" | "POSTROUTING";

/**
 * One rule that took part, or (without rule) the policy at the end of a built-in chain, or (in the table `ip_vs`, whose chains are hooks) a
 * virtual server or real server.
 */
export type Hop = {
  readonly table: string;
  readonly chain: string;
  /** Line of the dump; undefined for a policy. */
  readonly line: number | undefined;
  readonly rule: Rule | undefined;
  /** `jump KUBE-SVC-X`, `DNAT to 10.0.0.1:80`, `drop`, `-A -t 10.96.0.1:80 -s rr` ... */
  readonly does: string;
};

/** Something that is not known of the packet or the node, and what a branch takes for granted of it. */
export type Condition = {
  readonly on: string;
  readonly line: number;
  readonly holds: boolean;
  /** It is one answer of several that exclude each other: which real server a scheduler chooses. */
  readonly choice?: true;
};

/** A condition as a branch keeps it: where it holds every part does, else at least one does not. */
export type Assumption = Condition & { readonly parts: readonly Part[] };

/**
 * One question, in words that say it without a `!`, and the answer (`positive`) that the condition asks for. Two parts are about the
 * same thing if both `words` and `basis` are the same; the basis changes when what the question is about does.
 */
export type Part = { readonly words: string; readonly positive: boolean; readonly basis: unknown };

/** A list that grows at its end without being copied. */
export type Trail<T> = { readonly last: T; readonly before: Trail<T>; readonly length: number } | undefined;

export type Traveller = {
  readonly hook: Hook;
  readonly source: Address;
  readonly destination: Address;
  readonly protocol: string;
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
  /** `""`: none, since the node made it. Undefined: not known. */
  readonly inInterface: string | undefined;
  readonly outInterface: string | undefined;
  /** Whether a process of this node made it. */
  readonly isOwn: boolean;
  readonly state: ConnectionState;
  /** Whether connection tracking has seen it: not before the raw table is done. */
  readonly isTracked: boolean;
  /** Whether it opens a connection, tracked or not. */
  readonly isFirst: boolean;
  readonly original: Pick<Traveller, "source" | "destination" | "sourcePort" | "destinationPort">;
  /** Whether its destination was translated (also to itself), and its source. */
  readonly dnat: boolean;
  readonly snat: { readonly to: Address | undefined } | undefined;
  /** Whether ip_vs took it, which has no part in nat: connection tracking does not call it DNATed. */
  readonly balanced: boolean;
  /** Undefined: not known. */
  readonly mark: number | undefined;
  readonly connectionMark: number | undefined;
  /** How often the marks were changed. */
  readonly markChanges: number;
  readonly connectionMarkChanges: number;
  /** `recent` lists that its source is in now. */
  readonly recent: ReadonlySet<string>;
  /** Those of them that it was put in on the way. */
  readonly remembered: Trail<string>;
  /** Sets that a rule may have changed on its way. */
  readonly changedSets: Trail<string>;
  /** Seconds within which the client had to come back, where a `recent` list decided. */
  readonly heldSeconds: number | undefined;
  readonly chance: Fraction;
  /** How many lots were drawn: each makes `chance` longer by 31 bits. */
  readonly lots: number;
  readonly conditions: Trail<Assumption>;
  readonly hops: Trail<Hop>;
};

const nowhere: ReadonlySet<string> = new Set();

/** The packet before its first hook. */
export function setOut(packet: Packet, node: TraceNode): Traveller {
  const own = packet.origin === "node";
  const header = {
    source: addressOf(packet.source),
    destination: addressOf(packet.destination),
    sourcePort: packet.sourcePort,
    destinationPort: packet.destinationPort,
  };
  const state = packet.state ?? "NEW";
  return {
    // Not `...header`: an object that begins with a spread is many times slower to make, and twice as large (V8 of Node 20).
    source: header.source,
    destination: header.destination,
    sourcePort: header.sourcePort,
    destinationPort: header.destinationPort,
    original: header,
    hook: own ? "OUTPUT" : "PREROUTING",
    protocol: protocolOf(packet.protocol),
    inInterface: own ? "" : packet.inInterface,
    outInterface: own ? interfaceTo(node, header.destination) : undefined,
    isOwn: own,
    state,
    isTracked: false,
    isFirst: state === "NEW",
    dnat: false,
    snat: undefined,
    balanced: false,
    mark: 0,
    // A new connection has no mark yet; of an older one nobody knows.
    connectionMark: state === "NEW" ? 0 : undefined,
    markChanges: 0,
    connectionMarkChanges: 0,
    recent: packet.recent ?? nowhere,
    remembered: undefined,
    changedSets: undefined,
    heldSeconds: undefined,
    chance: certain,
    lots: 0,
    conditions: undefined,
    hops: undefined,
  };
}

/** The interface that it leaves by, as rules see it: before routing, and where it goes to the node itself, there is none. */
export function outOf({ hook, outInterface }: Traveller): string | undefined {
  return hook === "PREROUTING" || hook === "INPUT" ? "" : outInterface;
}

/** Whether the hop is the policy at the end of a built-in chain. */
export function isPolicy({ rule, line }: Hop): boolean {
  return rule === undefined && line === undefined;
}

export function longer<T>(trail: Trail<T>, last: T): Trail<T> {
  return { last, before: trail, length: lengthOf(trail) + 1 };
}

export function lengthOf(trail: Trail<unknown>): number {
  return trail === undefined ? 0 : trail.length;
}

/** The members of a trail, first to last. */
export function listOf<T>(trail: Trail<T>): T[] {
  const list: T[] = [];
  for (let at = trail; at !== undefined; at = at.before) list.push(at.last);
  return list.reverse();
}
