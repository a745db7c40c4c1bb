// Which endpoints topology hints leave. In: rows with hints; the node is node-1 in zone-a. Out: who answers.
import { nodeObject } from "./harness.ts";
import { describeRows } from "./rows.ts";

const zone = (host: string, ...zoneHints: string[]) => ({ host, zoneHints });
const zoneless = { ...nodeObject, metadata: { name: "node-1" } };

await describeRows("topology", [
  {
    title: "zone hints leave the endpoints of the node's zone",
    services: [{ endpoints: [zone("pod-a", "zone-a"), zone("remote-a", "zone-b", "zone-a"), zone("pod-b", "zone-b")] }],
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a", "remote-a"], source: "node" }],
  },
  {
    title: "zone hints count for external destinations too",
    services: [{ nodePort: 30080, vips: [1], endpoints: [zone("pod-b", "zone-a"), zone("remote-a", "zone-b")] }],
    expect: [
      { from: "outside", to: "vip", answeredBy: ["pod-b"], source: "node" },
      { from: "pod-a", to: "node", port: 30080, answeredBy: ["pod-b"], source: "node" },
    ],
  },
  {
    title: "hints on some endpoints only are not followed",
    services: [{ endpoints: [zone("pod-a", "zone-a"), zone("remote-a", "zone-b"), "pod-b"] }],
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a", "pod-b", "remote-a"], source: "node" }],
  },
  {
    title: "hints without one for this zone are not followed",
    services: [{ endpoints: [zone("pod-a", "zone-b"), zone("remote-a", "zone-c")] }],
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a", "remote-a"], source: "node" }],
  },
  {
    title: "a node without a zone follows no zone hints",
    services: [{ endpoints: [zone("pod-a", "zone-a"), zone("remote-a", "zone-b")] }],
    objects: [zoneless],
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a", "remote-a"], source: "node" }],
  },
  {
    title: "node hints go before zone hints",
    services: [
      {
        endpoints: [
          { host: "pod-a", zoneHints: ["zone-a"], nodeHints: ["node-1"] },
          { host: "remote-a", zoneHints: ["zone-a"], nodeHints: ["node-2"] },
        ],
      },
    ],
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a"], source: "node" }],
  },
  {
    title: "node hints without one for this node leave it to the zone hints",
    services: [
      {
        endpoints: [
          { host: "pod-a", zoneHints: ["zone-b"], nodeHints: ["node-3"] },
          { host: "remote-a", zoneHints: ["zone-a"], nodeHints: ["node-2"] },
        ],
      },
    ],
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["remote-a"], source: "node" }],
  },
  {
    title: "an unready endpoint without a hint does not matter",
    services: [{ endpoints: [zone("pod-a", "zone-a"), zone("remote-a", "zone-b"), { host: "pod-b", ready: false }] }],
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a"], source: "node" }],
  },
  {
    title: "terminating endpoints are used whatever their hints",
    services: [
      {
        endpoints: [
          { host: "pod-a", ready: false, serving: true, terminating: true, zoneHints: ["zone-a"] },
          { host: "remote-a", ready: false, serving: true, terminating: true, zoneHints: ["zone-b"] },
        ],
      },
    ],
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a", "remote-a"], source: "node" }],
  },
  {
    title: "the Local policies take local endpoints whatever their hints",
    services: [
      {
        vips: [1],
        nodePort: 30080,
        endpoints: [zone("pod-a", "zone-a"), zone("pod-b", "zone-b"), zone("remote-a", "zone-a")],
        spec: { internalTrafficPolicy: "Local", externalTrafficPolicy: "Local" },
      },
    ],
    expect: [
      { from: "outside", to: "vip", answeredBy: ["pod-a", "pod-b"], source: "kept" },
      { from: "outside", to: "cluster-ip", answeredBy: ["pod-a", "pod-b"], source: "node" },
      { from: "node", to: "vip", answeredBy: ["pod-a", "remote-a"], source: "node" },
    ],
  },
  {
    title: "trafficDistribution of the Service without hints change nothing",
    services: [{ endpoints: ["pod-a", "remote-a"], spec: { trafficDistribution: "PreferSameNode" } }],
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a", "remote-a"], source: "node" }],
  },
]);
