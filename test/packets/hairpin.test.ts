// Packets that an endpoint sends to itself through a Service. In: rows. Out: answers, with the node's address where it must be.
import { describeRows } from "./rows.ts";

const external = { nodePort: 30080, externalIps: [1], vips: [1] };

await describeRows(
  "hairpin",
  [
    {
      title: "masquerades what a pod sends to itself through the cluster IP",
      services: [{ endpoints: ["pod-a"] }],
      expect: [{ from: "pod-a", to: "cluster-ip", answeredBy: ["pod-a"], source: "node" }],
    },
    {
      title: "keeps the source of what the same pod sends to the other endpoints",
      services: [{ endpoints: ["pod-a", "pod-b", "remote-a"] }],
      expect: [{ from: "pod-a", to: "cluster-ip", answeredBy: ["pod-a", "pod-b", "remote-a"], source: "either" }],
    },
    {
      title: "masquerades what a pod sends to itself through external destinations",
      services: [{ ...external, endpoints: ["pod-a"] }],
      expect: [
        { from: "pod-a", to: "vip", answeredBy: ["pod-a"], source: "node" },
        { from: "pod-a", to: "external-ip", answeredBy: ["pod-a"], source: "node" },
        { from: "pod-a", to: "node", port: 30080, answeredBy: ["pod-a"], source: "node" },
      ],
    },
    {
      title: "masquerades what a pod sends to itself with both policies Local",
      services: [
        { ...external, endpoints: ["pod-a"], spec: { internalTrafficPolicy: "Local", externalTrafficPolicy: "Local" } },
      ],
      expect: [
        { from: "pod-a", to: "cluster-ip", answeredBy: ["pod-a"], source: "node" },
        { from: "pod-a", to: "vip", answeredBy: ["pod-a"], source: "node" },
        { from: "pod-a", to: "node", port: 30080, answeredBy: ["pod-a"], source: "node" },
      ],
    },
    {
      title:
        "masquerades what a pod of another node sends to itself through this node with externalTrafficPolicy Local",
      services: [{ ...external, endpoints: ["remote-a"], spec: { externalTrafficPolicy: "Local" } }],
      expect: [
        { from: "remote-a", to: "vip", answeredBy: ["remote-a"], source: "node" },
        { from: "remote-a", to: "node", port: 30080, answeredBy: ["remote-a"], source: "node" },
      ],
    },
    {
      title: "masquerades what a pod sends to itself with session affinity",
      services: [{ ...external, endpoints: ["pod-a"], spec: { sessionAffinity: "ClientIP" } }],
      expect: [
        { from: "pod-a", to: "cluster-ip", answeredBy: ["pod-a"], source: "node" },
        { from: "pod-a", to: "vip", answeredBy: ["pod-a"], source: "node" },
      ],
    },
    {
      title: "reaches an endpoint in the node's network from the node itself",
      services: [{ ...external, endpoints: [{ host: "node", port: 9090 }] }],
      expect: [
        { from: "node", to: "cluster-ip", answeredBy: ["node"], source: "node" },
        { from: "node", to: "node", port: 30080, answeredBy: ["node"], source: "node" },
      ],
    },
    {
      title: "leaves what a pod sends to itself directly alone",
      services: [{ endpoints: ["pod-a"] }],
      expect: [{ from: "pod-a", to: "pod-a", answeredBy: ["pod-a"], source: "kept" }],
    },
  ],
  { prepare: (lab) => lab.listen("node", [9090]) },
);
