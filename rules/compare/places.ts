// Which protocols and ports rules ask for. In: Rule, DumpTable. Out: Place[], of one rule or of all that can be met from a chain on.
import { calledChain, type DumpTable } from "../iptables/text/parse-dump.ts";
import { serviceOf } from "../iptables/text/parse.ts";
import type { Match, Rule } from "../iptables/ruleset/rule.ts";

/** A protocol and port, and what a rule says that is there: `default/web:http cluster IP`, `default/web:http`; may be empty. */
export type Place = { readonly protocol: "tcp" | "udp" | "sctp"; readonly port: number; readonly name: string };

/** The protocols that Services have; ports of others are not looked for. */
export const protocols = ["tcp", "udp", "sctp"] as const;

/** What the rule asks for: each port of a list, both ends of a range. */
export function placesOf(rule: Rule): Place[] {
  const protocol = protocols.find((each) => each === rule.protocol?.is);
  if (protocol === undefined) return [];
  const ports = rule.matches.flatMap((match) => portsOf(match));
  if (ports.length === 0) return [];
  const name = describe(rule, serviceOf(rule));
  return ports.map((port) => ({ protocol, port, name }));
}

/** Places by `protocol port`. `own`: those that only packets to the node's own addresses meet. */
export type Below = { readonly anywhere: ReadonlyMap<string, Place>; readonly own: ReadonlyMap<string, Place> };

/**
 * A function that finds the places that rules without a destination ask for, in a chain and in the chains that such rules lead to.
 * `placesIn`: what a rule asks for itself.
 */
export function placesBelow(
  { chains }: DumpTable,
  placesIn: (rule: Rule) => readonly Place[] = placesOf,
): (chain: string) => Below {
  const known = new Map<string, Below>();
  const find = (name: string): Below => {
    const before = known.get(name);
    if (before !== undefined) return before;
    // A loop, which no kernel takes, ends here.
    known.set(name, nothing);
    const below = { anywhere: new Map<string, Place>(), own: new Map<string, Place>() };
    for (const { rule } of chains.get(name)?.rules ?? []) {
      if (rule.destination !== undefined && rule.destination.not !== true) continue;
      const into = isForOwn(rule) ? below.own : below.anywhere;
      for (const place of placesIn(rule)) addPlace(into, place);
      const called = calledChain(rule);
      if (called === undefined || !chains.has(called)) continue;
      const next = find(called);
      for (const place of next.anywhere.values()) addPlace(into, place);
      for (const place of next.own.values()) addPlace(below.own, place);
    }
    const result = below.anywhere.size + below.own.size === 0 ? nothing : below;
    known.set(name, result);
    return result;
  };
  return find;
}

/** Most chains are those of Services, and ask for no port of their own. */
const nothing: Below = { anywhere: new Map(), own: new Map() };

/** Keeps the first name that is not empty. */
function addPlace(places: Map<string, Place>, place: Place): void {
  const key = `${place.protocol} ${place.port}`;
  if ((places.get(key)?.name ?? "") === "") places.set(key, place);
}

/** Whether the rule is for packets to the node itself, whichever of its addresses. */
function isForOwn({ matches }: Rule): boolean {
  return matches.some(
    (match) => match.kind === "address-type" && match.destination?.is === "LOCAL" && match.destination.not !== true,
  );
}

/** A comment is `X cluster IP`, `X external IP`, `X loadbalancer IP`, `X has no endpoints`, or, of a node port, only `X`. */
function describe({ matches }: Rule, service = ""): string {
  const [first] = matches;
  const text = first?.kind === "comment" ? first.text : service;
  return /^(\S+ (?:cluster|external|loadbalancer) IP)$/.exec(text)?.[1] ?? service;
}

function portsOf(match: Match): number[] {
  if (match.kind === "destination-ports") return match.low === match.high ? [match.low] : [match.low, match.high];
  if (match.kind !== "other") return [];
  const at = match.options.findIndex((option) => /^--(?:dports?|ports|destination-ports?)$/.test(option));
  const list = at < 0 ? "" : (match.options[at + 1] ?? "");
  return list.split(/[,:]/).flatMap((port) => (/^\d{1,5}$/.test(port) ? [Number(port)] : []));
}
