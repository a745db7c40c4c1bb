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
  /** Its name in DNS below the Service; undefined where it has none there. */
  readonly hostname: string | undefined;
  /** The Pod's name; undefined where only a cluster would choose one. */
  readonly pod: string | undefined;
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
        hostname: hostnameIn(service, pod.spec.hostname, pod.spec.subdomain),
        pod: pod.name,
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
 * node selector and tolerations are not looked at. Only a StatefulSet's Pods have names that are known before they exist.
 */
export function workloadBackends(workload: Workload, service: Service, nodes: NodesByName): readonly Backend[] {
  const { hostname, subdomain, nodeName } = workload.spec;
  const names = { hostname: hostnameIn(service, hostname, subdomain), pod: undefined };
  if (workload.kind === "DaemonSet" && nodes.size > 0)
    return [...nodes.values()].map((node) =>
      expected(workload, { field: `nodes[${node.name}].podIP`, node, ...names }),
    );
  const count = workload.kind === "DaemonSet" ? 1 : Math.min(workload.replicas, maxReplicas);
  const node = nodes.get(nodeName ?? "");
  return Array.from({ length: count }, (_, index) =>
    expected(workload, {
      field: `replicas[${index}].podIP`,
      node,
      ...(workload.kind === "StatefulSet" ? ordinalNames(workload, service, index) : names),
    }),
  );
}

type Place = Pick<Backend, "field" | "hostname" | "pod"> & { readonly node: Node | undefined };

function expected(workload: Workload, { node, ...place }: Place): Backend {
  const { kind, namespace, name, spec } = workload;
  return {
    object: `${kind} ${namespace}/${name}`,
    ...place,
    key: `${kind}/${namespace}/${name}/${place.field}`,
    ips: hostIps(spec.hostNetwork, node),
    nodeName: node?.name ?? spec.nodeName,
    ports: spec.ports,
    ready: true,
    serving: true,
    terminating: false,
  };
}

/**
 * A Pod has its hostname below a Service only where its subdomain is the Service's name.
 * Source: kubernetes endpointslice/util ShouldSetHostname.
 */
function hostnameIn(service: Service, hostname: string | undefined, subdomain: string | undefined): string | undefined {
  return subdomain === service.name ? hostname : undefined;
}

/**
 * A StatefulSet writes each Pod's name and its own `serviceName` over what the template says of hostname and subdomain. A
 * name that is no DNS label gives no hostname. Source: kubernetes pkg/controller/statefulset initIdentity.
 */
function ordinalNames(workload: Workload, service: Service, index: number): Pick<Backend, "hostname" | "pod"> {
  const pod = `${workload.name}-${workload.firstOrdinal + index}`;
  const hostname = pod.length <= 63 && !pod.includes(".") ? pod : undefined;
  return { hostname: hostnameIn(service, hostname, workload.serviceName), pod };
}

/** Pods on the host's network have the addresses of their Node: where that is given, nothing need be made up. */
function hostIps(hostNetwork: boolean, node: Node | undefined): readonly Ip[] | undefined {
  return hostNetwork && node !== undefined && node.addresses.length > 0 ? node.addresses : undefined;
}
