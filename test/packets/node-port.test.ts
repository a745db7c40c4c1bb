// Packets to node ports. In: rows. Out: who answers, and whom it sees.
import { describeRows } from "./rows.ts";

await describeRows(
  "node port",
  [
    {
      title: "balances over all endpoints and masquerades every client",
      services: [{ nodePort: 30080, endpoints: ["pod-b", "remote-a"] }],
      expect: [
        {
          from: ["outside", "node", "pod-a"],
          to: "node",
          port: 30080,
          answeredBy: ["pod-b", "remote-a"],
          source: "node",
        },
        { from: "pod-a", to: "cluster-ip", answeredBy: ["pod-b", "remote-a"], source: "kept" },
        { from: "outside", to: "node", port: 30081, answeredBy: "refused" },
      ],
    },
    {
      title: "keeps Services on one node port apart by protocol",
      services: [
        { name: "calls", clusterIp: 1, nodePort: 30080, protocols: ["TCP"], endpoints: ["pod-a"] },
        { name: "names", clusterIp: 2, nodePort: 30080, protocols: ["UDP"], endpoints: ["pod-b"] },
      ],
      expect: [
        { from: "outside", to: "node", port: 30080, protocols: ["TCP"], answeredBy: ["pod-a"], source: "node" },
        { from: "outside", to: "node", port: 30080, protocols: ["UDP"], answeredBy: ["pod-b"], source: "node" },
      ],
    },
    {
      title: "serves each of several node ports by its own target port",
      services: [
        {
          ports: [
            { name: "a", port: 80, nodePort: 30080 },
            { name: "b", port: 8000, nodePort: 30800 },
          ],
          endpoints: [
            { host: "pod-a", port: { a: 80 } },
            { host: "pod-b", port: { b: 8080 } },
          ],
        },
      ],
      expect: [
        { from: "outside", to: "node", port: 30080, answeredBy: ["pod-a"], source: "node" },
        { from: "outside", to: "node", port: 30800, answeredBy: ["pod-b"], source: "node" },
      ],
    },
    {
      title: "finds the right one of 60 node ports",
      services: Array.from({ length: 60 }, (_, index) => ({
        name: `web-${index}`,
        clusterIp: index + 1,
        nodePort: 30000 + index * 41,
        endpoints: [index % 2 === 0 ? "pod-a" : "pod-b"],
      })),
      expect: [0, 1, 15, 16, 17, 31, 58, 59].map((index) => ({
        from: "outside",
        to: "node",
        port: 30000 + index * 41,
        answeredBy: [index % 2 === 0 ? "pod-a" : "pod-b"],
        source: "node" as const,
      })),
    },
    {
      title: "leaves what the node itself listens on and what is forwarded to other hosts alone",
      services: [{ nodePort: 30080, endpoints: ["pod-b"] }],
      expect: [
        { from: ["outside", "pod-a"], to: "node", port: 9090, answeredBy: ["node"], source: "kept" },
        { from: "pod-a", to: "node-b", port: 8080, answeredBy: ["node-b"], source: "kept" },
        { from: "pod-a", to: "node-b", port: 30080, answeredBy: "refused" },
      ],
    },
  ],
  { prepare: (lab) => lab.listen("node", [9090]) },
);
