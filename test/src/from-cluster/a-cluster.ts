// A fake cluster and the built command line beside it. In: objects. Out: a server, its kubeconfig as a file, the same objects as a manifest.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startApi, type ApiOptions, type FakeApi } from "../../support/api.ts";
import type { ApiObject } from "../../support/store.ts";
import { aFolder } from "../golden/a-case.ts";
import { cli, type Ended } from "../commands/cli.ts";

export type ACluster = {
  readonly api: FakeApi;
  /** Holds `kubeconfig` and nothing else, until a test writes there. */
  readonly folder: string;
  readonly kubeconfig: string;
  /** `rulewright plan --from-cluster` there. */
  readonly plan: (...args: readonly string[]) => Promise<Ended>;
  /** Everything that the server has, as a file for `-f`. */
  readonly manifest: () => Promise<string>;
};

const running: FakeApi[] = [];

/** Ends the servers that the tests of a file have started. */
export async function stopClusters(): Promise<void> {
  for (const api of running.splice(0)) await api.stop();
}

/** A server with TLS that wants a token, and holds these objects. */
export async function aCluster(objects: readonly ApiObject[] = [], options: ApiOptions = {}): Promise<ACluster> {
  const api = await startApi({ tokens: ["secret"], ...options });
  running.push(api);
  await api.set(...objects);
  const folder = await aFolder({ kubeconfig: api.kubeconfig({ token: "secret" }) });
  const kubeconfig = join(folder, "kubeconfig");
  return {
    api,
    folder,
    kubeconfig,
    plan: (...args) => cli(["plan", "--from-cluster", "--kubeconfig", kubeconfig, ...args]),
    manifest: async () => {
      const kinds = ["Node", "ServiceCIDR", "Service", "EndpointSlice"];
      const lists = await Promise.all(kinds.map((kind) => api.objects(kind).catch(() => [])));
      const file = join(await aFolder(), "manifest.json");
      await writeFile(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: lists.flat() }));
      return file;
    },
  };
}

/** `node-a` with a zone, Pods and an address, and all that kubelet and others write beside. */
export function aNodeObject(name = "node-a", number = 1): ApiObject {
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: { "topology.kubernetes.io/zone": `zone-${name}`, "kubernetes.io/os": "linux" },
      annotations: { "kubeadm.alpha.kubernetes.io/cri-socket": "/run/containerd.sock" },
    },
    spec: { podCIDR: `10.244.${number}.0/24`, podCIDRs: [`10.244.${number}.0/24`], providerID: `cloud://${name}` },
    status: {
      addresses: [
        { type: "Hostname", address: name },
        { type: "InternalIP", address: `192.168.0.${number}` },
      ],
      conditions: [{ type: "Ready", status: "True", lastHeartbeatTime: "2026-01-01T00:00:00Z" }],
      images: [{ names: ["registry/pause"], sizeBytes: 1 }],
    },
  };
}

/** A Service of a namespace, with bookkeeping of kubectl. */
export function aServiceObject(name: string, ip: string, spec: object = {}): ApiObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name,
      namespace: "default",
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": `{"name":"${name}"}`, owner: "yes" },
    },
    spec: {
      clusterIP: ip,
      clusterIPs: [ip],
      selector: { app: name },
      ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: 8080 }],
      ...spec,
    },
    status: { loadBalancer: {} },
  };
}

export function aSliceObject(service: string, ips: readonly string[], nodeName = "node-a"): ApiObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${service}-x7k2p`,
      namespace: "default",
      labels: { "kubernetes.io/service-name": service },
      annotations: { "endpoints.kubernetes.io/last-change-trigger-time": "2026-01-01T00:00:00Z" },
      ownerReferences: [{ apiVersion: "v1", kind: "Service", name: service, uid: "0", controller: true }],
    },
    addressType: ips[0]?.includes(":") === true ? "IPv6" : "IPv4",
    ports: [{ name: "http", port: 8080, protocol: "TCP" }],
    endpoints: ips.map((ip, at) => ({
      addresses: [ip],
      conditions: { ready: true, serving: true, terminating: false },
      nodeName,
      targetRef: { kind: "Pod", namespace: "default", name: `${service}-${at}`, uid: `uid-${at}` },
    })),
  };
}

/** Two Nodes and Services of most kinds, in both families. */
export const someObjects: readonly ApiObject[] = [
  aNodeObject("node-a", 1),
  aNodeObject("node-b", 2),
  {
    apiVersion: "networking.k8s.io/v1",
    kind: "ServiceCIDR",
    metadata: { name: "kubernetes" },
    spec: { cidrs: ["10.96.0.0/12"] },
  },
  aServiceObject("web", "10.96.0.10"),
  aSliceObject("web", ["10.244.1.5", "10.244.1.6"]),
  aServiceObject("local", "10.96.0.11", {
    type: "NodePort",
    externalTrafficPolicy: "Local",
    ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: "http", nodePort: 30080 }],
  }),
  aSliceObject("local", ["10.244.2.7"], "node-b"),
  {
    ...aServiceObject("lb", "10.96.0.12", {
      type: "LoadBalancer",
      loadBalancerSourceRanges: ["198.51.100.0/24"],
      ports: [{ name: "http", port: 80, protocol: "TCP", targetPort: 8080, nodePort: 30081 }],
    }),
    status: { loadBalancer: { ingress: [{ ip: "203.0.113.1", ipMode: "VIP" }] } },
  },
  aSliceObject("lb", ["10.244.1.8", "10.244.1.9"]),
  aServiceObject("six", "fd00:96::10", { ipFamilies: ["IPv6"] }),
  aSliceObject("six", ["fd00:244::5"]),
  aServiceObject("nothing-behind", "10.96.0.13"),
  aServiceObject("outside", "", {
    clusterIP: undefined,
    clusterIPs: undefined,
    type: "ExternalName",
    externalName: "example.com",
  }),
];
