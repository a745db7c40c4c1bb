// One Service port on one node. In: Service, slices, View. Out: ServicePort: its frontends, and for each who gets what.
import type { EndpointSlice } from "../decode/endpoint-slice.ts";
import type { Protocol } from "../decode/protocol.ts";
import type { Service, ServicePortSpec } from "../decode/service.ts";
import { cidrFamily, cidrHolds, isZeroCidr, type Cidr } from "../net/cidr.ts";
import { familyOf, ipDigits, type Ip } from "../net/ip.ts";
import type { ClusterService } from "./cluster.ts";
import { chooseEndpoints, endpointsOf, type Endpoint } from "./endpoints.ts";
import type { View } from "./view.ts";

/** `namespace/name`, and `:portname` where the port has a name. What kube-proxy hashes and comments with. */
export type ServicePortName = string & { readonly __brand: "ServicePortName" };

/** A Service port as this node serves it, in one family. */
export type ServicePort = {
  readonly name: ServicePortName;
  readonly protocol: Protocol;
  readonly port: number;
  /** Seconds for which a client stays with its endpoint; undefined without session affinity. */
  readonly affinitySeconds: number | undefined;
  /** What traffic that may leave the node is balanced over; empty too where nothing needs it. */
  readonly clusterEndpoints: readonly Endpoint[];
  /** What traffic that must stay on the node is balanced over; empty too where nothing needs it. */
  readonly localEndpoints: readonly Endpoint[];
  readonly internalPolicy: "Cluster" | "Local";
  readonly externalPolicy: "Cluster" | "Local";
  /** In order of kind, then as the Service lists them. */
  readonly frontends: readonly Frontend[];
  /** Who may reach load-balancer addresses; undefined: everyone. */
  readonly sourceRanges: SourceRanges | undefined;
};

/** An address, protocol and port that clients use. A node port has no address of its own. */
export type Frontend = {
  readonly kind: FrontendKind;
  readonly ip: Ip | undefined;
  readonly protocol: Protocol;
  readonly port: number;
  readonly service: ServicePortName;
  /** Read in order: the first row that the client belongs to decides. The last row is for anyone. */
  readonly fates: readonly Fate[];
  /** Clients outside these ranges are dropped before any fate; undefined: everyone may come. */
  readonly sourceRanges: SourceRanges | undefined;
  readonly placeholder?: true;
};

/** In order of precedence where two claim the same address and port. */
export type FrontendKind = "cluster-ip" | "external-ip" | "load-balancer-ip" | "node-port";

/** What a class of clients gets. `local-pods` are this cluster's pods as `View.localPods` tells them; `this-node` its own processes. */
export type Fate = { readonly from: "local-pods" | "this-node" | "anyone"; readonly verdict: Verdict };

export type Verdict =
  | {
      readonly kind: "balance";
      readonly over: "cluster" | "local";
      readonly to: readonly Endpoint[];
      readonly affinitySeconds: number | undefined;
      /** Whether the source becomes the node's: for all, or for all but local pods. (A hairpin always is.) */
      readonly masquerade: "never" | "unless-local-pod" | "always";
    }
  | { readonly kind: "reject"; readonly because: "no-endpoints" }
  | { readonly kind: "drop"; readonly because: "no-local-endpoints" };

/** `loadBalancerSourceRanges` of the family. `withVip`: the load-balancer address itself may be the source, since the node may be a client. */
export type SourceRanges = { readonly cidrs: readonly Cidr[]; readonly withVip: boolean };

/** Every port of a Service, in the Service's order; none for what this proxy does not serve. */
export function buildServicePorts(held: ClusterService, view: View): ServicePort[] {
  const { service } = held;
  if (service === undefined || service.leftToOthers || service.type === "ExternalName") return [];
  // Without a cluster IP of its own a Service is not served at all, in either family (kube-proxy ShouldSkipService).
  if (service.clusterIps === "none" || service.clusterIps.length === 0) return [];
  if (!service.clusterIps.some((ip) => familyOf(ip) === view.family)) return [];
  return service.ports.map((port) => buildServicePort({ service, port }, held.slices, view));
}

/** `namespace/name[:port]`. */
export function servicePortName(service: Service, port: ServicePortSpec): ServicePortName {
  const suffix = port.name === "" ? "" : `:${port.name}`;
  return `${service.namespace}/${service.name}${suffix}` as ServicePortName;
}

/**
 * What identifies a frontend among those with an address, or among node ports, as digits that sort and split well: the
 * address (8 or 32 hexadecimal digits; none for a node port), the protocol's first letter, the port (4 digits).
 */
export function frontendKey(frontend: {
  readonly ip: Ip | undefined;
  readonly protocol: Protocol;
  readonly port: number;
}): string {
  const ip = frontend.ip === undefined ? "" : ipDigits(frontend.ip);
  return `${ip}${frontend.protocol.charAt(0).toLowerCase()}${frontend.port.toString(16).padStart(4, "0")}`;
}

type Subject = { readonly service: Service; readonly port: ServicePortSpec };

function buildServicePort({ service, port }: Subject, slices: readonly EndpointSlice[], view: View): ServicePort {
  const ofFamily = (ips: readonly Ip[]) => [...new Set(ips.filter((ip) => familyOf(ip) === view.family))];
  const external = [...ofFamily(service.externalIps), ...ofFamily(service.loadBalancerIps)];
  const reachable = port.nodePort !== undefined || external.length > 0;
  const internalLocal = service.internalTrafficPolicy === "Local";
  const externalLocal =
    service.externalTrafficPolicy === "Local" && (service.type !== "ClusterIP" || service.externalIps.length > 0);
  const use = { cluster: !internalLocal || reachable, local: internalLocal || (externalLocal && reachable) };
  const sets = chooseEndpoints(endpointsOf(slices, port, view), use, view);

  const name = servicePortName(service, port);
  const affinitySeconds = service.affinitySeconds;
  const balance = (over: "cluster" | "local", masquerade: "never" | "unless-local-pod" | "always"): Verdict =>
    sets.any
      ? { kind: "balance", over, to: over === "cluster" ? sets.cluster : sets.local, affinitySeconds, masquerade }
      : { kind: "reject", because: "no-endpoints" };
  const localOrDrop = (masquerade: "never" | "unless-local-pod" | "always"): Verdict =>
    sets.any && sets.local.length === 0
      ? { kind: "drop", because: "no-local-endpoints" }
      : balance("local", masquerade);

  const offCluster = view.masqueradeAll ? "always" : view.localPods === undefined ? "never" : "unless-local-pod";
  const internal: Fate[] = [
    { from: "anyone", verdict: internalLocal ? localOrDrop(offCluster) : balance("cluster", offCluster) },
  ];
  const outside: Fate[] = externalLocal
    ? [
        ...(view.localPods === undefined
          ? []
          : [{ from: "local-pods" as const, verdict: balance("cluster", "never") }]),
        { from: "this-node", verdict: balance("cluster", "always") },
        { from: "anyone", verdict: localOrDrop("never") },
      ]
    : [{ from: "anyone", verdict: balance("cluster", "always") }];

  const sourceRanges = rangesOf(service, ofFamily(service.loadBalancerIps), view);
  const common = { protocol: port.protocol, service: name, sourceRanges: undefined };
  const frontends: Frontend[] = [
    ...ofFamily(service.clusterIps === "none" ? [] : service.clusterIps).map((ip) => ({
      ...common,
      kind: "cluster-ip" as const,
      ip,
      port: port.port,
      fates: internal,
      ...(service.clusterIpsArePlaceholders === undefined ? {} : { placeholder: true as const }),
    })),
    ...ofFamily(service.externalIps).map((ip) => ({
      ...common,
      kind: "external-ip" as const,
      ip,
      port: port.port,
      fates: outside,
    })),
    ...ofFamily(service.loadBalancerIps).map((ip) => ({
      ...common,
      kind: "load-balancer-ip" as const,
      ip,
      port: port.port,
      fates: outside,
      sourceRanges,
    })),
    ...(port.nodePort === undefined
      ? []
      : [
          {
            ...common,
            kind: "node-port" as const,
            ip: undefined,
            port: port.nodePort,
            fates: outside,
            ...(port.nodePortIsPlaceholder === undefined ? {} : { placeholder: true as const }),
          },
        ]),
  ];
  return {
    name,
    protocol: port.protocol,
    port: port.port,
    affinitySeconds,
    clusterEndpoints: sets.cluster,
    localEndpoints: sets.local,
    internalPolicy: service.internalTrafficPolicy,
    externalPolicy: externalLocal ? "Local" : "Cluster",
    frontends,
    sourceRanges,
  };
}

/**
 * Ranges of the other family do not count, and a list without any of this family lets everyone in, as in kube-proxy
 * (`problemsOf` warns of it). A zero block empties the list (kube-proxy 1.36).
 */
function rangesOf(service: Service, vips: readonly Ip[], view: View): SourceRanges | undefined {
  const cidrs = service.sourceRanges.filter((cidr) => cidrFamily(cidr) === view.family);
  if (vips.length === 0 || cidrs.length === 0 || cidrs.some(isZeroCidr)) return undefined;
  return { cidrs: [...new Set(cidrs)], withVip: cidrs.some((cidr) => cidrHolds(cidr, view.nodeIp)) };
}
