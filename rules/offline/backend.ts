// What stands behind a Service when no slice says so. In: Pods, or workloads and Nodes. Out: Backends, one per (expected) Pod.
import type { Ip } from "../net/ip.ts";
import type { ContainerPort } from "../decode/pod-types.ts";
import type { Node } from "../decode/node.ts";
import type { Pod } from "../decode/pod.ts";
import type { Service } from "../decode/service.ts";
import type { Workload } from "../decode/workload.ts";

/** One Pod, real or expected. */
export type Backend = {
  /** Object and field for which a placeholder address would stand, e.g. `Deployment default/web` and `replicas[0].podIP`. */
  readonly object: string;
  readonly field: string;
  /** Stable name of the Pod, from which a placeholder address is made. */
  readonly key: string;
  /** Its addresses; undefined where they must be made up. */
  readonly ips: readonly Ip[] | undefined;
  readonly nodeName: string | undefined;
  readonly ports: readonly ContainerPort[];
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
};

/**
 * Backends of the selected Pods. Finished Pods and Pods that wait for an address have none.
 * Source: kubernetes endpointslice/util ShouldPodBeInEndpoints; podToEndpoint: `publishNotReadyAddresses` outweighs all.
 */
export function podBackends(pods: readonly Pod[], service: Service, nodes: NodesByName): readonly Backend[] {
  return pods.flatMap((pod) => {
    const { status, spec } = pod;
    if (status?.phase === "Succeeded" || status?.phase === "Failed" || status?.ips.length === 0) return [];
    const serving = status?.ready ?? true;
    return [
      {
        object: `Pod ${pod.namespace}/${pod.name}`,
        field: "status.podIP",
        key: `Pod/${pod.namespace}/${pod.name}`,
        ips: status?.ips ?? hostIps(spec.hostNetwork, nodes.get(spec.nodeName ?? "")),
        nodeName: spec.nodeName,
        ports: spec.ports,
        ready: service.publishNotReadyAddresses || (serving && !pod.deleting),
        serving,
        terminating: pod.deleting,
      },
    ];
  });
}

/** Nodes by their name. */
export type NodesByName = ReadonlyMap<string, Node>;

/** At most this many Backends are made up for one workload: more is a slip of the pen, and costs memory. */
export const maxReplicas = 10_000;

/**
 * Backends that a workload asks for: its replicas (at most `maxReplicas`), or for a DaemonSet one on each Node. A DaemonSet's
 * node selector and tolerations are not looked at.
 */
export function workloadBackends(workload: Workload, nodes: NodesByName): readonly Backend[] {
  if (workload.kind === "DaemonSet" && nodes.size > 0)
    return [...nodes.values()].map((node) => expected(workload, `nodes[${node.name}].podIP`, node));
  const count = workload.kind === "DaemonSet" ? 1 : Math.min(workload.replicas, maxReplicas);
  const node = nodes.get(workload.spec.nodeName ?? "");
  return Array.from({ length: count }, (_, index) => expected(workload, `replicas[${index}].podIP`, node));
}

function expected(workload: Workload, field: string, node: Node | undefined): Backend {
  const { kind, namespace, name, spec } = workload;
  return {
    object: `${kind} ${namespace}/${name}`,
    field,
    key: `${kind}/${namespace}/${name}/${field}`,
    ips: hostIps(spec.hostNetwork, node),
    nodeName: node?.name ?? spec.nodeName,
    ports: spec.ports,
    ready: true,
    serving: true,
    terminating: false,
  };
}

/** Pods on the host's network have the addresses of their Node: where that is given, nothing need be made up. */
function hostIps(hostNetwork: boolean, node: Node | undefined): readonly Ip[] | undefined {
  return hostNetwork && node !== undefined && node.addresses.length > 0 ? node.addresses : undefined;
}
