// Two subjects side by side, on one node. In: two Subjects. Out: for each family that both have, what is traced on each side.
import { diffRulesets, emptyRuleset, parseRuleset, type Build, type Family, type Ip } from "../../rules/index.ts";
import { familyOf, isLoopback } from "../../rules/net/ip.ts";
import { nodeStandIn } from "../../rules/explain/clients.ts";
import { applyToDump } from "../../rules/compare/graft.ts";
import type { CompareSettings, Sides } from "../../rules/compare/compare.ts";
import { ownedByUsOrKubeProxy } from "../../rules/iptables/text/parse.ts";
import { servicePorts, type Model } from "../../rules/model/model.ts";
import type { Firewall } from "../../rules/trace/firewall.ts";
import type { TraceNode } from "../../rules/trace/packet.ts";
import { buildTracer } from "../../rules/trace/trace.ts";
import type { Subject } from "./subject.ts";

/** What is compared in one family. */
export type FamilySides = { readonly family: Family; readonly sides: Sides; readonly settings: CompareSettings };

/**
 * Both subjects' rules of each family that both have. Manifests beside a dump stand for what `apply` would make of that dump: its own
 * Services' rules are replaced, and the rules of others in it stay, so that only what Services get can differ.
 */
export function buildSides(a: Subject, b: Subject): FamilySides[] {
  const node = commonNode(a, b);
  return ([4, 6] as const).flatMap((family) => {
    const [left, right] = [firewallOf(a, b, family), firewallOf(b, a, family)];
    if (left === undefined || right === undefined) return [];
    const sides = { a: buildTracer(left, node), b: buildTracer(right, node) };
    return [{ family, sides, settings: { endpointsHere: endpointsHere([a, b], family) } }];
  });
}

/** The node that both are on: what is known of it from either side. */
function commonNode(a: Subject, b: Subject): TraceNode {
  const known = [...new Set([...a.node.localIps, ...b.node.localIps])];
  const missing = ([4, 6] as const).filter((family) => !known.some((ip) => familyOf(ip) === family && !isLoopback(ip)));
  return {
    localIps: [...known, ...missing.map((family) => nodeStandIn(family))],
    interfaces: [...a.node.interfaces, ...b.node.interfaces],
    // What the agent sets is not what the rules say: both sides are asked on the same node.
    routeLocalnet: a.node.routeLocalnet ?? b.node.routeLocalnet,
  };
}

function firewallOf(subject: Subject, other: Subject, family: Family): Firewall | undefined {
  const build = buildOf(subject, family);
  if (build === undefined) return subject.firewalls[family];
  const text = other.texts[family];
  const base = other.desired === undefined ? other.firewalls[family] : undefined;
  if (other.desired === undefined && base === undefined) return undefined;
  const observed = text === undefined ? emptyRuleset(family) : parseRuleset(text, family, ownedByUsOrKubeProxy);
  const dump = applyToDump(base?.dump ?? { family, tables: new Map() }, diffRulesets(observed, build.ruleset));
  return { family, dump, sets: base?.sets ?? new Map() };
}

function buildOf({ desired }: Subject, family: Family): Build | undefined {
  return desired?.builds.find(({ ruleset }) => ruleset.family === family);
}

/** Endpoints on this node by what manifests say, or that may be; undefined where no manifests say anything. */
function endpointsHere(subjects: readonly Subject[], family: Family): ReadonlySet<Ip> | undefined {
  const builds = subjects.flatMap((subject) => buildOf(subject, family) ?? []);
  return builds.length === 0 ? undefined : new Set(builds.flatMap(({ model }) => endpointsOf(model)));
}

function endpointsOf(model: Model): Ip[] {
  const used = servicePorts(model).flatMap((port) => [...port.clusterEndpoints, ...port.localEndpoints]);
  const unknown = model.view.nodeName === undefined;
  return used.flatMap(({ ip, local, nodeName }) => (local || unknown || nodeName === undefined ? [ip] : []));
}
