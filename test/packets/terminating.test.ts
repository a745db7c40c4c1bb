// Which endpoints count as usable. In: rows with conditions. Out: who answers, who is refused or dropped.
import { describeRows } from "./rows.ts";

const external = { nodePort: 30080, vips: [1] };
const terminating = { ready: false, serving: true, terminating: true };
const local = { internalTrafficPolicy: "Local", externalTrafficPolicy: "Local" };

await describeRows("terminating and unready endpoints", [
  {
    title: "an endpoint without conditions is ready",
    services: [{ endpoints: ["pod-a"] }],
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a"], source: "node" }],
  },
  {
    title: "ready endpoints are preferred to terminating ones",
    services: [{ ...external, endpoints: ["pod-a", { host: "pod-b", ...terminating }] }],
    expect: [
      { from: "outside", to: "cluster-ip", answeredBy: ["pod-a"], source: "node" },
      { from: "outside", to: "vip", answeredBy: ["pod-a"], source: "node" },
      { from: "outside", to: "node", port: 30080, answeredBy: ["pod-a"], source: "node" },
    ],
  },
  {
    title: "endpoints that serve while they terminate are used where none is ready",
    services: [
      {
        ...external,
        endpoints: [
          { host: "pod-b", ...terminating },
          { host: "remote-a", ...terminating },
          { host: "pod-a", ready: false, serving: false, terminating: true },
        ],
      },
    ],
    expect: [
      { from: "outside", to: "cluster-ip", answeredBy: ["pod-b", "remote-a"], source: "node" },
      { from: "outside", to: "vip", answeredBy: ["pod-b", "remote-a"], source: "node" },
      { from: "pod-a", to: "node", port: 30080, answeredBy: ["pod-b", "remote-a"], source: "node" },
    ],
  },
  {
    title:
      "local endpoints that serve while they terminate are used where no local one is ready, with both policies Local",
    services: [{ ...external, endpoints: [{ host: "pod-b", ...terminating }, "remote-a"], spec: local }],
    expect: [
      { from: "outside", to: "vip", answeredBy: ["pod-b"], source: "kept" },
      { from: "outside", to: "node", port: 30080, answeredBy: ["pod-b"], source: "kept" },
      { from: "pod-a", to: "cluster-ip", answeredBy: ["pod-b"], source: "kept" },
      { from: "pod-a", to: "vip", answeredBy: ["remote-a"], source: "kept" },
    ],
  },
  {
    title: "a ready local endpoint is preferred to a terminating local one",
    services: [{ ...external, endpoints: [{ host: "pod-b", ...terminating }, "pod-a", "remote-a"], spec: local }],
    expect: [{ from: "outside", to: "vip", answeredBy: ["pod-a"], source: "kept" }],
  },
  {
    title: "only terminating endpoints elsewhere leave nothing local, which drops",
    services: [{ ...external, endpoints: [{ host: "remote-a", ...terminating }], spec: local }],
    expect: [
      { from: "outside", to: "vip", answeredBy: "dropped" },
      { from: "pod-a", to: "cluster-ip", answeredBy: "dropped" },
      { from: "pod-a", to: "vip", answeredBy: ["remote-a"], source: "kept" },
    ],
  },
  {
    title: "an unready endpoint that does not terminate is not used",
    services: [{ ...external, endpoints: ["pod-a", { host: "pod-b", ready: false }] }],
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a"], source: "node" }],
  },
  {
    title: "only unready endpoints, and terminating ones that no longer serve, are no endpoints",
    services: [
      {
        ...external,
        endpoints: [
          { host: "pod-a", ready: false },
          { host: "pod-b", ready: false, serving: true, terminating: false },
          { host: "remote-a", ready: false, serving: false, terminating: true },
        ],
      },
    ],
    expect: [
      { from: "outside", to: "cluster-ip", answeredBy: "refused" },
      { from: "outside", to: "vip", answeredBy: "refused" },
      { from: "outside", to: "node", port: 30080, answeredBy: "refused" },
    ],
  },
  {
    title: "publishNotReadyAddresses shows only in conditions: what its slices call ready is used",
    services: [
      {
        endpoints: [{ host: "pod-a", ready: true, serving: false, terminating: true }],
        spec: { publishNotReadyAddresses: true },
      },
    ],
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a"], source: "node" }],
  },
]);
