// Packets to external IPs. In: rows. Out: who answers, and whom it sees.
import { describeRows } from "./rows.ts";

await describeRows("external IPs", [
  {
    title: "balances over all endpoints and masquerades every client of an external IP",
    services: [{ externalIps: [1, 2], endpoints: ["pod-b", "remote-a"] }],
    expect: [
      { from: ["outside", "node", "pod-a"], to: "external-ip 1", answeredBy: ["pod-b", "remote-a"], source: "node" },
      { from: "outside", to: "external-ip 2", answeredBy: ["pod-b", "remote-a"], source: "node" },
      { from: "outside", to: "external-ip 1", port: 81, answeredBy: "unanswered" },
    ],
  },
  {
    title: "answers on an external IP that is one of the node's own addresses",
    services: [{ endpoints: ["pod-b"], spec: { externalIPs: ["192.168.0.2", "fd00:192::2"] } }],
    expect: [
      { from: ["outside", "node", "pod-a"], to: "node", answeredBy: ["pod-b"], source: "node" },
      { from: "outside", to: "node", port: 81, answeredBy: "refused" },
    ],
  },
  {
    title: "leaves an external IP of the family that a Service has not alone",
    services: [{ families: [4], endpoints: ["pod-b"], spec: { externalIPs: ["198.18.1.1", "2001:db8:e1::1"] } }],
    expect: [
      { from: "outside", to: "external-ip", families: [4], answeredBy: ["pod-b"], source: "node" },
      { from: "outside", to: "external-ip", families: [6], answeredBy: "unanswered" },
    ],
  },
  {
    title: "is not subject to source ranges",
    services: [
      {
        externalIps: [1],
        vips: [1],
        endpoints: ["pod-b"],
        spec: { loadBalancerSourceRanges: ["203.0.113.0/24", "2001:db8:1::/64"] },
      },
    ],
    expect: [
      { from: "outside-b", to: "external-ip", answeredBy: ["pod-b"], source: "node" },
      { from: "outside-b", to: "vip", answeredBy: "dropped" },
    ],
  },
]);
