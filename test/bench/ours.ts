// Our rules for a made-up cluster, and for the cluster after one change. In: Size. Out: State, and batches for the kernel.
import {
  buildCluster,
  buildIpvs,
  buildIpvsNode,
  buildModel,
  buildRuleset,
  buildView,
  decodeEndpointSlice,
  decodeService,
  defaultScheduler,
  defaultSettings,
  diffRulesets,
  emptyRuleset,
  orderChanges,
  removeService,
  removeSlice,
  setService,
  setSlice,
  type Batch,
  type Build,
  type Cidr,
  type Cluster,
  type EndpointSlice,
  type Ip,
  type IpvsBuild,
  type IpvsState,
  type NodeView,
  type Service,
  type View,
} from "../../rules/index.ts";
import {
  namespaceOf,
  nodeIp,
  clusterCidr,
  serviceName,
  serviceObject,
  sliceObjects,
  thisNode,
  type Size,
} from "./cluster.ts";

/** A cluster as the agent holds it, and the rules made of it. */
export type State = { readonly size: Size; readonly cluster: Cluster; readonly build: Build };

/** What happens to a Service: its first endpoint is replaced or comes back; it is added or goes. */
export type Event = "endpoint-moved" | "endpoint-back" | "service-added" | "service-gone";

const node: NodeView = {
  name: thisNode,
  zone: "zone-a",
  podCidrs: [],
  primaryIps: [nodeIp as Ip],
  localIps: [nodeIp, "127.0.0.1"] as Ip[],
};

/** The state of a whole cluster, from objects that are decoded as the agent decodes them. */
export function stateOf(size: Size): State {
  const numbers = Array.from({ length: size.services }, (_, service) => service);
  const slices = numbers.flatMap((service) => slicesOf(size, service));
  const cluster = buildCluster(numbers.map(serviceOf), slices);
  return { size, cluster, build: buildRuleset(buildModel(cluster, view)) };
}

/** The same cluster as IPVS mode wants it. */
export function ipvsStateOf(state: State): IpvsState {
  return ipvsBuildOf(state).state;
}

/** The build behind it; with `before`, that of the state before, its cost is in proportion to what changed. */
export function ipvsBuildOf({ build: { model } }: State, before?: IpvsBuild): IpvsBuild {
  return buildIpvs(model, ipvsNode, before);
}

/** The batches that make an empty kernel hold the state. */
export function firstBatches({ build }: State, chainsPerBatch: number): Batch[] {
  return orderChanges(diffRulesets(emptyRuleset(4), build.ruleset), chainsPerBatch);
}

/** The objects that an event brings, decoded: what the agent has in hand when its work begins. */
export function arrived(size: Size, service: number, event: Event): Arrived {
  const slices = slicesOf(size, service, event === "endpoint-moved" ? "moved" : undefined);
  return { event, service: serviceOf(service), slices, namespace: namespaceOf(service), name: serviceName(service) };
}

export type Arrived = {
  readonly event: Event;
  readonly service: Service;
  readonly slices: readonly EndpointSlice[];
  readonly namespace: string;
  readonly name: string;
};

/** The state after an event. Its cost is in proportion to the Service. */
export function after(state: State, news: Arrived): State {
  const cluster = clusterAfter(state.cluster, news);
  const build = buildRuleset(buildModel(cluster, view, state.build.model), state.build);
  return { size: state.size, cluster, build };
}

/** The batches that lead from one state to another. */
export function batchesBetween(from: State, to: State, chainsPerBatch: number): Batch[] {
  return orderChanges(diffRulesets(from.build.ruleset, to.build.ruleset), chainsPerBatch);
}

const view: View = buildView(
  node,
  { ...defaultSettings, detectLocal: { mode: "ClusterCIDR", cidrs: [clusterCidr as Cidr] } },
  4,
);

const ipvsNode = buildIpvsNode(node, { scheduler: defaultScheduler, excludeCidrs: [] }, view);

function clusterAfter(cluster: Cluster, { event, service, slices, namespace, name }: Arrived): Cluster {
  switch (event) {
    case "endpoint-moved":
    case "endpoint-back":
      return slices.slice(0, 1).reduce(setSlice, cluster);
    case "service-added":
      return slices.reduce(setSlice, setService(cluster, service));
    case "service-gone":
      return slices.reduce(removeSlice, removeService(cluster, namespace, name));
  }
}

function serviceOf(service: number): Service {
  return known(decodeService(serviceObject(service)).value);
}

function slicesOf(size: Size, service: number, moved?: "moved"): EndpointSlice[] {
  return sliceObjects(size, service, moved).map((object) => known(decodeEndpointSlice(object).value));
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("bug: a made-up object was not decoded");
  return value;
}
