// What the API server has told. In: changes of Services, EndpointSlices and the Node. Out: Cluster and Node as they are now, and what is news.
import { emptyCluster, removeService, removeSlice, setService, setSlice, type Cluster } from "../../rules/index.ts";
import type { EndpointSlice } from "../../rules/decode/endpoint-slice.ts";
import type { Node } from "../../rules/decode/node.ts";
import type { Service } from "../../rules/decode/service.ts";

/** One change of one object; `key` is `namespace/name`, or the name alone where there are no namespaces. */
export type ObjectNews<T> =
  | { readonly kind: "set"; readonly key: string; readonly object: T; readonly triggeredAt?: number | undefined }
  | { readonly kind: "gone"; readonly key: string };

export type Objects = {
  readonly services: (news: readonly ObjectNews<Service>[]) => void;
  readonly slices: (news: readonly ObjectNews<EndpointSlice>[]) => void;
  readonly nodes: (news: readonly ObjectNews<Node>[]) => void;
  readonly cluster: () => Cluster;
  readonly node: () => Node | undefined;
  /** Changes since the last call: how many of each kind, and when each Service's endpoints changed, by the clock of whoever changed them. */
  readonly takeNews: () => News;
};

export type News = {
  readonly services: number;
  readonly slices: number;
  /** Milliseconds since 1970, by `namespace/name` of the Service. */
  readonly triggers: ReadonlyMap<string, readonly number[]>;
};

/** Holds what the rules depend on and nothing else. */
export function createObjects(): Objects {
  let cluster = emptyCluster();
  let node: Node | undefined;
  /** Which Service a slice is of: a slice that goes, or moves, must leave the one that it was of. */
  const known = new Map<string, EndpointSlice>();
  let [services, slices] = [0, 0];
  let triggers = new Map<string, number[]>();

  const dropSlice = (key: string): void => {
    const before = known.get(key);
    if (before === undefined) return;
    known.delete(key);
    cluster = removeSlice(cluster, before);
  };

  return {
    services: (news) => {
      services += news.length;
      for (const each of news) {
        if (each.kind === "set") cluster = setService(cluster, each.object);
        else {
          const [namespace = "", name = ""] = each.key.split("/");
          cluster = removeService(cluster, namespace, name);
        }
      }
    },
    slices: (news) => {
      slices += news.length;
      for (const each of news) {
        if (each.kind === "gone") {
          dropSlice(each.key);
          continue;
        }
        const { object, triggeredAt } = each;
        if (known.get(each.key)?.service !== object.service) dropSlice(each.key);
        known.set(each.key, object);
        cluster = setSlice(cluster, object);
        if (object.service === undefined || triggeredAt === undefined) continue;
        const service = `${object.namespace}/${object.service}`;
        triggers.set(service, [...(triggers.get(service) ?? []), triggeredAt]);
      }
    },
    nodes: (news) => {
      for (const each of news) node = each.kind === "set" ? each.object : undefined;
    },
    cluster: () => cluster,
    node: () => node,
    takeNews: () => {
      const taken = { services, slices, triggers };
      [services, slices, triggers] = [0, 0, new Map<string, number[]>()];
      return taken;
    },
  };
}
