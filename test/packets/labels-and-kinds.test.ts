// Services and slices that give no rules. In: rows. Out: packets that go nowhere, since nothing here knows their address.
import { describeRows } from "./rows.ts";

const served = { name: "served", clusterIp: 9, endpoints: ["pod-b"] } as const;
const servedToo = { from: "outside", to: "cluster-ip 9", answeredBy: ["pod-b"], source: "node" } as const;

await describeRows("labels and kinds", [
  {
    title: "a headless Service gives no rules, whatever else it says",
    services: [{ endpoints: ["pod-a"], externalIps: [1], spec: { clusterIP: "None", clusterIPs: ["None"] } }, served],
    expect: [{ from: ["outside", "pod-b"], to: "external-ip", answeredBy: "unanswered" }, servedToo],
  },
  {
    title: "an ExternalName Service gives no rules, even with a cluster IP",
    services: [
      { endpoints: ["pod-a"], externalIps: [1], spec: { type: "ExternalName", externalName: "example.com" } },
      served,
    ],
    expect: [
      { from: ["outside", "pod-b"], to: "cluster-ip", answeredBy: "unanswered" },
      { from: "outside", to: "external-ip", answeredBy: "unanswered" },
      servedToo,
    ],
  },
  {
    title: "a Service with the label service-proxy-name is another proxy's",
    services: [
      {
        nodePort: 30080,
        vips: [1],
        endpoints: ["pod-a"],
        labels: { "service.kubernetes.io/service-proxy-name": "other" },
      },
      served,
    ],
    expect: [
      { from: ["outside", "pod-b", "node"], to: "cluster-ip", answeredBy: "unanswered" },
      { from: "outside", to: "vip", answeredBy: "unanswered" },
      { from: "outside", to: "node", port: 30080, answeredBy: "refused" },
      servedToo,
    ],
  },
  {
    title: "a Service with the label headless is left alone",
    services: [{ vips: [1], endpoints: ["pod-a"], labels: { "service.kubernetes.io/headless": "" } }, served],
    expect: [
      { from: ["outside", "pod-b"], to: "cluster-ip", answeredBy: "unanswered" },
      { from: "outside", to: "vip", answeredBy: "unanswered" },
      servedToo,
    ],
  },
  {
    title: "a slice with the label headless is no slice of its Service",
    services: [{ endpoints: ["pod-a"] }],
    objects: ([4, 6] as const).map((family) => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `web-headless-ipv${family}`,
        namespace: "default",
        labels: { "kubernetes.io/service-name": "web", "service.kubernetes.io/headless": "" },
      },
      addressType: `IPv${family}`,
      ports: ["TCP", "UDP"].map((protocol) => ({ name: `p-${protocol.toLowerCase()}`, protocol, port: 80 })),
      endpoints: [{ addresses: [family === 4 ? "10.244.0.6" : "fd00:10:244::6"] }],
    })),
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a"], source: "node" }],
  },
  {
    title: "a slice of host names is passed over",
    services: [{ endpoints: ["pod-a"] }],
    objects: [
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name: "web-names", namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
        addressType: "FQDN",
        ports: [{ name: "p-tcp", protocol: "TCP", port: 80 }],
        endpoints: [{ addresses: ["pod-b.example.com"] }],
      },
    ],
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: ["pod-a"], source: "node" }],
  },
  {
    title: "a slice port without a number gives no endpoint",
    services: [{}],
    objects: ([4, 6] as const).map((family) => ({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        name: `web-ipv${family}`,
        namespace: "default",
        labels: { "kubernetes.io/service-name": "web" },
      },
      addressType: `IPv${family}`,
      ports: ["TCP", "UDP"].map((protocol) => ({ name: `p-${protocol.toLowerCase()}`, protocol })),
      endpoints: [{ addresses: [family === 4 ? "10.244.0.6" : "fd00:10:244::6"] }],
    })),
    expect: [{ from: "outside", to: "cluster-ip", answeredBy: "refused" }],
  },
]);
