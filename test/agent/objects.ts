// Services and slices that tests write by hand, and the one that no fault touches. In: a name, addresses. Out: API objects.
import { thisNode } from "../bench/cluster.ts";
import type { ServiceBrief } from "../packets/objects.ts";
import type { ApiObject } from "../support/store.ts";

/** A Service of one port, 80, in namespace `default`. */
export function service(name: string, ip: string, spec: object = {}): ApiObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "default" },
    spec: {
      clusterIP: ip,
      clusterIPs: [ip],
      ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: 8080 }],
      ...spec,
    },
  };
}

/** Its slice `NAME-1`, with these ready endpoints on port 8080. */
export function slice(name: string, ...ips: readonly string[]): ApiObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-1`, namespace: "default", labels: { "kubernetes.io/service-name": name } },
    addressType: ips[0]?.includes(":") === true ? "IPv6" : "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: ips.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
  };
}

/** Its clients connect all the time. */
export const steady: ServiceBrief = {
  name: "steady",
  clusterIp: 250,
  nodePort: 30800,
  endpoints: [{ host: "pod-a", nodeName: thisNode }, { host: "pod-b", nodeName: thisNode }, "remote-a"],
};
