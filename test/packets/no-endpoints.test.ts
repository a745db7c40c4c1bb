// What a Service without endpoints answers. In: rows. Out: refusals at once, on every destination, from everywhere.
import { describeRows } from "./rows.ts";

await describeRows(
  "no endpoints",
  [
    {
      title: "refuses clients of every kind on every address",
      services: [{ nodePort: 30080, externalIps: [1], vips: [1] }],
      expect: [
        { from: ["outside", "pod-a", "node"], to: "cluster-ip", answeredBy: "refused" },
        { from: ["outside", "pod-a"], to: "external-ip", answeredBy: "refused" },
        { from: ["outside", "pod-a"], to: "vip", answeredBy: "refused" },
        { from: ["outside", "pod-a", "node"], to: "node", port: 30080, answeredBy: "refused" },
      ],
    },
    {
      // KUBE-EXTERNAL-SERVICES is not called from OUTPUT, with kube-proxy neither.
      title: "lets what the node itself sends to external addresses without endpoints go its way",
      services: [{ nodePort: 30080, externalIps: [1], vips: [1] }],
      expect: [
        { from: "node", to: "external-ip", answeredBy: "unanswered" },
        { from: "node", to: "vip", answeredBy: "unanswered" },
      ],
    },
    {
      title: "refuses on the port that has no endpoints and serves the others",
      services: [
        {
          ports: [
            { name: "a", port: 80 },
            { name: "b", port: 81 },
          ],
          endpoints: [{ host: "pod-a", port: { a: 80 } }],
        },
      ],
      expect: [
        { from: "outside", to: "cluster-ip", port: 80, answeredBy: ["pod-a"], source: "node" },
        { from: "outside", to: "cluster-ip", port: 81, answeredBy: "refused" },
      ],
    },
    {
      title: "refuses in the family that has no endpoints",
      services: [{ families: [4], endpoints: ["pod-a"], spec: bothFamilies() }],
      expect: [
        { from: "outside", to: "cluster-ip", families: [4], answeredBy: ["pod-a"], source: "node" },
        { from: "outside", to: "cluster-ip", families: [6], answeredBy: "refused" },
      ],
    },
    {
      title: "refuses clients outside the source ranges too",
      services: [{ vips: [1], spec: { loadBalancerSourceRanges: ["203.0.113.0/24", "2001:db8:1::/64"] } }],
      expect: [{ from: ["outside", "outside-b"], to: "vip", answeredBy: "refused" }],
    },
    {
      title: "refuses on node addresses only what is a node port without endpoints",
      services: [{ nodePort: 30080 }],
      expect: [
        { from: ["outside", "pod-a"], to: "node", port: 30080, answeredBy: "refused" },
        { from: ["outside", "pod-a"], to: "node", port: 9090, answeredBy: ["node"], source: "kept" },
        { from: "pod-a", to: "node-b", port: 9091, answeredBy: ["node-b"], source: "kept" },
      ],
    },
    {
      title: "refuses on each of 60 Services without endpoints, and serves the one between them",
      services: Array.from({ length: 61 }, (_, index) => ({
        name: `web-${index}`,
        clusterIp: index + 1,
        nodePort: 30000 + index,
        endpoints: index === 30 ? ["pod-a"] : [],
      })),
      expect: [
        ...[1, 2, 17, 30, 32, 61].map((number) => ({
          from: "outside",
          to: `cluster-ip ${number}`,
          answeredBy: "refused" as const,
        })),
        ...[30000, 30029, 30031, 30060].map((port) => ({
          from: "outside",
          to: "node",
          port,
          answeredBy: "refused" as const,
        })),
        { from: "outside", to: "cluster-ip 31", answeredBy: ["pod-a"], source: "node" },
        { from: "outside", to: "node", port: 30030, answeredBy: ["pod-a"], source: "node" },
      ],
    },
  ],
  {
    prepare: async (lab) => {
      await lab.listen("node", [9090]);
      await lab.listen("node-b", [9091]);
    },
  },
);

function bothFamilies() {
  return { clusterIPs: ["10.96.0.1", "fd00:10:96::1"] };
}
