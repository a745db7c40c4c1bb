// Stands in for the cluster where there are only files. In: decoded objects, ranges. Out: Services, slices and Nodes for the model.
import { familiesOf } from "./families.ts";
import { sliceMaker } from "./made-slices.ts";
import { byName } from "./order.ts";
import { addressPool, nodePortPool, type Placeholder } from "./placeholder.ts";
import { completeClusterIps, completeNodePorts } from "./services.ts";
import type { NamelessSlice } from "./endpoints-slices.ts";
import { ipsInUse, nodePortsInUse, type OfflineObjects, type PlaceholderRanges } from "./objects.ts";
import type { EndpointSlice } from "../decode/endpoint-slice.ts";
import type { Node } from "../decode/node.ts";
import type { Service } from "../decode/service.ts";
import { cidrFamily, type Cidr } from "../net/cidr.ts";
import type { Family } from "../net/ip.ts";
import type { Problem } from "../problem.ts";

export type { OfflineObjects, PlaceholderRanges } from "./objects.ts";
export type { Placeholder } from "./placeholder.ts";

/** What the model takes, sorted by namespace and name. Objects that nothing was missing in are the given ones. */
export type Resolved = {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly nodes: readonly Node[];
  /** Every made-up value, once: a Pod behind two Services has one address. */
  readonly placeholders: readonly Placeholder[];
  readonly problems: readonly Problem[];
};

/** Completes what only a cluster could say. The result does not hang on the order of the objects. */
export function resolve(objects: OfflineObjects, ranges: PlaceholderRanges): Resolved {
  const inUse = new Set(ipsInUse(objects));
  const clusterIps = addressPool(ranges.serviceCidrs, inUse);
  const podIps = addressPool(ranges.podCidrs, inUse);
  const nodePorts = nodePortPool(ranges.nodePorts, new Set(nodePortsInUse(objects)));
  const makeSlices = sliceMaker(objects);

  const parts = objects.services.toSorted(byName).map((given) => {
    const families = familiesOf(given, ranges.serviceCidrs);
    const withIps = completeClusterIps(given, families, clusterIps);
    const completed = completeNodePorts(withIps.service, nodePorts);
    const endpointFamilies = families.length > 0 ? families : familiesOfPods(ranges.podCidrs);
    const built = makeSlices(given, { families: endpointFamilies, take: podIps });
    return { service: completed.service, slices: built.slices, found: [withIps, completed, built] };
  });
  const found = parts.flatMap((part) => part.found);
  const made = parts.flatMap(({ slices }) => slices);
  return {
    services: parts.map(({ service }) => service),
    slices: [...objects.slices, ...named(made, objects.slices)].sort(byName),
    nodes: objects.nodes.toSorted(byName),
    placeholders: once(
      found.flatMap(({ placeholders }) => placeholders),
      ({ object, field, value }) => `${object} ${field} ${value}`,
    ),
    problems: once(
      found.flatMap(({ problems }) => problems),
      ({ code, object, path }) => JSON.stringify([code, object, path]),
    ),
  };
}

/** Without any word on families, those of the pod ranges, or both. */
function familiesOfPods(podCidrs: readonly Cidr[]): readonly Family[] {
  return podCidrs.length === 0 ? [4, 6] : [...new Set(podCidrs.map(cidrFamily))];
}

/** Names `web-made-0`, `web-made-1` and so on: a Service's made slices are numbered in the order they were made. */
function named(made: readonly NamelessSlice[], given: readonly EndpointSlice[]): readonly EndpointSlice[] {
  const names = new Set(given.map(({ namespace, name }) => `${namespace}/${name}`));
  const next = new Map<string, number>();
  return made.map((slice) => {
    const prefix = `${slice.service}-made-`;
    const counter = `${slice.namespace}/${prefix}`;
    let number = next.get(counter) ?? 0;
    while (names.has(`${counter}${number}`)) number++;
    next.set(counter, number + 1);
    return { ...slice, name: `${prefix}${number}` };
  });
}

function once<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[] {
  return [...new Map(items.toReversed().map((item) => [keyOf(item), item])).values()].reverse();
}
