// Packets to cluster IPs. In: rows. Out: who answers, and whom it sees.
import { describeRows } from "./rows.ts";

/** Each answers with its number as name. */
const manyPorts = Array.from({ length: 40 }, (_, index) => 7000 + index);

await describeRows(
  "cluster IP",
  [
    {
      title: "balances over all endpoints and masquerades all clients but pods",
      services: [{ endpoints: ["pod-a", "pod-b", "remote-a"] }],
      expect: [
        { from: ["outside", "node"], to: "cluster-ip", answeredBy: ["pod-a", "pod-b", "remote-a"], source: "node" },
      ],
    },
    {
      title: "keeps the source of a pod of this node",
      services: [{ endpoints: ["pod-b", "remote-a"] }],
      expect: [{ from: "pod-a", to: "cluster-ip", answeredBy: ["pod-b", "remote-a"], source: "kept" }],
    },
    {
      title: "serves each of several ports by its own endpoints and target port",
      services: [
        {
          ports: [
            { name: "a", port: 80 },
            { name: "b", port: 8000 },
          ],
          endpoints: [
            { host: "pod-a", port: { a: 80 } },
            { host: "pod-b", port: { b: 8080 } },
            { host: "remote-a", port: { a: 80, b: 8080 } },
          ],
        },
      ],
      expect: [
        { from: "outside", to: "cluster-ip", port: 80, answeredBy: ["pod-a", "remote-a"], source: "node" },
        { from: "outside", to: "cluster-ip", port: 8000, answeredBy: ["pod-b", "remote-a"], source: "node" },
        { from: "outside", to: "cluster-ip", port: 81, answeredBy: "unanswered" },
      ],
    },
    {
      title: "sends each endpoint the number that a named target port has there",
      services: [{ endpoints: ["pod-a", { host: "pod-b", port: 8080 }] }],
      expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a", "pod-b"], source: "node" }],
    },
    {
      title: "keeps the source of a pod of another node",
      services: [{ endpoints: ["pod-a", "pod-b"] }],
      expect: [{ from: "remote-a", to: "cluster-ip", answeredBy: ["pod-a", "pod-b"], source: "kept" }],
    },
    {
      title: "reaches an endpoint in the node's own network from everywhere",
      services: [{ endpoints: [{ host: "node", port: 9090 }] }],
      expect: [
        // What ends on the node itself passes no POSTROUTING, so nothing is masqueraded; with kube-proxy neither.
        { from: ["pod-a", "outside", "node"], to: "cluster-ip", answeredBy: ["node"], source: "kept" },
      ],
    },
    {
      title: "takes the slices of a Service together",
      services: [{ endpoints: ["pod-a", { host: "pod-b", slice: "b" }, { host: "remote-a", slice: "c" }] }],
      expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a", "pod-b", "remote-a"], source: "node" }],
    },
    {
      title: "takes an endpoint that stands in two slices as usable where one of them says so",
      services: [
        {
          endpoints: [
            { host: "pod-a", slice: "a", ready: false, serving: true, terminating: true },
            { host: "pod-a", slice: "b" },
          ],
        },
      ],
      expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a"], source: "node" }],
    },
    {
      title: "serves a single-stack Service in its own family only",
      services: [
        { name: "four", clusterIp: 4, families: [4], endpoints: ["pod-a"] },
        { name: "six", clusterIp: 6, families: [6], endpoints: ["pod-b"] },
      ],
      expect: [
        { from: "outside", to: "cluster-ip 4", families: [4], answeredBy: ["pod-a"], source: "node" },
        { from: "outside", to: "cluster-ip 4", families: [6], answeredBy: "unanswered" },
        { from: "outside", to: "cluster-ip 6", families: [6], answeredBy: ["pod-b"], source: "node" },
        { from: "outside", to: "cluster-ip 6", families: [4], answeredBy: "unanswered" },
      ],
    },
    {
      title: "finds the right one of 200 Services",
      services: Array.from({ length: 200 }, (_, index) => ({
        name: `web-${index + 1}`,
        clusterIp: index + 1,
        endpoints: [["pod-a", "pod-b", "remote-a"][index % 3] ?? ""],
      })),
      expect: [1, 2, 3, 16, 17, 18, 64, 100, 199, 200].map((number) => ({
        from: "outside",
        to: `cluster-ip ${number}`,
        answeredBy: [["remote-a", "pod-a", "pod-b"][number % 3] ?? ""],
        source: "node" as const,
      })),
    },
    {
      title: "spreads over 40 endpoints",
      services: [{ endpoints: manyPorts.map((port) => ({ host: "pod-a", port })) }],
      expect: [{ from: "outside", to: "cluster-ip", answeredBy: manyPorts.map(String), source: "node" }],
    },
  ],
  {
    prepare: async (lab) => {
      await lab.listen("node", [9090]);
      for (const port of manyPorts) await lab.listen("pod-a", [port], { name: String(port) });
    },
  },
);
