// How local pods are told from others, in every detectLocalMode. In: rows. Out: who is masqueraded, who is balanced over all endpoints.
// pod-a is on pod0, pod-b on pod1; remote pods come in on eth0.
import { podNetworks } from "./harness.ts";
import { describeRows, type Expectation, type Row } from "./rows.ts";

const services: Row["services"] = [
  { endpoints: ["pod-b"] },
  { name: "a", clusterIp: 2, endpoints: ["pod-a"] },
  {
    name: "local",
    clusterIp: 3,
    nodePort: 30080,
    vips: [1],
    endpoints: ["pod-b"],
    spec: { externalTrafficPolicy: "Local" },
  },
  {
    name: "elsewhere",
    clusterIp: 4,
    nodePort: 30081,
    vips: [2],
    endpoints: ["remote-b"],
    spec: { externalTrafficPolicy: "Local" },
  },
];

/** The node itself is never a pod. */
const node: Expectation[] = [
  { from: "node", to: "cluster-ip", answeredBy: ["pod-b"], source: "node" },
  { from: "node", to: "vip 2", answeredBy: ["remote-b"], source: "node" },
];

await describeRows("detect local", [
  {
    title: "ClusterCIDR takes every address in it for a pod, on whatever node",
    services,
    config: { detectLocalMode: "ClusterCIDR", clusterCIDR: podNetworks },
    expect: [
      ...node,
      { from: ["pod-a", "remote-a"], to: "cluster-ip", answeredBy: ["pod-b"], source: "kept" },
      { from: "outside", to: "cluster-ip", answeredBy: ["pod-b"], source: "node" },
      { from: "pod-a", to: "vip 2", answeredBy: ["remote-b"], source: "kept" },
      { from: "outside", to: "vip 2", answeredBy: "dropped" },
    ],
  },
  {
    title: "ClusterCIDR of one family detects nothing in the other",
    services,
    config: { clusterCIDR: "10.244.0.0/16" },
    expect: [
      ...node.map((expectation) => ({ ...expectation, families: [4] as const })),
      { from: "outside", to: "cluster-ip", families: [4], answeredBy: ["pod-b"], source: "node" },
      { from: "outside", to: "cluster-ip", families: [6], answeredBy: ["pod-b"], source: "kept" },
    ],
  },
  {
    title: "NodeCIDR takes only pods of this node for pods",
    services,
    config: { detectLocalMode: "NodeCIDR", clusterCIDR: "" },
    expect: [
      ...node,
      { from: "pod-a", to: "cluster-ip", answeredBy: ["pod-b"], source: "kept" },
      { from: ["remote-a", "outside"], to: "cluster-ip", answeredBy: ["pod-b"], source: "node" },
      { from: "pod-a", to: "vip 2", answeredBy: ["remote-b"], source: "kept" },
      { from: ["remote-a", "outside"], to: "vip 2", answeredBy: "dropped" },
    ],
  },
  {
    title: "BridgeInterface takes what comes in by the bridge for pods",
    services,
    config: { detectLocalMode: "BridgeInterface", detectLocal: { bridgeInterface: "pod0" }, clusterCIDR: "" },
    expect: [
      ...node,
      { from: "pod-a", to: "cluster-ip", answeredBy: ["pod-b"], source: "kept" },
      { from: "pod-b", to: "cluster-ip 2", answeredBy: ["pod-a"], source: "node" },
      { from: ["remote-a", "outside"], to: "cluster-ip", answeredBy: ["pod-b"], source: "node" },
      { from: "pod-a", to: "vip 2", answeredBy: ["remote-b"], source: "kept" },
      { from: ["pod-b", "outside"], to: "vip 2", answeredBy: "dropped" },
    ],
  },
  {
    title: "InterfaceNamePrefix takes what comes in by interfaces of that name for pods",
    services,
    config: {
      detectLocalMode: "InterfaceNamePrefix",
      detectLocal: { interfaceNamePrefix: "pod" },
      clusterCIDR: "",
    },
    expect: [
      ...node,
      { from: "pod-a", to: "cluster-ip", answeredBy: ["pod-b"], source: "kept" },
      { from: "pod-b", to: "cluster-ip 2", answeredBy: ["pod-a"], source: "kept" },
      { from: ["remote-a", "outside"], to: "cluster-ip", answeredBy: ["pod-b"], source: "node" },
      { from: ["pod-a", "pod-b"], to: "vip 2", answeredBy: ["remote-b"], source: "kept" },
      { from: ["remote-a", "outside"], to: "vip 2", answeredBy: "dropped" },
    ],
  },
  {
    title: "without any way to detect pods nobody is masqueraded to cluster IPs and pods count as outside",
    services,
    config: { detectLocalMode: "ClusterCIDR", clusterCIDR: "" },
    expect: [
      { from: ["pod-a", "outside", "remote-a", "node"], to: "cluster-ip", answeredBy: ["pod-b"], source: "kept" },
      { from: ["pod-a", "outside"], to: "vip 1", answeredBy: ["pod-b"], source: "kept" },
      { from: ["pod-a", "outside"], to: "vip 2", answeredBy: "dropped" },
      { from: "node", to: "vip 2", answeredBy: ["remote-b"], source: "node" },
    ],
  },
]);
