// Questions whose answers objects give. In: nothing. Out: Row[].
import { aCidr, aService, aSlice, gone, lingering } from "../../make/objects.ts";
import { aContext, aPod, endpoints } from "./a-context.ts";
import { away, exposed, hints, notReady, one, only, plan, ranged, svc, vip, web, type Row } from "./subjects.ts";

const questions: readonly Row[] = [
  ["needs-manifests", "pod/default/a", svc, only(plan)],
  ["service-not-found", "node", "svc/default/wep", aContext([web, one]), { near: ["default/web"] }],
  ["service-not-found", "node", "svc/other/web", aContext([web, one]), { near: ["default/web"] }],
  ["port-not-found", "node", `${svc}:81`, aContext([web, one]), { ports: ["80/TCP"] }],
  ["not-in-rules", "node", "svc/default/none", only(plan)],
  ["port-not-in-rules", "node", `${svc}:81`, only(plan)],
  ["pod-not-found", "pod/default/b", svc, aContext([web, one], { pods: [aPod("a")] }), { near: ["default/a"] }],
  ["pod-without-address", "pod/default/a", svc, aContext([web, one], { pods: [aPod("a")] })],
  ["no-client-of-family", "10.1.0.9", "[fd00::1]:80", aContext([web, one])],
];

const services: readonly Row[] = [
  [
    "external-name",
    "node",
    svc,
    aContext([aService({ type: "ExternalName", externalName: "example.com", clusterIps: [], ports: [] })]),
    { alias: "example.com" },
  ],
  ["headless", "node", svc, aContext([aService({ clusterIps: "none" }), away]), { ips: ["10.1.0.1", "10.1.0.2"] }],
  ["headless", "node", svc, aContext([aService({ clusterIps: "none" })]), { ips: [] }],
  ["left-to-others", "node", svc, aContext([aService({ leftToOthers: true }), one])],
  ["no-cluster-ip", "node", svc, aContext([aService({ clusterIps: [] }), one])],
  ["no-cluster-ip-in-family", "node", svc, aContext([aService({ externalIps: ["2001:db8::9"] }), one]), { family: 6 }],
  [
    "balancer-without-address",
    "node",
    svc,
    aContext([aService({ type: "LoadBalancer", ports: [{ port: 80, nodePort: 30080 }] }), one]),
    { nodePorts: [30080] },
  ],
  [
    "named-port-not-found",
    "node",
    svc,
    aContext([aService({ ports: [{ port: 80, targetPort: "http" }] })], {
      problems: [
        { code: "named-port-not-found", object: "Service default/web", path: ["spec", "ports", 0, "targetPort"] },
      ],
    }),
    { port: 80, targetPort: "http" },
  ],
];

const checked = aService({
  type: "LoadBalancer",
  externalTrafficPolicy: "Local",
  healthCheckNodePort: 32000,
  ports: [{ port: 80, nodePort: 30080 }],
});

const destinations: readonly Row[] = [
  ["address-of-nobody", "node", "10.96.9.9:80", aContext([web, one])],
  ["port-not-of-address", "node", "10.96.0.1:81", aContext([web, one]), { ports: ["80/TCP (default/web)"] }],
  ["port-not-of-address", "node", "10.96.0.1:80/udp", aContext([web, one]), { port: "80/UDP" }],
  ["node-port-of-nobody", "outside", "nodeport:30081", aContext([exposed, one]), { other: undefined }],
  ["node-port-of-nobody", "outside", "nodeport:30080/udp", aContext([exposed, one]), { other: "default/web" }],
  ["endpoint-itself", "node", "10.1.0.1:8080", aContext([web, one]), { services: ["default/web"] }],
  ["health-check-port", "outside", "192.168.0.2:32000", aContext([checked, one]), { local: 1, answer: 200 }],
  ["health-check-port", "outside", "nodeport:32000", aContext([checked, away]), { local: 0, answer: 503 }],
];

const frontends: readonly Row[] = [
  ["outside-stand-in", "outside", svc, aContext([exposed, one]), { ip: "203.0.113.7" }],
  ["node-stand-in", "node", svc, aContext([web, one], { node: { localIps: [], primaryIps: [] } }), { ip: "192.0.2.1" }],
  [
    "node-stand-in",
    "outside",
    "nodeport:30080",
    aContext([], { dumps: [plan], withoutObjects: true, node: { localIps: [] } }),
    { ip: "192.0.2.1" },
  ],
  [
    "client-on-other-node",
    "pod/default/a",
    svc,
    aContext([web, aSlice({ endpoints: [{ ip: "10.1.7.7", nodeName: "there", pod: "a" }] })]),
    { node: "there", here: "here" },
  ],
  ["cluster-ip-from-outside", "outside", svc, aContext([web, one]), { otherWays: false }],
  ["cluster-ip-from-outside", "203.0.113.9", "10.96.0.1:80", aContext([exposed, one]), { otherWays: true }],
  ["placeholder-frontend", "node", svc, aContext([aService({ clusterIpsArePlaceholders: true }), one])],
  [
    "placeholder-frontend",
    "outside",
    "nodeport:30080",
    aContext([
      aService({ type: "NodePort", ports: [{ port: 80, nodePort: 30080, nodePortIsPlaceholder: true }] }),
      one,
    ]),
  ],
  [
    "placeholder-endpoints",
    "node",
    svc,
    aContext([web, endpoints({ ip: "10.1.0.1", placeholder: true })]),
    { count: 1 },
  ],
  ["frontend-taken", "node", "svc/default/zoo", aContext([web, one, aService({ name: "zoo" })]), { by: "default/web" }],
  [
    "frontend-taken",
    "outside",
    "svc/default/zoo",
    aContext(
      ["web", "zoo"].map((name) =>
        aService({
          name,
          type: "NodePort",
          clusterIps: [name === "web" ? "10.96.0.1" : "10.96.0.2"],
          ports: [{ port: 80, nodePort: 30080 }],
        }),
      ),
    ),
    { by: "default/web" },
  ],
  [
    "not-a-node-port-address",
    "outside",
    "172.16.0.2:30080",
    aContext([exposed, one], { settings: { nodePortAddresses: [aCidr("192.168.0.0/16")] } }),
    { answering: ["192.168.0.2"] },
  ],
  [
    "not-a-node-port-address",
    "outside",
    "nodeport:30080",
    aContext([exposed, one], { settings: { nodePortAddresses: [aCidr("10.9.0.0/16")] } }),
    { answering: [] },
  ],
  [
    "loopback-node-port",
    "node",
    "127.0.0.1:30080",
    aContext([exposed, one], { settings: { localhostNodePorts: false } }),
  ],
  [
    "loopback-node-port",
    "node",
    "[::1]:30080",
    aContext([aService({ type: "NodePort", clusterIps: ["fd00::a"], ports: [{ port: 80, nodePort: 30080 }] })]),
    { ip: "::1" },
  ],
  ["loopback-not-balanced", "node", "127.0.0.1:30080", aContext([exposed, one], { backend: "ipvs" }), { port: 30080 }],
  ["source-not-in-ranges", "203.0.113.7", svc, aContext([ranged, one]), { ranges: ["192.0.2.0/24"] }],
  [
    "source-ranges-of-other-family",
    "outside",
    svc,
    aContext([aService({ ...ranged, sourceRanges: ["2001:db8::/32"] }), one]),
    { family: 4 },
  ],
  [
    "closed-by-other-family",
    "outside",
    svc,
    aContext([aService({ ...ranged, sourceRanges: ["2001:db8::/32"] }), one], { backend: "ipvs" }),
    { family: 4 },
  ],
  [
    "policy-not-for-client",
    "10.1.0.9",
    vip,
    aContext([{ ...exposed, externalTrafficPolicy: "Local" }, away]),
    { client: "local-pods" },
  ],
  [
    "policy-not-for-client",
    "node",
    vip,
    aContext([{ ...exposed, externalTrafficPolicy: "Local" }, away]),
    { client: "this-node" },
  ],
  ["affinity", "node", svc, aContext([aService({ affinitySeconds: 60 }), one]), { seconds: 60 }],
  ["masqueraded", "outside", svc, aContext([exposed, one]), { because: "cluster-policy" }],
  ["masqueraded", "node", svc, aContext([web, one]), { because: "not-a-pod" }],
  [
    "masqueraded",
    "10.1.0.9",
    svc,
    aContext([web, one], { settings: { masqueradeAll: true } }),
    { because: "masquerade-all" },
  ],
  [
    "masqueraded",
    "node",
    vip,
    aContext([{ ...exposed, externalTrafficPolicy: "Local" }, one]),
    { because: "node-client" },
  ],
  ["source-kept", "10.1.0.9", svc, aContext([web, one]), { because: "pod-client" }],
  [
    "source-kept",
    "outside",
    svc,
    aContext([{ ...exposed, externalTrafficPolicy: "Local" }, one]),
    { because: "local-policy" },
  ],
  [
    "source-kept",
    "10.1.0.9",
    svc,
    aContext([web, one], { settings: { detectLocal: { mode: "ClusterCIDR", cidrs: [] } } }),
    { because: "pods-not-told" },
  ],
  ["hairpin", "10.1.0.1", svc, aContext([web, one]), { ip: "10.1.0.1" }],
];

const chosen: readonly Row[] = [
  [
    "no-endpoint-ready",
    "node",
    svc,
    aContext([
      web,
      endpoints({ ip: "10.1.0.1", ...notReady }, { ip: "10.1.0.2", ...notReady }, { ip: "10.1.0.3", ...gone }),
    ]),
    { total: 3, notReady: 2, terminating: 1 },
  ],
  ["no-slices", "node", svc, aContext([aService({ selector: { app: "web" } })]), { selector: "app=web" }],
  ["no-slices", "node", svc, aContext([web]), { selector: "" }],
  ["no-endpoints", "node", svc, aContext([web, endpoints()])],
  [
    "endpoints-of-other-family",
    "node",
    svc,
    aContext([web, aSlice({ addressType: "IPv6", endpoints: ["fd00::5"] })]),
    { others: 1 },
  ],
  ["slices-lack-port", "node", svc, aContext([web, aSlice({ ports: [{ name: "http" }] })]), { ports: ["http/TCP"] }],
  [
    "no-local-endpoint",
    "node",
    svc,
    aContext([aService({ internalTrafficPolicy: "Local" }), away]),
    { policy: "internal", of: 2, node: "here" },
  ],
  [
    "no-local-endpoint",
    "outside",
    vip,
    aContext([{ ...exposed, externalTrafficPolicy: "Local" }, away]),
    { policy: "external" },
  ],
  [
    "node-name-unknown",
    "node",
    svc,
    aContext([aService({ internalTrafficPolicy: "Local" }), away], { node: { name: undefined } }),
  ],
  [
    "terminating-used",
    "node",
    svc,
    aContext([web, endpoints({ ip: "10.1.0.1", ...lingering })]),
    { used: 1, local: false },
  ],
  [
    "hints-leave",
    "node",
    svc,
    aContext([
      web,
      endpoints(
        { ip: "10.1.0.1", ...hints(["zone-a"]) },
        { ip: "10.1.0.2", ...hints(["zone-b"]) },
        { ip: "10.1.0.3", ...hints(["zone-b"]) },
      ),
    ]),
    { by: "zone", place: "zone zone-a", left: 1, of: 3 },
  ],
  [
    "hints-leave",
    "node",
    svc,
    aContext([web, endpoints({ ip: "10.1.0.1", nodeHints: ["here"] }, { ip: "10.1.0.2", nodeHints: ["there"] })]),
    { by: "node", place: "node here" },
  ],
  [
    "hints-unused",
    "node",
    svc,
    aContext([web, endpoints({ ip: "10.1.0.1", ...hints(["zone-b"]) })], { node: { zone: undefined } }),
    { because: "zone-unknown" },
  ],
  [
    "hints-unused",
    "node",
    svc,
    aContext([web, endpoints({ ip: "10.1.0.1", ...hints(["zone-b"]) })]),
    { because: "none-for-here" },
  ],
  [
    "hints-unused",
    "node",
    svc,
    aContext([web, endpoints({ ip: "10.1.0.1", ...hints(["zone-a"]) }, "10.1.0.2")]),
    { because: "not-on-all" },
  ],
  [
    "local-leaves",
    "node",
    svc,
    aContext([
      aService({ internalTrafficPolicy: "Local" }),
      endpoints({ ip: "10.1.0.1", nodeName: "here" }, "10.1.0.2", "10.1.0.3"),
    ]),
    { left: 1, of: 3, node: "here" },
  ],
  [
    "some-not-used",
    "node",
    svc,
    aContext([web, endpoints("10.1.0.1", { ip: "10.1.0.2", ...notReady }, { ip: "10.1.0.3", ...lingering })]),
    { total: 3, notReady: 1, terminating: 1 },
  ],
];

export const objectQuestions: readonly Row[] = [...questions, ...services, ...destinations, ...frontends, ...chosen];
