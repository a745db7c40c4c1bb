// What the API server has told. In: changes of what is watched. Out: Cluster, Node and ServiceCIDRs as they are now, and what is news.
import {
  emptyCluster,
  removeService,
  removeSlice,
  setService,
  setSlice,
  type Cidr,
  type Cluster,
  type EndpointSlice,
  type Family,
  type Node,
  type Service,
} from "../../rules/index.ts";
import type { ObjectChange } from "../watch/intake.ts";
import type { ServiceCidr } from "../watch/service-cidr.ts";
import { createLean } from "./lean.ts";
import type { LastChange } from "./last-changes.ts";

/** Told of each change of the Service `namespace/name`; a slice that moves is a change of both that it was and is of. */
export type OnChange = (service: string, change: Omit<LastChange, "pass">) => void;

export type Objects = {
  readonly services: (news: readonly ObjectChange<Service>[]) => void;
  readonly slices: (news: readonly ObjectChange<EndpointSlice>[]) => void;
  readonly nodes: (news: readonly ObjectChange<Node>[]) => void;
  readonly serviceCidrs: (news: readonly ObjectChange<ServiceCidr>[]) => void;
  readonly cluster: () => Cluster;
  readonly node: () => Node | undefined;
  /** All blocks of all ServiceCIDRs; empty where the server has none, or has no such kind. */
  readonly cidrs: () => readonly Cidr[];
  /** The uid of the Service `namespace/name`, as it was told last. */
  readonly uidOf: (service: string) => string | undefined;
  /** Changes since the last call. */
  readonly takeNews: () => News;
};

export type News = {
  /** How many of each kind. */
  readonly services: number;
  readonly slices: number;
  /** When each slice was changed, by the clock of whoever changed it. */
  readonly triggers: readonly Trigger[];
  /** `namespace/name` of the Services that changed, the first 20. */
  readonly first: readonly string[];
};

/** `at` in milliseconds since 1970. */
export type Trigger = { readonly family: Family; readonly at: number };

const mostNamed = 20;
const mostTriggers = 10_000;

/** Holds what the rules depend on, and the uids that events about Services need: some 100 bytes for each Service. */
export function createObjects(onChange: OnChange = ignore): Objects {
  let cluster = emptyCluster();
  let node: Node | undefined;
  /** Which Service a slice is of: a slice that goes, or moves, must leave the one that it was of. */
  const known = new Map<string, EndpointSlice>();
  const uids = new Map<string, string>();
  const cidrs = new Map<string, readonly Cidr[]>();
  const lean = createLean();
  let news = noNews();

  const note = (service: string, change: Omit<LastChange, "pass">): void => {
    if (news.first.size < mostNamed) news.first.add(service);
    onChange(service, change);
  };
  const dropSlice = (each: ObjectChange<EndpointSlice>): void => {
    const before = known.get(each.key);
    if (before === undefined) return;
    known.delete(each.key);
    cluster = removeSlice(cluster, before);
    if (before.service !== undefined) note(`${before.namespace}/${before.service}`, changeOf("EndpointSlice", each));
  };

  return {
    services: (changes) => {
      news.services += changes.length;
      for (const each of changes) {
        if (each.kind === "set") {
          cluster = setService(cluster, lean.service(each.object));
          if (each.uid !== undefined) uids.set(each.key, each.uid);
        } else {
          const [namespace = "", name = ""] = each.key.split("/");
          cluster = removeService(cluster, namespace, name);
          uids.delete(each.key);
        }
        note(each.key, changeOf("Service", each));
      }
    },
    slices: (changes) => {
      news.slices += changes.length;
      for (const each of changes) {
        if (each.kind === "gone") {
          dropSlice(each);
          continue;
        }
        const { triggeredAt } = each;
        const object = lean.slice(each.object);
        if (known.get(each.key)?.service !== object.service) dropSlice(each);
        known.set(each.key, object);
        cluster = setSlice(cluster, object);
        if (object.service === undefined) continue;
        note(`${object.namespace}/${object.service}`, changeOf("EndpointSlice", each));
        const family = familyOf(object);
        if (triggeredAt === undefined || family === undefined || news.triggers.length >= mostTriggers) continue;
        news.triggers.push({ family, at: triggeredAt });
      }
    },
    nodes: (changes) => {
      for (const each of changes) node = each.kind === "set" ? each.object : undefined;
    },
    serviceCidrs: (changes) => {
      for (const each of changes)
        if (each.kind === "set") cidrs.set(each.key, each.object.cidrs);
        else cidrs.delete(each.key);
    },
    cluster: () => cluster,
    node: () => node,
    cidrs: () => [...cidrs.values()].flat(),
    uidOf: (service) => uids.get(service),
    takeNews: () => {
      const taken = { ...news, first: [...news.first] };
      news = noNews();
      return taken;
    },
  };
}

function noNews() {
  return { services: 0, slices: 0, triggers: [] as Trigger[], first: new Set<string>() };
}

function changeOf(kind: LastChange["kind"], change: ObjectChange<unknown>): Omit<LastChange, "pass"> {
  const { key, receivedAt } = change;
  return change.kind === "set"
    ? { kind, object: key, isGone: false, resourceVersion: change.version, triggeredAt: change.triggeredAt, receivedAt }
    : { kind, object: key, isGone: true, resourceVersion: undefined, triggeredAt: undefined, receivedAt };
}

/** Undefined for a slice of host names, which gives no rules. */
function familyOf({ addressType }: EndpointSlice): Family | undefined {
  switch (addressType) {
    case "IPv4":
      return 4;
    case "IPv6":
      return 6;
    case "FQDN":
      return undefined;
  }
}

function ignore(): void {
  // Nobody wants to know.
}
