// Minimal decoded objects for tests. In: the few fields that matter. Out: Service, EndpointSlice, Cluster.
import type { EndpointPort, EndpointSlice, SliceEndpoint } from "../../rules/decode/endpoint-slice.ts";
import type { Service, ServicePortSpec } from "../../rules/decode/service.ts";
import { buildCluster, type Cluster } from "../../rules/model/cluster.ts";
import { parseCidr, type Cidr } from "../../rules/net/cidr.ts";
import { parseIp, type Ip } from "../../rules/net/ip.ts";

/** Fields of a Service; addresses and blocks as plain text, a port as its number or its fields. */
export type ServiceFields = Partial<
  Omit<Service, "ports" | "clusterIps" | "externalIps" | "loadBalancerIps" | "sourceRanges">
> & {
  readonly ports?: readonly (number | Partial<ServicePortSpec>)[];
  readonly clusterIps?: readonly string[] | "none";
  readonly externalIps?: readonly string[];
  readonly loadBalancerIps?: readonly string[];
  readonly sourceRanges?: readonly string[];
};

/** Fields of a slice. An endpoint that is only an address is ready and on no node. */
export type SliceFields = Partial<Omit<EndpointSlice, "ports" | "endpoints">> & {
  readonly ports?: readonly (number | Partial<EndpointPort>)[];
  readonly endpoints?: readonly (string | EndpointFields)[];
};

export type EndpointFields = Partial<Omit<SliceEndpoint, "ip">> & { readonly ip: string | undefined };

/** `default/web`, a ClusterIP Service at 10.96.0.1 with TCP port 80. */
export function aService(fields: ServiceFields = {}): Service {
  const { ports = [80], clusterIps = ["10.96.0.1"], externalIps, loadBalancerIps, sourceRanges, ...rest } = fields;
  return {
    namespace: "default",
    name: "web",
    type: "ClusterIP",
    externalName: undefined,
    selector: {},
    affinitySeconds: undefined,
    internalTrafficPolicy: "Cluster",
    externalTrafficPolicy: "Cluster",
    healthCheckNodePort: undefined,
    allocateNodePorts: true,
    publishNotReadyAddresses: false,
    ipFamilies: [],
    ipFamilyPolicy: undefined,
    leftToOthers: false,
    ...rest,
    clusterIps: clusterIps === "none" ? "none" : clusterIps.map(anIp),
    externalIps: (externalIps ?? []).map(anIp),
    loadBalancerIps: (loadBalancerIps ?? []).map(anIp),
    sourceRanges: (sourceRanges ?? []).map(aCidr),
    ports: ports.map((port) => ({
      name: "",
      protocol: "TCP",
      port: 80,
      targetPort: undefined,
      nodePort: undefined,
      ...(typeof port === "number" ? { port } : port),
    })),
  };
}

/** `default/web-1`, an IPv4 slice of `web` with TCP port 8080 and one endpoint. */
export function aSlice(fields: SliceFields = {}): EndpointSlice {
  const { ports = [8080], endpoints = ["10.1.0.1"], ...rest } = fields;
  const service = "service" in fields ? fields.service : "web";
  return {
    namespace: "default",
    name: `${service ?? "none"}-1`,
    service,
    addressType: "IPv4",
    leftToOthers: false,
    ...rest,
    ports: ports.map((port) => ({
      name: "",
      protocol: "TCP",
      port: 8080,
      ...(typeof port === "number" ? { port } : port),
    })),
    endpoints: endpoints.map(aSliceEndpoint),
  };
}

function aSliceEndpoint(given: string | EndpointFields): SliceEndpoint {
  const { ip, ...rest } = typeof given === "string" ? { ip: given } : given;
  return {
    nodeName: undefined,
    ready: true,
    serving: true,
    terminating: false,
    zoneHints: [],
    nodeHints: [],
    ...rest,
    ip: ip === undefined ? undefined : anIp(ip),
  };
}

/** An endpoint that is not ready and serves while it terminates. */
export const lingering = { ready: false, serving: true, terminating: true } as const;

/** An endpoint that takes no traffic. */
export const gone = { ready: false, serving: false, terminating: true } as const;

/** The cluster of these objects. */
export function aCluster(...objects: readonly (Service | EndpointSlice)[]): Cluster {
  const isSlice = (object: Service | EndpointSlice): object is EndpointSlice => "addressType" in object;
  return buildCluster(
    objects.filter((object): object is Service => !isSlice(object)),
    objects.filter(isSlice),
  );
}

/** An address that is known to be one. */
export function anIp(text: string): Ip {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`bug: ${text} is no address`);
  return ip;
}

/** A block that is known to be one. */
export function aCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new Error(`bug: ${text} is no block`);
  return cidr;
}

/** `10.1.x.y` or `fd00:1::x`, the address of endpoint number `index` (from 0). */
export function podIp(index: number, family: 4 | 6 = 4): string {
  return family === 4
    ? `10.${1 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
    : `fd00:1::${(index + 1).toString(16)}`;
}
