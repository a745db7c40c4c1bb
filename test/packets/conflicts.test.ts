// Several Services that claim one address and port. In: rows. Out: one of them has it, the others keep all else.
import { describeRows } from "./rows.ts";

await describeRows("conflicts", [
  {
    title: "of two Services with one node port the first by name has it",
    services: [
      { name: "b", clusterIp: 2, nodePort: 30080, endpoints: ["pod-b"] },
      { name: "a", clusterIp: 1, nodePort: 30080, endpoints: ["pod-a"] },
    ],
    expect: [
      { from: "outside", to: "node", port: 30080, answeredBy: ["pod-a"], source: "node" },
      { from: "outside", to: "cluster-ip 1", answeredBy: ["pod-a"], source: "node" },
      { from: "outside", to: "cluster-ip 2", answeredBy: ["pod-b"], source: "node" },
    ],
  },
  {
    title: "of two Services with one external IP and port the first by name has it",
    services: [
      { name: "b", clusterIp: 2, externalIps: [1], endpoints: ["pod-b"] },
      { name: "a", clusterIp: 1, externalIps: [1], endpoints: ["pod-a"] },
    ],
    expect: [
      { from: "outside", to: "external-ip", answeredBy: ["pod-a"], source: "node" },
      { from: "outside", to: "cluster-ip 2", answeredBy: ["pod-b"], source: "node" },
    ],
  },
  {
    title: "an external IP takes no other Service's cluster IP away",
    services: [
      { name: "a", clusterIp: 1, endpoints: ["pod-a"], spec: { externalIPs: ["10.96.0.2", "fd00:10:96::2"] } },
      { name: "b", clusterIp: 2, endpoints: ["pod-b"] },
    ],
    expect: [{ from: "outside", to: "cluster-ip 2", answeredBy: ["pod-b"], source: "node" }],
  },
  {
    title: "two Services with one cluster IP leave it to the first by name",
    services: [
      { name: "b", clusterIp: 1, endpoints: ["pod-b"] },
      { name: "a", clusterIp: 1, endpoints: ["pod-a"] },
    ],
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a"], source: "node" }],
  },
]);
