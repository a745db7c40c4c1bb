// What an explanation is made from. In: rules, a node, objects. Out: the types of these, and what follows from them about addresses.
import type { Pod } from "../decode/pod.ts";
import type { Model } from "../model/model.ts";
import { cidrHolds, type Cidr } from "../net/cidr.ts";
import { isLoopback, type Family, type Ip } from "../net/ip.ts";
import type { Firewall } from "../trace/firewall.ts";
import { isOwn, ownIp, type TraceNode } from "../trace/packet.ts";

/** Everything that is known. `sources` holds one or two; where there are two, the first is what is wanted, the second what is there. */
export type ExplainContext = {
  readonly sources: readonly Source[];
  /** Undefined where only rules are known, and no object that they were made from. */
  readonly objects: Objects | undefined;
  /** The interface by which packets come in, where it is known. */
  readonly inInterface: string | undefined;
};

/** Rules from one place. */
export type Source = {
  /** `the manifests`, `live`, the name of a file. Any text: made printable when it is said. */
  readonly name: string;
  readonly firewalls: Readonly<Partial<Record<Family, Firewall>>>;
  readonly node: TraceNode;
};

/** What the API says, as one node sees it. */
export type Objects = {
  /** One for each family that is looked at. */
  readonly models: readonly Model[];
  /** What serves Services; absent: rules alone. */
  readonly backend?: "iptables" | "ipvs";
  readonly pods: readonly Pod[];
  /** Blocks that pods have their addresses from, besides those that the models' views tell of. */
  readonly podCidrs: readonly Cidr[];
  /** Findings about the objects: `object` is e.g. `Service default/web`. */
  readonly problems: readonly ObjectProblem[];
};

export type ObjectProblem = {
  readonly code: string;
  readonly object: string;
  readonly path: readonly (string | number)[];
};

/** The families that anything is known of, IPv4 first. */
export function familiesIn({ sources, objects }: ExplainContext): Family[] {
  return ([4, 6] as const).filter(
    (family) =>
      modelOf(objects, family) !== undefined || sources.some(({ firewalls }) => firewalls[family] !== undefined),
  );
}

export function modelOf(objects: Objects | undefined, family: Family): Model | undefined {
  return objects?.models.find(({ view }) => view.family === family);
}

/** Whether the node, by any source, has this address. */
export function isNodeIp({ sources }: ExplainContext, ip: Ip): boolean {
  return isLoopback(ip) || sources.some(({ node }) => isOwn(node, ip));
}

/** The address that the node speaks from; undefined where no source knows one. */
export function nodeIp({ sources }: ExplainContext, family: Family): Ip | undefined {
  for (const { node } of sources) {
    const ip = ownIp(node, family);
    if (ip !== undefined) return ip;
  }
  return undefined;
}

/** Whether the address is in a block that this cluster's pods have their addresses from, as far as that is known. */
export function isPodIp({ objects }: ExplainContext, ip: Ip): boolean {
  const told = (objects?.models ?? []).flatMap(({ view: { localPods } }) =>
    localPods?.kind === "source" ? [localPods.cidr] : [],
  );
  return [...(objects?.podCidrs ?? []), ...told].some((cidr) => cidrHolds(cidr, ip));
}
