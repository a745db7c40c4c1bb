// What goes into offline resolution. In: decoded objects. Out: their type, and the values that they already use.
import type { Endpoints } from "../decode/endpoints.ts";
import type { EndpointSlice } from "../decode/endpoint-slice.ts";
import type { Node } from "../decode/node.ts";
import type { Pod } from "../decode/pod.ts";
import type { Service } from "../decode/service.ts";
import type { Workload } from "../decode/workload.ts";
import type { Cidr } from "../net/cidr.ts";
import type { Ip } from "../net/ip.ts";

/** What the files hold, in any order, each object (kind, namespace, name) once. */
export type OfflineObjects = {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly endpoints: readonly Endpoints[];
  readonly nodes: readonly Node[];
  readonly pods: readonly Pod[];
  readonly workloads: readonly Workload[];
};

/** Where made-up values come from. Of several ranges of a family the first with room is used; the first of all is primary. */
export type PlaceholderRanges = {
  readonly serviceCidrs: readonly Cidr[];
  readonly podCidrs: readonly Cidr[];
  readonly nodePorts: { readonly low: number; readonly high: number };
};

/** Every address that some object has: no placeholder may be one of them. */
export function ipsInUse(objects: OfflineObjects): readonly Ip[] {
  return [
    ...objects.services.flatMap((service) => [
      ...(service.clusterIps === "none" ? [] : service.clusterIps),
      ...service.externalIps,
      ...service.loadBalancerIps,
    ]),
    ...objects.slices.flatMap((slice) => slice.endpoints.flatMap(({ ip }) => ip ?? [])),
    ...objects.endpoints.flatMap(({ subsets }) =>
      subsets.flatMap((subset) => [...subset.addresses, ...subset.notReadyAddresses].map(({ ip }) => ip)),
    ),
    ...objects.pods.flatMap(({ status }) => status?.ips ?? []),
    ...objects.nodes.flatMap(({ addresses }) => addresses),
  ];
}

/** Every node port that some Service has, health-check node ports included. */
export function nodePortsInUse(objects: OfflineObjects): readonly number[] {
  return objects.services.flatMap((service) =>
    [...service.ports.map(({ nodePort }) => nodePort), service.healthCheckNodePort].flatMap((port) => port ?? []),
  );
}
