import { expect, test } from "@jest/globals";
import type { V1Endpoints, V1EndpointSlice, V1Node, V1Pod, V1Service, V1StatefulSet } from "@kubernetes/client-node";
import { decodeEndpointSlice } from "../../../rules/decode/endpoint-slice.ts";
import { decodeEndpoints } from "../../../rules/decode/endpoints.ts";
import { decodeNode } from "../../../rules/decode/node.ts";
import { decodePod } from "../../../rules/decode/pod.ts";
import { decodeService } from "../../../rules/decode/service.ts";
import { decodeWorkload } from "../../../rules/decode/workload.ts";

// The official client's types check, when this file is compiled, that each field read is one of the API and of the type expected.
const service: V1Service = {
  metadata: { name: "web", namespace: "shop", labels: { app: "web" } },
  spec: {
    type: "LoadBalancer",
    clusterIP: "10.96.0.10",
    clusterIPs: ["10.96.0.10", "fd00:10:96::10"],
    ports: [{ name: "http", protocol: "TCP", port: 80, targetPort: "http", nodePort: 30080 }],
    selector: { app: "web" },
    sessionAffinity: "ClientIP",
    sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } },
    internalTrafficPolicy: "Local",
    externalTrafficPolicy: "Local",
    externalIPs: ["192.0.2.1"],
    loadBalancerSourceRanges: ["203.0.113.0/24"],
    healthCheckNodePort: 32000,
    allocateLoadBalancerNodePorts: false,
    publishNotReadyAddresses: true,
    ipFamilies: ["IPv4", "IPv6"],
    ipFamilyPolicy: "RequireDualStack",
  },
  status: {
    loadBalancer: {
      ingress: [{ ip: "192.0.2.9", ipMode: "VIP" }, { ip: "192.0.2.8", ipMode: "Proxy" }, { hostname: "lb" }],
    },
  },
};

const slice: V1EndpointSlice = {
  metadata: { name: "web-1", namespace: "shop", labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4",
  ports: [{ name: "http", protocol: "TCP", port: 8080 }],
  endpoints: [
    {
      addresses: ["10.244.0.5"],
      conditions: { ready: false, serving: true, terminating: true },
      nodeName: "node-a",
      hints: { forZones: [{ name: "zone-a" }] },
      hostname: "web-0",
      targetRef: { kind: "Pod", namespace: "shop", name: "web-0" },
    },
  ],
};

const node: V1Node = {
  metadata: { name: "node-a", labels: { "topology.kubernetes.io/zone": "zone-a" } },
  spec: { podCIDR: "10.244.0.0/24", podCIDRs: ["10.244.0.0/24", "fd00:10:244::/80"] },
  status: {
    addresses: [
      { type: "Hostname", address: "node-a" },
      { type: "InternalIP", address: "192.0.2.2" },
    ],
  },
};

const pod: V1Pod = {
  metadata: { name: "web-0", namespace: "shop" },
  spec: { containers: [], hostname: "web-0", subdomain: "web" },
};

const endpoints: V1Endpoints = {
  metadata: { name: "web", namespace: "shop" },
  subsets: [{ addresses: [{ ip: "10.244.0.5", hostname: "web-0", targetRef: { kind: "Pod", name: "web-0" } }] }],
};

const statefulSet: V1StatefulSet = {
  metadata: { name: "web", namespace: "shop" },
  spec: { serviceName: "web", ordinals: { start: 1 }, selector: {}, template: { spec: { containers: [] } } },
};

test("every field of a Service that rules depend on is read", () => {
  expect(decodeService(service)).toEqual({
    problems: [],
    value: {
      namespace: "shop",
      name: "web",
      type: "LoadBalancer",
      externalName: undefined,
      clusterIps: ["10.96.0.10", "fd00:10:96::10"],
      ports: [{ name: "http", protocol: "TCP", port: 80, targetPort: "http", nodePort: 30080 }],
      selector: { app: "web" },
      affinitySeconds: 60,
      internalTrafficPolicy: "Local",
      externalTrafficPolicy: "Local",
      externalIps: ["192.0.2.1"],
      sourceRanges: ["203.0.113.0/24"],
      loadBalancerIps: ["192.0.2.9"],
      healthCheckNodePort: 32000,
      allocateNodePorts: false,
      publishNotReadyAddresses: true,
      ipFamilies: ["IPv4", "IPv6"],
      ipFamilyPolicy: "RequireDualStack",
      leftToOthers: false,
    },
  });
});

test("every field of an EndpointSlice that rules depend on is read", () => {
  expect(decodeEndpointSlice(slice)).toEqual({
    problems: [],
    value: {
      namespace: "shop",
      name: "web-1",
      service: "web",
      addressType: "IPv4",
      ports: [{ name: "http", protocol: "TCP", port: 8080 }],
      endpoints: [
        {
          ip: "10.244.0.5",
          nodeName: "node-a",
          ready: false,
          serving: true,
          terminating: true,
          zoneHints: ["zone-a"],
          nodeHints: [],
          hostname: "web-0",
          pod: "web-0",
        },
      ],
      leftToOthers: false,
    },
  });
});

test("every field of a Node that rules depend on is read", () => {
  expect(decodeNode(node)).toEqual({
    problems: [],
    value: {
      name: "node-a",
      zone: "zone-a",
      podCidrs: ["10.244.0.0/24", "fd00:10:244::/80"],
      addresses: ["192.0.2.2"],
    },
  });
});

test("every field that names an endpoint in DNS is read", () => {
  expect(decodePod(pod).value?.spec).toMatchObject({ hostname: "web-0", subdomain: "web" });
  expect(decodeEndpoints(endpoints).value?.subsets[0]?.addresses).toMatchObject([{ hostname: "web-0", pod: "web-0" }]);
  expect(decodeWorkload(statefulSet, "StatefulSet").value).toMatchObject({ serviceName: "web", firstOrdinal: 1 });
});
