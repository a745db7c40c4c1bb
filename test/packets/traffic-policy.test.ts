// Which endpoints internalTrafficPolicy and externalTrafficPolicy leave to whom. In: rows. Out: who answers, who is dropped.
import { describeRows, type Expectation, type Outcome } from "./rows.ts";

const external = { nodePort: 30080, externalIps: [1], vips: [1] };

/** Every external destination. */
function everywhere(client: Pick<Expectation, "from">, outcome: Outcome): Expectation[] {
  return [
    { ...client, to: "node", port: 30080, ...outcome },
    { ...client, to: "external-ip", ...outcome },
    { ...client, to: "vip", ...outcome },
  ];
}

const all = ["pod-b", "remote-a"];

await describeRows(
  "traffic policy",
  [
    {
      title: "externalTrafficPolicy Local sends clients from outside to local endpoints and keeps their source",
      services: [{ ...external, endpoints: ["pod-a", "pod-b", "remote-a"], spec: { externalTrafficPolicy: "Local" } }],
      expect: everywhere({ from: "outside" }, { answeredBy: ["pod-a", "pod-b"], source: "kept" }),
    },
    {
      title: "externalTrafficPolicy Local sends pods to all endpoints and keeps their source",
      services: [{ ...external, endpoints: all, spec: { externalTrafficPolicy: "Local" } }],
      expect: everywhere({ from: "pod-a" }, { answeredBy: all, source: "kept" }),
    },
    {
      title: "externalTrafficPolicy Local sends the node's own processes to all endpoints, masqueraded",
      services: [{ ...external, endpoints: all, spec: { externalTrafficPolicy: "Local" } }],
      expect: everywhere({ from: "node" }, { answeredBy: all, source: "node" }),
    },
    {
      title:
        "externalTrafficPolicy Local without a local endpoint drops clients from outside, but serves pods and the node",
      services: [{ ...external, endpoints: ["remote-a"], spec: { externalTrafficPolicy: "Local" } }],
      expect: [
        ...everywhere({ from: "outside" }, { answeredBy: "dropped" }),
        ...everywhere({ from: "pod-a" }, { answeredBy: ["remote-a"], source: "kept" }),
        ...everywhere({ from: "node" }, { answeredBy: ["remote-a"], source: "node" }),
      ],
    },
    {
      title: "externalTrafficPolicy Local leaves the cluster IP to all endpoints",
      services: [{ ...external, endpoints: all, spec: { externalTrafficPolicy: "Local" } }],
      expect: [
        { from: ["outside", "node"], to: "cluster-ip", answeredBy: all, source: "node" },
        { from: "pod-a", to: "cluster-ip", answeredBy: all, source: "kept" },
      ],
    },
    {
      title: "externalTrafficPolicy Local without any endpoint refuses",
      services: [{ ...external, spec: { externalTrafficPolicy: "Local" } }],
      expect: everywhere({ from: ["outside", "pod-a"] }, { answeredBy: "refused" }),
    },
    {
      title: "externalTrafficPolicy Local holds for external IPs of a Service without node port",
      services: [{ externalIps: [1], endpoints: all, spec: { externalTrafficPolicy: "Local" } }],
      expect: [
        { from: "outside", to: "external-ip", answeredBy: ["pod-b"], source: "kept" },
        { from: "pod-a", to: "external-ip", answeredBy: all, source: "kept" },
      ],
    },
    {
      title: "internalTrafficPolicy Local sends every client of the cluster IP to local endpoints",
      services: [{ endpoints: all, spec: { internalTrafficPolicy: "Local" } }],
      expect: [
        { from: "pod-a", to: "cluster-ip", answeredBy: ["pod-b"], source: "kept" },
        { from: ["node", "outside"], to: "cluster-ip", answeredBy: ["pod-b"], source: "node" },
      ],
    },
    {
      title: "internalTrafficPolicy Local reaches endpoints in the node's own network",
      services: [{ endpoints: [{ host: "node", port: 9090 }, "remote-a"], spec: { internalTrafficPolicy: "Local" } }],
      expect: [
        { from: "pod-a", to: "cluster-ip", answeredBy: ["node"], source: "kept" },
        { from: "node", to: "cluster-ip", answeredBy: ["node"], source: "node" },
      ],
    },
    {
      title: "internalTrafficPolicy Local without a local endpoint drops every client of the cluster IP",
      services: [{ endpoints: ["remote-a"], spec: { internalTrafficPolicy: "Local" } }],
      expect: [{ from: ["pod-a", "node", "outside"], to: "cluster-ip", answeredBy: "dropped" }],
    },
    {
      title: "internalTrafficPolicy Local leaves external destinations to all endpoints",
      services: [{ ...external, endpoints: all, spec: { internalTrafficPolicy: "Local" } }],
      expect: everywhere({ from: ["outside", "pod-a"] }, { answeredBy: all, source: "node" }),
    },
    {
      title: "internalTrafficPolicy Local without any endpoint refuses",
      services: [{ spec: { internalTrafficPolicy: "Local" } }],
      expect: [{ from: ["outside", "pod-a"], to: "cluster-ip", answeredBy: "refused" }],
    },
    {
      title: "both policies Local keep each kind of traffic to its own rule",
      services: [
        { ...external, endpoints: all, spec: { internalTrafficPolicy: "Local", externalTrafficPolicy: "Local" } },
      ],
      expect: [
        { from: "pod-a", to: "cluster-ip", answeredBy: ["pod-b"], source: "kept" },
        { from: "pod-a", to: "vip", answeredBy: all, source: "kept" },
        { from: "outside", to: "vip", answeredBy: ["pod-b"], source: "kept" },
        { from: "node", to: "node", port: 30080, answeredBy: all, source: "node" },
      ],
    },
    {
      title: "an endpoint is local by its nodeName, not by its address",
      services: [
        {
          ...external,
          endpoints: [{ host: "pod-a", nodeName: "node-2" }, "pod-b", { host: "remote-a", nodeName: "NODE-1" }],
          spec: { internalTrafficPolicy: "Local", externalTrafficPolicy: "Local" },
        },
      ],
      expect: [
        { from: "outside", to: "vip", answeredBy: ["pod-b"], source: "kept" },
        { from: "outside", to: "cluster-ip", answeredBy: ["pod-b"], source: "node" },
      ],
    },
  ],
  { prepare: (lab) => lab.listen("node", [9090]) },
);
