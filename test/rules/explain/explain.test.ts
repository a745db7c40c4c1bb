// Tests of rules/explain/explain.ts: one question at least for everything that can be said.
import { describe, expect, test } from "@jest/globals";
import type { ExplainContext } from "../../../rules/explain/context.ts";
import { reasonCodes, renderReason, type Reason } from "../../../rules/explain/reason/reason.ts";
import { aCidr, aService, aSlice, anIp, gone, lingering } from "../../make/objects.ts";
import { aContext, aPlan, aPod, ask, codesOf, endpoints, reasonsOf } from "./a-context.ts";
import { above, below, dockerFilter, dockerNat, portmap } from "./foreign.ts";

type Row = readonly [code: Reason["code"], from: string, to: string, context: ExplainContext, expected?: object];

const web = aService();
const exposed = aService({
  type: "LoadBalancer",
  ports: [{ port: 80, nodePort: 30080 }],
  loadBalancerIps: ["198.51.100.10"],
});
const one = endpoints({ ip: "10.1.0.1", nodeName: "here" });
const away = endpoints({ ip: "10.1.0.1", nodeName: "there" }, { ip: "10.1.0.2", nodeName: "there" });
const notReady = { ready: false, serving: false } as const;
const svc = "svc/default/web";
const vip = "198.51.100.10:80";
const plan = aPlan([exposed, one]);
/** Not masqueraded: what is marked for that, KUBE-FORWARD accepts before any rule below it is asked. */
const kept = { ...exposed, externalTrafficPolicy: "Local" } as const;
const keptPlan = aPlan([kept, one]);
const liveKept = (...dumps: string[]) => aContext([kept, one], { dumps });
const live = (...dumps: string[]) => aContext([exposed, one], { dumps });
const only = (dump: string) => aContext([], { dumps: [dump], withoutObjects: true });
const hints = (zoneHints: readonly string[]) => ({ zoneHints });

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

const ranged = aService({
  type: "LoadBalancer",
  loadBalancerIps: ["198.51.100.10"],
  sourceRanges: ["192.0.2.0/24"],
});

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
  ["source-not-in-ranges", "203.0.113.7", svc, aContext([ranged, one]), { ranges: ["192.0.2.0/24"] }],
  [
    "source-ranges-of-other-family",
    "outside",
    svc,
    aContext([aService({ ...ranged, sourceRanges: ["2001:db8::/32"] }), one]),
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

const dropAll = "-A FORWARD -j DROP";
const nodePort = "nodeport:30080";

const walks: readonly Row[] = [
  [
    "goes-to",
    "node",
    svc,
    aContext([web, one]),
    { to: [{ at: "10.1.0.1:8080", share: undefined }], service: "default/web" },
  ],
  [
    "goes-to",
    "10.1.0.1",
    svc,
    aContext([web, endpoints({ ip: "10.1.0.1", nodeName: "here" }, "10.1.0.2")]),
    {
      to: [
        { at: "10.1.0.1:8080", share: "50%" },
        { at: "10.1.0.2:8080", share: "50%" },
      ],
      source: { kind: "mixed", as: undefined },
    },
  ],
  ["not-translated", "outside", "198.51.100.99:80", only(plan), { at: "198.51.100.99:80", here: false }],
  ["not-translated", "outside", "192.168.0.2:22", aContext([web, one]), { here: true }],
  ["refused", "node", svc, aContext([web]), { with: "icmp-port-unreachable", service: "default/web" }],
  ["dropped", "203.0.113.7", svc, aContext([ranged, one]), { service: "default/web" }],
  [
    "undecided",
    "outside",
    vip,
    liveKept(below(keptPlan, "filter", ["-A FORWARD -j NFQUEUE --queue-num 0"])),
    { on: "-j NFQUEUE --queue-num 0" },
  ],
  [
    "depends-on",
    "outside",
    vip,
    live(above(plan, "filter", ["-A FORWARD -i eth7 -j DROP"])),
    { on: [expect.objectContaining({ text: "-i eth7" })] },
  ],
  [
    "foreign-translates",
    "outside",
    nodePort,
    live(above(plan, "nat", portmap(30080))),
    {
      before: true,
      rule: expect.objectContaining({ chain: "CNI-DN-0123456789abcdef01234", whose: "the CNI plugin portmap" }),
    },
  ],
  [
    "foreign-translates",
    "outside",
    nodePort,
    live(above(plan, "nat", dockerNat(30080))),
    { before: true, rule: expect.objectContaining({ chain: "DOCKER", whose: "Docker" }) },
  ],
  ["foreign-translates", "outside", "nodeport:8000", live(below(plan, "nat", portmap(8000))), { before: false }],
  [
    "foreign-translates",
    "outside",
    vip,
    live(above(plan, "nat", ["-A PREROUTING -d 198.51.100.10/32 -j DNAT --to-destination 10.1.9.9"])),
    { before: true },
  ],
  [
    "foreign-ends-nat",
    "outside",
    vip,
    live(above(plan, "nat", ["-A PREROUTING -p tcp -j ACCEPT"])),
    { hook: "PREROUTING" },
  ],
  ["foreign-ends-nat", "node", svc, live(above(plan, "nat", ["-A OUTPUT -p tcp -j RETURN"])), { hook: "OUTPUT" }],
  [
    "foreign-ends-nat",
    "outside",
    vip,
    live(above(plan, "nat", ["-A POSTROUTING -d 10.1.0.0/16 -j ACCEPT"])),
    { hook: "POSTROUTING" },
  ],
  [
    "foreign-drops",
    "outside",
    vip,
    liveKept(below(keptPlan, "filter", ["-A FORWARD -d 10.1.0.0/16 -j DROP"])),
    { rule: expect.objectContaining({ chain: "FORWARD", text: "-A FORWARD -d 10.1.0.0/16 -j DROP" }) },
  ],
  [
    "foreign-drops",
    "outside",
    vip,
    live(above(plan, "filter", dockerFilter("ACCEPT", ["-A DOCKER-USER -s 203.0.113.0/24 -j DROP"]))),
    { rule: expect.objectContaining({ chain: "DOCKER-USER", whose: "Docker" }) },
  ],
  [
    "foreign-refuses",
    "outside",
    vip,
    liveKept(below(keptPlan, "filter", ["-A FORWARD -j REJECT --reject-with icmp-host-prohibited"])),
    {},
  ],
  [
    "foreign-accepts",
    "203.0.113.7",
    "svc/default/web",
    aContext([ranged, one], { dumps: [above(aPlan([ranged, one]), "filter", ["-A FORWARD -j ACCEPT"])] }),
    {},
  ],
  [
    "foreign-rewrites-source",
    "10.1.0.9",
    "10.96.0.1:80",
    live(above(plan, "nat", ["-A POSTROUTING -s 10.1.0.0/16 -j SNAT --to-source 192.168.0.2"])),
    {},
  ],
  [
    "policy-drops",
    "10.1.0.9",
    "10.96.0.1:80",
    live(above(plan, "filter", dockerFilter("DROP"))),
    { table: "filter", chain: "FORWARD" },
  ],
  [
    "kernel-drops-loopback",
    "203.0.113.7",
    "127.0.0.1:80",
    aContext([web, one], { routeLocalnet: false }),
    { ip: "127.0.0.1" },
  ],
  ["no-service-rules", "node", svc, live("*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n")],
  ["no-jump", "outside", vip, live(plan.replaceAll(/^-[AI] PREROUTING .*\n/gm, "")), { chain: "PREROUTING" }],
  ["service-not-in-rules", "node", svc, live(aPlan([])), { service: "default/web" }],
  ["no-rules-of-family", "node", "[fd00:10:96::1]:80", live(plan), { family: 6 }],
  ["sources-agree", "outside", vip, live(plan)],
  [
    "sources-part",
    "outside",
    nodePort,
    live(above(plan, "nat", portmap(30080))),
    { outcome: expect.objectContaining({ first: "100%", second: "0%" }) },
  ],
  ["sources-part", "outside", vip, liveKept(below(keptPlan, "filter", [dropAll])), {}],
];

const rows: readonly Row[] = [...questions, ...services, ...destinations, ...frontends, ...chosen, ...walks];

describe("says", () => {
  test.each(rows)("%s from %s to %s", (code, from, to, context, expected = {}) => {
    const reasons = reasonsOf(ask(from, to, context));
    expect(reasons).toContainEqual(expect.objectContaining({ code, ...expected }));
  });
});

test("everything that can be said is said by a row", () => {
  expect(new Set(rows.map(([code]) => code))).toEqual(new Set(reasonCodes));
  expect(new Set(reasonCodes).size).toBe(reasonCodes.length);
});

test("every sentence is one printable line that ends", () => {
  const all = rows.flatMap(([, from, to, context]) => reasonsOf(ask(from, to, context)));
  for (const reason of all) expect(renderReason(reason)).toMatch(/^[\x20-\x7e]+$/);
  for (const reason of all) expect(renderReason(reason)).not.toMatch(/undefined|\bNaN\b|\[object/);
});

describe("a Service that works is not blamed on anybody:", () => {
  const thieves = reasonCodes.filter((code) => /^(foreign|policy|kernel|no-|service-not)/.test(code));
  test.each([
    ["outside", svc],
    ["node", svc],
    ["10.1.0.9", svc],
    ["outside", nodePort],
  ])("from %s to %s", (from, to) => {
    const docker = below(above(plan, "filter", dockerFilter("ACCEPT")), "nat", [
      ...dockerNat(8080),
      ...portmap(9090).filter((line) => !line.startsWith(":DOCKER")),
    ]);
    for (const context of [aContext([exposed, one]), live(docker)]) {
      const codes = codesOf(ask(from, to, { ...context, objects: context.objects }));
      expect(codes.filter((code) => thieves.includes(code) && code !== "no-rules-of-family")).toEqual([]);
      expect(codes).toContain("goes-to");
    }
  });
});

test("with two sources each has its walk, and they are compared probe by probe", () => {
  const explanation = ask("outside", svc, live(above(plan, "nat", portmap(30080))));
  if (explanation.kind === "refused") throw new Error(renderReason(explanation.reason));
  const said = explanation.answers.map(({ probe, walks, parting }) => [
    probe.destination.kind,
    walks.map(({ source }) => source),
    parting?.code,
  ]);
  expect(said).toEqual([
    ["load-balancer-ip", ["the manifests", "dump 1"], "sources-agree"],
    ["node-port", ["the manifests", "dump 1"], "sources-part"],
  ]);
});

test("DNS records come with a Service, in the zone that was asked for", () => {
  const explanation = ask("node", svc, aContext([web, one]));
  expect(explanation).toMatchObject({
    dns: [{ name: "web.default.svc.cluster.local.", type: "A", value: "10.96.0.1" }, { type: "PTR" }],
  });
  expect(ask("node", "10.96.0.1:80", aContext([web, one]))).toMatchObject({ dns: [] });
});

test("a pod of a slice is a client by name, with its address", () => {
  const context = aContext([web, aSlice({ endpoints: [{ ip: "10.1.7.7", nodeName: "here", pod: "a.b" }] })]);
  expect(ask("pod/default/a.b", svc, context)).toMatchObject({
    answers: [{ probe: { packet: { source: anIp("10.1.7.7"), origin: "network" } } }],
  });
});
