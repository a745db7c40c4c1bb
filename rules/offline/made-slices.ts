// Makes the slices of Services that have none. In: all offline objects. Out: for one Service at a time, slices from the next best source.
import { maxReplicas, podBackends, workloadBackends } from "./backend.ts";
import { buildBackendSlices, type Addresses, type Built } from "./backend-slices.ts";
import { buildEndpointsSlices } from "./endpoints-slices.ts";
import { byName } from "./order.ts";
import { tooManyReplicas } from "./problems.ts";
import { selectorIndex } from "./select.ts";
import type { OfflineObjects } from "./objects.ts";
import type { Service } from "../decode/service.ts";
import type { Workload } from "../decode/workload.ts";

/**
 * The slices to add for a Service. None where it has slices already; else from its Endpoints; else from the Pods that it
 * selects; else from the workloads whose Pods it would select. Pods that are selected but finished still say that the cluster
 * was looked at: then nothing is made up. ExternalName Services and what is left to others get nothing.
 */
export type MakeSlices = (service: Service, addresses: Addresses) => Built;

const nothing: Built = { slices: [], placeholders: [], problems: [] };

/** Indexes the objects once for all Services. */
export function sliceMaker(objects: OfflineObjects): MakeSlices {
  const sliced = new Set(objects.slices.map((slice) => `${slice.namespace}/${slice.service ?? ""}`));
  const endpoints = new Map(objects.endpoints.map((each) => [`${each.namespace}/${each.name}`, each]));
  const nodes = new Map(objects.nodes.toSorted(byName).map((node) => [node.name, node]));
  const podsOf = selectorIndex(objects.pods.toSorted(byName));
  const workloadsOf = selectorIndex(rootWorkloads(objects.workloads).toSorted(byKindAndName));

  return (service, addresses) => {
    const name = `${service.namespace}/${service.name}`;
    if (sliced.has(name) || service.leftToOthers || service.type === "ExternalName") return nothing;
    const own = endpoints.get(name);
    if (own !== undefined) return { ...nothing, slices: buildEndpointsSlices(own) };
    const pods = podsOf(service.namespace, service.selector);
    if (pods.length > 0) return buildBackendSlices(service, podBackends(pods, service, nodes), addresses);
    const workloads = workloadsOf(service.namespace, service.selector);
    const backends = workloads.flatMap((workload) => workloadBackends(workload, service, nodes));
    const built = buildBackendSlices(service, backends, addresses);
    const tooMany = workloads.filter((workload) => workload.kind !== "DaemonSet" && workload.replicas > maxReplicas);
    if (tooMany.length === 0) return built;
    return { ...built, problems: [...built.problems, ...tooMany.map((each) => tooManyReplicas(each, maxReplicas))] };
  };
}

/** Workloads that no other given one makes: a Deployment's ReplicaSets would count its Pods twice. */
function rootWorkloads(workloads: readonly Workload[]): readonly Workload[] {
  const given = new Set(workloads.map(({ kind, namespace, name }) => `${kind} ${namespace}/${name}`));
  return workloads.filter(
    ({ namespace, controller }) =>
      controller === undefined || !given.has(`${controller.kind} ${namespace}/${controller.name}`),
  );
}

function byKindAndName(a: Workload, b: Workload): number {
  return byName(a, b) || byName({ name: a.kind }, { name: b.kind });
}
