// The packets' sender. In: From, a family, ExplainContext. Out: Client, or the reason why there is none in that family.
import { cidrHolds } from "../net/cidr.ts";
import { familyOf, type Family, type Ip } from "../net/ip.ts";
import { never } from "../never.ts";
import type { Fate } from "../model/fates.ts";
import type { View } from "../model/view.ts";
import { values } from "../radix/radix.ts";
import { isInterface } from "../trace/match/compile-match.ts";
import type { ExplainContext } from "./context.ts";
import { isNodeIp, isPodIp, modelOf, nodeIp } from "./context.ts";
import { findPod, isKnownPodIp, podNames, type FoundPod } from "./lookup.ts";
import { nearNames } from "./near-names.ts";
import type { QuestionReason } from "./reason/question-reason.ts";
import type { From } from "./question.ts";

export type Client = {
  readonly source: Ip;
  /** `node`: a process of the node, whose packets come in by no interface. */
  readonly origin: "network" | "node";
  readonly inInterface: string | undefined;
  /** Whether it is in the cluster: a pod, or the node. Undefined where nothing can tell. */
  readonly inside: boolean | undefined;
  /** The pod that it is, where it was asked for as one. */
  readonly pod: { readonly name: string; readonly nodeName: string | undefined } | undefined;
  /** What the address stands in for, where it was made up for the question. */
  readonly standsFor: "outside" | "node" | undefined;
};

/** Addresses for documentation, which nobody has. Source: RFC 5737, RFC 3849. */
const documentation = { 4: ["203.0.113.", "192.0.2.1"], 6: ["2001:db8:ffff::", "2001:db8::1"] } as const;

/** What stands in for the node's own address where no source knows one. */
export function nodeStandIn(family: Family): Ip {
  return documentation[family][1] as Ip;
}

/** The client of one family. An address has only one; asked for the other there is `no-client-of-family`. */
export function findClient(from: From, family: Family, context: ExplainContext): Client | QuestionReason {
  const network = { origin: "network", inInterface: context.inInterface, pod: undefined } as const;
  switch (from.kind) {
    case "outside":
      return { ...network, source: outsideIp(family, context), inside: false, standsFor: "outside" };
    case "node":
      return { ...nodeClient(family, context), inside: true };
    case "ip": {
      const { ip } = from;
      if (familyOf(ip) !== family) return { code: "no-client-of-family", client: ip, family };
      if (isNodeIp(context, ip)) return { ...nodeClient(family, context), source: ip, standsFor: undefined };
      return { ...network, source: ip, inside: isInside(context, ip), standsFor: undefined };
    }
    case "pod":
      return findPodClient(from, family, context);
    default:
      return never(from);
  }
}

export function isClient(found: Client | QuestionReason): found is Client {
  return "source" in found;
}

/** The rows of `Frontend.fates` that this client belongs to. */
export function isFateOf({ from }: Fate, client: Client, view: View): boolean {
  switch (from) {
    case "anyone":
      return true;
    case "this-node":
      return client.origin === "node";
    case "local-pods":
      return isLocalPod(client, view) === true;
    default:
      return never(from);
  }
}

/**
 * Whether the rules take it for a pod of this cluster. By interface, where that is not known, a pod of this node is one; of others
 * nobody can tell (undefined).
 */
export function isLocalPod(
  { source, origin, inInterface, pod }: Client,
  { localPods, nodeName }: View,
): boolean | undefined {
  if (localPods === undefined) return false;
  if (localPods.kind === "source") return cidrHolds(localPods.cidr, source);
  if (origin === "node") return false;
  return isInterface(localPods.name, inInterface) ?? (pod === undefined ? undefined : pod.nodeName === nodeName);
}

function findPodClient(
  { namespace, name }: Extract<From, { kind: "pod" }>,
  family: Family,
  context: ExplainContext,
): Client | QuestionReason {
  const { objects } = context;
  if (objects === undefined) return { code: "needs-manifests", asked: `pod ${namespace}/${name}` };
  const pod = findPod(objects, namespace, name);
  if (pod === undefined)
    return {
      code: "pod-not-found",
      pod: `${namespace}/${name}`,
      near: nearNames(`${namespace}/${name}`, podNames(objects)),
    };
  if (pod.ips.length === 0) return { code: "pod-without-address", pod: `${namespace}/${name}` };
  const source = pod.ips.find((ip) => familyOf(ip) === family);
  if (source === undefined) return { code: "no-client-of-family", client: `pod ${namespace}/${name}`, family };
  return {
    source,
    origin: isNodeIp(context, source) || isOnThisHost(pod, family, context) ? "node" : "network",
    inInterface: context.inInterface,
    inside: true,
    pod: { name: `${namespace}/${name}`, nodeName: pod.nodeName },
    standsFor: undefined,
  };
}

/** A pod on the host's network sends as a process of its node does. */
function isOnThisHost({ onHost, nodeName }: FoundPod, family: Family, { objects }: ExplainContext): boolean {
  const here = modelOf(objects, family)?.view.nodeName;
  return onHost && nodeName !== undefined && nodeName === here;
}

function nodeClient(family: Family, context: ExplainContext): Client {
  const known = nodeIp(context, family);
  return {
    source: known ?? nodeStandIn(family),
    origin: "node",
    inInterface: undefined,
    inside: true,
    pod: undefined,
    standsFor: known === undefined ? "node" : undefined,
  };
}

/** The first address for documentation that is neither a pod's, nor the node's, nor one that a Service has. */
function outsideIp(family: Family, context: ExplainContext): Ip {
  const model = modelOf(context.objects, family);
  const taken = new Set(model === undefined ? [] : values(model.vips.winners).map(({ ip }) => ip));
  const numbers = Array.from({ length: 248 }, (_, index) => (index + 7).toString(family === 4 ? 10 : 16));
  const candidates = numbers.map((number) => `${documentation[family][0]}${number}` as Ip);
  const free = candidates.find((ip) => !isNodeIp(context, ip) && !isPodIp(context, ip) && !taken.has(ip));
  return free ?? (`${documentation[family][0]}7` as Ip);
}

function isInside(context: ExplainContext, ip: Ip): boolean | undefined {
  if (context.objects === undefined) return undefined;
  return isPodIp(context, ip) || isKnownPodIp(context.objects, ip);
}
