// Two subjects side by side, on one node. In: two Subjects. Out: for each family that both have, what is traced on each side.
import type { Family, Ip } from "../../rules/index.ts";
import { familyOf, isLoopback } from "../../rules/net/ip.ts";
import { nodeStandIn } from "../../rules/explain/clients.ts";
import { frontendAt } from "../../rules/compare/destinations.ts";
import type { CompareSettings, Sides } from "../../rules/compare/compare.ts";
import { isServed, servicePorts, type Model } from "../../rules/model/model.ts";
import type { Frontend } from "../../rules/model/service-port.ts";
import type { Firewall } from "../../rules/trace/firewall.ts";
import type { TraceNode } from "../../rules/trace/packet.ts";
import { buildTracer } from "../../rules/trace/trace.ts";
import type { Backend } from "../config/settings.ts";
import { firewallAfter } from "./after.ts";
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
    const sides = {
      a: buildTracer(left, { ...node, routeLocalnet: isLocalnetRouted(a, b) }),
      b: buildTracer(right, { ...node, routeLocalnet: isLocalnetRouted(b, a) }),
    };
    const models = [a, b].flatMap(({ desired }) => desired?.models.filter(({ view }) => view.family === family) ?? []);
    const settings = { endpointsHere: endpointsHere(models), names: new Map(models.flatMap(namesIn)) };
    return [{ family, sides, settings }];
  });
}

/** The node that both are on: what is known of it from either side. */
function commonNode(a: Subject, b: Subject): TraceNode {
  const known = [...new Set([...a.node.localIps, ...b.node.localIps])];
  const missing = ([4, 6] as const).filter((family) => !known.some((ip) => familyOf(ip) === family && !isLoopback(ip)));
  return {
    localIps: [...known, ...missing.map((family) => nodeStandIn(family))],
    interfaces: [...a.node.interfaces, ...b.node.interfaces],
    routeLocalnet: undefined,
  };
}

/**
 * Whether loopback addresses are routed. What the agent sets is not what the rules say, so both sides are asked on the same node where they
 * are of one mode. IPVS mode does not set it, nor undo it: where it is iptables mode that sets it, it is as the kernel has it from the start
 * on the other side; beside a node that was in iptables mode it is as that node has it.
 */
function isLocalnetRouted(subject: Subject, other: Subject): boolean | undefined {
  const isSwitch = modeOf(subject) !== modeOf(other);
  if (isSwitch && modeOf(subject) === "ipvs" && subject.desired !== undefined)
    return other.desired !== undefined && other.node.routeLocalnet === true ? false : other.node.routeLocalnet;
  return subject.node.routeLocalnet ?? (isSwitch ? undefined : other.node.routeLocalnet);
}

function modeOf({ desired, firewalls }: Subject): Backend {
  if (desired !== undefined) return desired.backend;
  return Object.values(firewalls).some(({ ipvs }) => ipvs !== undefined) ? "ipvs" : "iptables";
}

function firewallOf(subject: Subject, other: Subject, family: Family): Firewall | undefined {
  const { desired } = subject;
  if (desired === undefined) return subject.firewalls[family];
  if (!desired.models.some(({ view }) => view.family === family)) return undefined;
  if (other.desired !== undefined) return firewallAfter(desired, family, undefined);
  const firewall = other.firewalls[family];
  const texts = other.texts[family];
  if (firewall === undefined) return undefined;
  return firewallAfter(desired, family, texts === undefined ? undefined : { firewall, texts });
}

/** Endpoints on this node by what manifests say, or that may be; undefined where no manifests say anything. */
function endpointsHere(models: readonly Model[]): ReadonlySet<Ip> | undefined {
  return models.length === 0 ? undefined : new Set(models.flatMap(endpointsOf));
}

function endpointsOf(model: Model): Ip[] {
  const used = servicePorts(model).flatMap((port) => [...port.clusterEndpoints, ...port.localEndpoints]);
  const unknown = model.view.nodeName === undefined;
  return used.flatMap(({ ip, local, nodeName }) => (local || unknown || nodeName === undefined ? [ip] : []));
}

/** In the words of the comments of rules in iptables mode; sets and virtual servers have none. */
function namesIn(model: Model): (readonly [string, string])[] {
  const frontends = servicePorts(model).flatMap((port) => port.frontends.filter((each) => isServed(model, each)));
  return frontends.map((frontend) => {
    const { ip, protocol, port } = frontend;
    return [frontendAt(ip, protocol.toLowerCase(), port), nameOf(frontend)] as const;
  });
}

function nameOf({ kind, service }: Frontend): string {
  const words = { "cluster-ip": " cluster IP", "external-ip": " external IP", "load-balancer-ip": " loadbalancer IP" };
  return kind === "node-port" ? service : service + words[kind];
}
