// What the cluster says, kept by Service. In: decoded Services and EndpointSlices. Out: Cluster, whose unchanged parts stay the same objects.
import type { EndpointSlice } from "../decode/endpoint-slice.ts";
import type { Service } from "../decode/service.ts";
import { flat } from "../flat.ts";
import { get, radixOf, remove, set, emptyRadix, type Radix } from "../radix/radix.ts";

/** All Services and EndpointSlices, keyed by `serviceKey`. */
export type Cluster = Radix<ClusterService>;

/** A Service with its slices (by name). The Service is absent while only slices of it are known. */
export type ClusterService = { readonly service?: Service; readonly slices: readonly EndpointSlice[] };

/** `namespace/name`. */
export function serviceKey(namespace: string, name: string): string {
  return flat(namespace, "/", name);
}

/** The cluster that holds these objects. Slices without a Service label are left out. */
export function buildCluster(services: readonly Service[], slices: readonly EndpointSlice[]): Cluster {
  const byService = new Map<string, { service?: Service; slices: EndpointSlice[] }>();
  for (const service of services) byService.set(serviceKey(service.namespace, service.name), { service, slices: [] });
  for (const slice of slices) {
    if (slice.service === undefined) continue;
    const key = serviceKey(slice.namespace, slice.service);
    const held = byService.get(key) ?? { slices: [] };
    held.slices.push(slice);
    byService.set(key, held);
  }
  return radixOf([...byService].map(([key, held]) => ({ key, value: { ...held, slices: held.slices.sort(byName) } })));
}

/** The cluster without anything in it. */
export function emptyCluster(): Cluster {
  return emptyRadix();
}

/** The cluster after a Service was added or changed. */
export function setService(cluster: Cluster, service: Service): Cluster {
  const key = serviceKey(service.namespace, service.name);
  return set(cluster, key, { service, slices: get(cluster, key)?.slices ?? [] });
}

/** The cluster after a Service was deleted. Its slices stay until they are deleted too. */
export function removeService(cluster: Cluster, namespace: string, name: string): Cluster {
  const key = serviceKey(namespace, name);
  return settle(cluster, key, { slices: get(cluster, key)?.slices ?? [] });
}

/** The cluster after a slice was added or changed. A slice that moves to another Service must be removed from its old one first. */
export function setSlice(cluster: Cluster, slice: EndpointSlice): Cluster {
  if (slice.service === undefined) return cluster;
  const key = serviceKey(slice.namespace, slice.service);
  const held = get(cluster, key) ?? { slices: [] };
  return set(cluster, key, { ...held, slices: others(held, slice.name).concat(slice).sort(byName) });
}

/** The cluster after a slice of a Service was deleted. */
export function removeSlice(cluster: Cluster, slice: EndpointSlice): Cluster {
  if (slice.service === undefined) return cluster;
  const key = serviceKey(slice.namespace, slice.service);
  const held = get(cluster, key);
  return held === undefined ? cluster : settle(cluster, key, { ...held, slices: others(held, slice.name) });
}

function settle(cluster: Cluster, key: string, held: ClusterService): Cluster {
  return held.service === undefined && held.slices.length === 0 ? remove(cluster, key) : set(cluster, key, held);
}

function others(held: ClusterService, name: string): EndpointSlice[] {
  return held.slices.filter((slice) => slice.name !== name);
}

function byName(a: EndpointSlice, b: EndpointSlice): number {
  return a.name < b.name ? -1 : 1;
}
