// Packets to cluster IPs. In: rows. Out: who answers, and whom it sees.
import { describeRows } from "./rows.ts";

await describeRows("cluster IP", [
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
]);
