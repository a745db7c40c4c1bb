// One Service port on one node. In: Service, slices, View. Out: ServicePort: its frontends, and for each who gets what.
import type { EndpointSlice } from "../decode/endpoint-slice.ts";
import type { Protocol } from "../decode/protocol.ts";
import type { Service, ServicePortSpec } from "../decode/service.ts";
import { flat } from "../flat.ts";
import { cidrFamily, cidrHolds, isZeroCidr, type Cidr } from "../net/cidr.ts";
import { familyOf, ipDigits, type Ip } from "../net/ip.ts";
import type { ClusterService } from "./cluster.ts";
import { chooseEndpoints, endpointsOf, type Endpoint } from "./endpoints.ts";
import { externalFates, internalFates, type Fate } from "./fates.ts";
import { hash16 } from "./hash.ts";
import type { View } from "./view.ts";

/** `namespace/name`, and `:portname` where the port has a name. What kube-proxy hashes and comments with. */
export type ServicePortName = string & { readonly __brand: "ServicePortName" };

/** A Service port as this node serves it, in one family. */
export type ServicePort = {
  readonly name: ServicePortName;
  /** 16 characters that stand for name and protocol in the names of chains. */
  readonly hash: string;
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
  /** The Service port's. */
  readonly hash: string;
  /** Read in order: the first row that the client belongs to decides. The last row is for anyone. */
  readonly fates: readonly Fate[];
  /** Clients outside these ranges are dropped before any fate; undefined: everyone may come. */
  readonly sourceRanges: SourceRanges | undefined;
  readonly placeholder?: true;
};

/** In order of precedence where two claim the same address and port. */
export type FrontendKind = "cluster-ip" | "external-ip" | "load-balancer-ip" | "node-port";

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
  const { namespace, name } = service;
  return (
    port.name === "" ? flat(namespace, "/", name) : flat(namespace, "/", name, ":", port.name)
  ) as ServicePortName;
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
  return flat(ip, frontend.protocol.charAt(0).toLowerCase(), frontend.port.toString(16).padStart(4, "0"));
}

type Subject = { readonly service: Service; readonly port: ServicePortSpec };

function buildServicePort(subject: Subject, slices: readonly EndpointSlice[], view: View): ServicePort {
  const { service, port } = subject;
  const ips = ipsOf(service, view);
  const externalPolicy = externalPolicyOf(service);
  const reachable = port.nodePort !== undefined || ips.external.length > 0 || ips.loadBalancer.length > 0;
  const internalLocal = service.internalTrafficPolicy === "Local";
  const externalLocal = externalPolicy === "Local";
  const use = { cluster: !internalLocal || reachable, local: internalLocal || (externalLocal && reachable) };
  const sets = chooseEndpoints(endpointsOf(slices, port, view), use, view);
  const name = servicePortName(service, port);
  const sourceRanges = rangesOf(service, ips.loadBalancer, view);
  const served = {
    name,
    hash: hash16(name + port.protocol.toLowerCase()),
    affinitySeconds: service.affinitySeconds,
    sets,
  };
  return {
    name,
    hash: served.hash,
    protocol: port.protocol,
    port: port.port,
    affinitySeconds: service.affinitySeconds,
    clusterEndpoints: sets.cluster,
    localEndpoints: sets.local,
    internalPolicy: service.internalTrafficPolicy,
    externalPolicy,
    frontends: buildFrontends(subject, ips, {
      hash: served.hash,
      name,
      sourceRanges,
      internal: internalFates(service.internalTrafficPolicy, served, view),
      external: reachable ? externalFates(externalPolicy, served, view) : [],
    }),
    sourceRanges,
  };
}

/** The API lets `externalTrafficPolicy` stand where nothing is external; there it means nothing. */
function externalPolicyOf({ type, externalTrafficPolicy, externalIps }: Service): "Cluster" | "Local" {
  return type === "ClusterIP" && externalIps.length === 0 ? "Cluster" : externalTrafficPolicy;
}

type ServiceIps = {
  readonly cluster: readonly Ip[];
  readonly external: readonly Ip[];
  readonly loadBalancer: readonly Ip[];
};

function ipsOf({ clusterIps, externalIps, loadBalancerIps }: Service, { family }: View): ServiceIps {
  const ofFamily = (ips: readonly Ip[]) =>
    ips.length === 0 ? ips : [...new Set(ips.filter((ip) => familyOf(ip) === family))];
  return {
    cluster: ofFamily(clusterIps === "none" ? [] : clusterIps),
    external: ofFamily(externalIps),
    loadBalancer: ofFamily(loadBalancerIps),
  };
}

type Serving = {
  readonly name: ServicePortName;
  readonly hash: string;
  readonly sourceRanges: SourceRanges | undefined;
  readonly internal: readonly Fate[];
  readonly external: readonly Fate[];
};

function buildFrontends({ service, port }: Subject, ips: ServiceIps, serving: Serving): Frontend[] {
  const at = (kind: FrontendKind, ip: Ip | undefined, number: number): Frontend => ({
    kind,
    ip,
    protocol: port.protocol,
    port: number,
    service: serving.name,
    hash: serving.hash,
    fates: kind === "cluster-ip" ? serving.internal : serving.external,
    sourceRanges: kind === "load-balancer-ip" ? serving.sourceRanges : undefined,
  });
  const made = (frontend: Frontend, placeholder: true | undefined) =>
    placeholder === undefined ? frontend : { ...frontend, placeholder };
  const frontends = ips.cluster.map((ip) => made(at("cluster-ip", ip, port.port), service.clusterIpsArePlaceholders));
  for (const ip of ips.external) frontends.push(at("external-ip", ip, port.port));
  for (const ip of ips.loadBalancer) frontends.push(at("load-balancer-ip", ip, port.port));
  if (port.nodePort !== undefined)
    frontends.push(made(at("node-port", undefined, port.nodePort), port.nodePortIsPlaceholder));
  return frontends;
}

/**
 * Ranges of the other family do not count, and a list without any of this family lets everyone in, as in kube-proxy
 * (`findProblems` warns of it). A zero block empties the list (kube-proxy 1.36).
 */
function rangesOf(service: Service, vips: readonly Ip[], view: View): SourceRanges | undefined {
  const cidrs = service.sourceRanges.filter((cidr) => cidrFamily(cidr) === view.family);
  if (vips.length === 0 || cidrs.length === 0 || cidrs.some(isZeroCidr)) return undefined;
  return { cidrs: [...new Set(cidrs)], withVip: cidrs.some((cidr) => cidrHolds(cidr, view.nodeIp)) };
}
