// Short descriptions of Services, as API objects of both families. In: ServiceBrief. Out: Service and EndpointSlice objects, ready for JSON.
import type { Family } from "../../rules/net/ip.ts";
import { defaults } from "../lab/layout.ts";

/** An object as the API server would send it. */
export type ApiObject = Readonly<Record<string, unknown>>;

/**
 * A Service of both families, each of its ports once for TCP and once for UDP under the same numbers. Addresses are small
 * numbers: see `addressOf`. The type follows from what is given: an ingress makes a LoadBalancer, a node port a NodePort.
 */
export type ServiceBrief = {
  /** Default `web`; in namespace `default`. */
  readonly name?: string;
  /** Number of the cluster IP, default 1. */
  readonly clusterIp?: number;
  /** Numbers of external IPs. */
  readonly externalIps?: readonly number[];
  /** Numbers of load-balancer addresses. */
  readonly vips?: readonly number[];
  /** Instead of `ports`: the node port of the one port, which is 80. */
  readonly nodePort?: number;
  /** Default: one port, 80. */
  readonly ports?: readonly PortBrief[];
  /** Default TCP and UDP. */
  readonly protocols?: readonly string[];
  /** A host of the lab stands for a ready endpoint on its port 80. Default none. */
  readonly endpoints?: readonly (string | EndpointBrief)[];
  /** Default both. */
  readonly families?: readonly Family[];
  /** What else `spec` holds, or holds instead. */
  readonly spec?: ApiObject;
  /** Of the Service and of its slices. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly status?: ApiObject;
};

/** One port; `name` (default `p`) gets the protocol behind it. */
type PortBrief = { readonly name?: string; readonly port: number; readonly nodePort?: number };

type EndpointBrief = {
  readonly host: string;
  /** Target port: of every port of the Service, or by the names of those that the endpoint serves. Default 80. */
  readonly port?: number | Readonly<Record<string, number>>;
  readonly ready?: boolean;
  readonly serving?: boolean;
  readonly terminating?: boolean;
  /** Default `node-1` for the node and its pods, `node-2` for all others. */
  readonly nodeName?: string;
  readonly zoneHints?: readonly string[];
  readonly nodeHints?: readonly string[];
  /** Endpoints with different ones stand in different slices, as those with different ports do. */
  readonly slice?: string;
};

/** Where packets may be sent: `cluster-ip 2` is that of the Service with `clusterIp: 2`; without a number 1 is meant. */
export type VirtualAddress = `${"cluster-ip" | "external-ip" | "vip"}${"" | ` ${number}`}`;

/** The name of the node that the lab stands for, and of the other one. */
export const nodeName = "node-1";
const otherNodeName = "node-2";

const networks: Readonly<Record<string, Readonly<Record<Family, string>>>> = {
  "cluster-ip": { 4: "10.96.0.", 6: "fd00:10:96::" },
  "external-ip": { 4: "198.18.1.", 6: "2001:db8:e1::" },
  vip: { 4: "198.18.2.", 6: "2001:db8:e2::" },
};

/** The address that a virtual address stands for. Numbers are 1 to 250. */
export function addressOf(address: VirtualAddress, family: Family): string {
  const [kind = "", number = "1"] = address.split(" ");
  return `${networks[kind]?.[family]}${number}`;
}

/** The Service and its slices: one for each family, slice name and target port. */
export function apiObjects(brief: ServiceBrief): ApiObject[] {
  const { name = "web", labels = {}, families = [4, 6] } = brief;
  const addresses = (kind: "external-ip" | "vip", numbers: readonly number[] = []) =>
    families.flatMap((family) => numbers.map((number) => addressOf(`${kind} ${number}`, family)));
  const clusterIps = families.map((family) => addressOf(`cluster-ip ${brief.clusterIp ?? 1}`, family));
  const ports = portsOf(brief);
  const vips = addresses("vip", brief.vips);
  const type = vips.length > 0 ? "LoadBalancer" : ports.some((port) => "nodePort" in port) ? "NodePort" : "ClusterIP";
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default", labels },
    spec: {
      type,
      clusterIP: clusterIps[0],
      clusterIPs: clusterIps,
      externalIPs: addresses("external-ip", brief.externalIps),
      ports,
      ...brief.spec,
    },
    status: brief.status ?? { loadBalancer: { ingress: vips.map((ip) => ({ ip })) } },
  };
  return [service, ...slicesOf(brief)];
}

function portsOf({ ports, nodePort, protocols = ["TCP", "UDP"] }: ServiceBrief) {
  const given = ports ?? [{ port: 80, ...(nodePort === undefined ? {} : { nodePort }) }];
  return given.flatMap(({ name = "p", ...rest }) =>
    protocols.map((protocol) => ({ name: portName(name, protocol), protocol, ...rest })),
  );
}

function slicesOf(brief: ServiceBrief): ApiObject[] {
  const { name: service = "web", labels, families = [4, 6] } = brief;
  const groups = new Map<string, EndpointBrief[]>();
  for (const given of brief.endpoints ?? []) {
    const endpoint = typeof given === "string" ? { host: given } : given;
    const key = `${endpoint.slice ?? "a"} ${JSON.stringify(endpoint.port)}`;
    groups.set(key, [...(groups.get(key) ?? []), endpoint]);
  }
  return [...groups.values()].flatMap((members, index) =>
    families.map((family) => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `${service}-${index}-ipv${family}`,
        namespace: "default",
        labels: { ...labels, "kubernetes.io/service-name": service },
      },
      addressType: `IPv${family}`,
      ports: slicePorts(brief, members[0]?.port ?? 80),
      endpoints: members.map((member) => endpointOf(member, family)),
    })),
  );
}

function slicePorts(brief: ServiceBrief, targets: NonNullable<EndpointBrief["port"]>) {
  return (brief.ports ?? [{ port: 80 }]).flatMap(({ name = "p" }: { readonly name?: string }) => {
    const port = typeof targets === "number" ? targets : targets[name];
    const protocols = brief.protocols ?? ["TCP", "UDP"];
    return port === undefined ? [] : protocols.map((protocol) => ({ name: portName(name, protocol), protocol, port }));
  });
}

function portName(name: string, protocol: string): string {
  return `${name}-${protocol.toLowerCase()}`;
}

function endpointOf(brief: EndpointBrief, family: Family) {
  const { host, ready, serving, terminating, zoneHints = [], nodeHints = [] } = brief;
  return {
    addresses: [hostAddress(host, family)],
    conditions: { ready, serving, terminating },
    nodeName: brief.nodeName ?? (host === "node" || host in defaults.pods ? nodeName : otherNodeName),
    hints: { forZones: zoneHints.map((name) => ({ name })), forNodes: nodeHints.map((name) => ({ name })) },
  };
}

function hostAddress(host: string, family: Family): string {
  const hosts: Readonly<Record<string, readonly string[]>> = {
    node: defaults.node,
    ...defaults.pods,
    ...defaults.remotes,
  };
  const address = hosts[host]?.find((candidate) => candidate.includes(":") === (family === 6));
  if (address === undefined) throw new Error(`bug: the lab has no host ${host} with an IPv${family} address`);
  return address;
}
