// Tests of rules/model/service-port.ts: who gets what at each frontend.
import { describe, expect, test } from "@jest/globals";
import type { Fate } from "../../../rules/model/fates.ts";
import { buildServicePorts, frontendKey, servicePortName } from "../../../rules/model/service-port.ts";
import { aService, aSlice, anIp, type EndpointFields, type ServiceFields } from "../../make/objects.ts";
import { aView, type ViewFields } from "../../make/node.ts";

const endpoints: EndpointFields[] = [
  { ip: "10.1.0.1", nodeName: "here" },
  { ip: "10.1.0.2", nodeName: "there" },
];

const all: ServiceFields = {
  type: "LoadBalancer",
  ports: [{ port: 80, nodePort: 30080 }],
  externalIps: ["192.0.2.1"],
  loadBalancerIps: ["203.0.113.1"],
};

function portsOf(fields: ServiceFields = {}, of: EndpointFields[] = endpoints, view: ViewFields = {}) {
  const service = aService(fields);
  return buildServicePorts({ service, slices: of.length === 0 ? [] : [aSlice({ endpoints: of })] }, aView(view));
}

/** `anyone: cluster 12 always`, for the frontends of a kind. */
function told(fates: readonly Fate[]): string[] {
  return fates.map(({ from, verdict }) => {
    if (verdict.kind !== "balance") return `${from}: ${verdict.kind}`;
    const to = verdict.to.map(({ ip }) => ip.slice("10.1.0.".length)).join("");
    return `${from}: ${verdict.over} ${to} ${verdict.masquerade}`;
  });
}

function fatesOf(kind: string, fields: ServiceFields, of = endpoints, view: ViewFields = {}): string[] {
  const frontend = portsOf(fields, of, view)[0]?.frontends.find((one) => one.kind === kind);
  return told(frontend?.fates ?? []);
}

const remote: EndpointFields[] = [{ ip: "10.1.0.2", nodeName: "there" }];

describe("cluster IP", () => {
  test.each<[string, ServiceFields, EndpointFields[], ViewFields, string[]]>([
    ["Cluster: all, masqueraded unless from a pod", {}, endpoints, {}, ["anyone: cluster 12 unless-local-pod"]],
    [
      "masqueradeAll: all, always masqueraded",
      {},
      endpoints,
      { settings: { masqueradeAll: true } },
      ["anyone: cluster 12 always"],
    ],
    [
      "no way to tell pods: never masqueraded",
      {},
      endpoints,
      { settings: { detectLocal: { mode: "ClusterCIDR", cidrs: [] } } },
      ["anyone: cluster 12 never"],
    ],
    [
      "Local: those of this node",
      { internalTrafficPolicy: "Local" },
      endpoints,
      {},
      ["anyone: local 1 unless-local-pod"],
    ],
    ["Local without one here: dropped", { internalTrafficPolicy: "Local" }, remote, {}, ["anyone: drop"]],
    ["no endpoint: refused", {}, [], {}, ["anyone: reject"]],
    ["Local, no endpoint anywhere: refused", { internalTrafficPolicy: "Local" }, [], {}, ["anyone: reject"]],
  ])("%s", (_, fields, of, view, expected) => {
    expect(fatesOf("cluster-ip", fields, of, view)).toEqual(expected);
  });

  test("is not touched by externalTrafficPolicy", () => {
    expect(fatesOf("cluster-ip", { ...all, externalTrafficPolicy: "Local" }, remote)).toEqual([
      "anyone: cluster 2 unless-local-pod",
    ]);
  });
});

describe.each(["external-ip", "load-balancer-ip", "node-port"])("%s", (kind) => {
  const local = { ...all, externalTrafficPolicy: "Local" } as const;
  test.each<[string, ServiceFields, EndpointFields[], ViewFields, string[]]>([
    ["Cluster: all, always masqueraded", all, endpoints, {}, ["anyone: cluster 12 always"]],
    [
      "Local: pods and this node to all, others to those here with their address kept",
      local,
      endpoints,
      {},
      ["local-pods: cluster 12 never", "this-node: cluster 12 always", "anyone: local 1 never"],
    ],
    [
      "Local without one here: others are dropped",
      local,
      remote,
      {},
      ["local-pods: cluster 2 never", "this-node: cluster 2 always", "anyone: drop"],
    ],
    [
      "Local with no way to tell pods",
      local,
      endpoints,
      { settings: { detectLocal: { mode: "ClusterCIDR", cidrs: [] } } },
      ["this-node: cluster 12 always", "anyone: local 1 never"],
    ],
    ["no endpoint: refused", all, [], {}, ["anyone: reject"]],
    [
      "Local, no endpoint: refused for all",
      local,
      [],
      {},
      ["local-pods: reject", "this-node: reject", "anyone: reject"],
    ],
    [
      "internalTrafficPolicy Local does not matter",
      { ...all, internalTrafficPolicy: "Local" },
      endpoints,
      {},
      ["anyone: cluster 12 always"],
    ],
    [
      "both Local",
      { ...local, internalTrafficPolicy: "Local" },
      endpoints,
      {},
      ["local-pods: cluster 12 never", "this-node: cluster 12 always", "anyone: local 1 never"],
    ],
  ])("%s", (_, fields, of, view, expected) => {
    expect(fatesOf(kind, fields, of, view)).toEqual(expected);
  });
});

describe("which frontends there are", () => {
  const listed = (fields: ServiceFields, view: ViewFields = {}) =>
    portsOf(fields, endpoints, view).flatMap((port) =>
      port.frontends.map((one) => `${one.kind} ${one.ip ?? ""}:${one.port}`),
    );
  const dual: ServiceFields = {
    ...all,
    clusterIps: ["10.96.0.1", "fd00:96::1"],
    externalIps: ["192.0.2.1", "2001:db8::1"],
    loadBalancerIps: ["203.0.113.1", "2001:db8:1::1"],
  };
  test.each<[string, ServiceFields, ViewFields, string[]]>([
    ["a cluster IP", {}, {}, ["cluster-ip 10.96.0.1:80"]],
    [
      "all kinds, of the family only",
      dual,
      {},
      ["cluster-ip 10.96.0.1:80", "external-ip 192.0.2.1:80", "load-balancer-ip 203.0.113.1:80", "node-port :30080"],
    ],
    [
      "all kinds, of the other family",
      dual,
      { family: 6 },
      [
        "cluster-ip fd00:96::1:80",
        "external-ip 2001:db8::1:80",
        "load-balancer-ip 2001:db8:1::1:80",
        "node-port :30080",
      ],
    ],
    [
      "an address given twice, once",
      { externalIps: ["192.0.2.1", "192.0.2.1"] },
      {},
      ["cluster-ip 10.96.0.1:80", "external-ip 192.0.2.1:80"],
    ],
    [
      "several ports",
      {
        ports: [
          { name: "a", port: 1 },
          { name: "b", port: 2 },
        ],
      },
      {},
      ["cluster-ip 10.96.0.1:1", "cluster-ip 10.96.0.1:2"],
    ],
    ["none of a headless Service", { ...all, clusterIps: "none" }, {}, []],
    ["none of a Service without cluster IP yet", { ...all, clusterIps: [] }, {}, []],
    ["none of an ExternalName, even with a cluster IP", { type: "ExternalName" }, {}, []],
    ["none of a Service left to other proxies", { leftToOthers: true }, {}, []],
    ["none of a Service of the other family only", { clusterIps: ["fd00:96::1"] }, {}, []],
  ])("%s", (_, fields, view, expected) => {
    expect(listed(fields, view)).toEqual(expected);
  });
});

describe("source ranges", () => {
  const ranges = (sourceRanges: string[], fields: ServiceFields = {}, view: ViewFields = {}) =>
    portsOf({ ...all, ...fields, sourceRanges }, endpoints, view)[0]?.frontends.find(
      (one) => one.kind === "load-balancer-ip",
    )?.sourceRanges;
  test.each<[string, string[], unknown]>([
    ["none: everyone", [], undefined],
    ["one block", ["198.51.100.0/24"], { cidrs: ["198.51.100.0/24"], withVip: false }],
    ["the same twice, once", ["198.51.100.0/24", "198.51.100.0/24"], { cidrs: ["198.51.100.0/24"], withVip: false }],
    [
      "of the other family too: left out",
      ["198.51.100.0/24", "2001:db8::/32"],
      { cidrs: ["198.51.100.0/24"], withVip: false },
    ],
    ["of the other family only: everyone, as in kube-proxy", ["2001:db8::/32"], undefined],
    ["a zero block: everyone", ["198.51.100.0/24", "0.0.0.0/0"], undefined],
    [
      "a zero block of the other family does not open this one",
      ["198.51.100.0/24", "::/0"],
      { cidrs: ["198.51.100.0/24"], withVip: false },
    ],
    [
      "with the node's own address: the VIP itself too",
      ["192.168.0.0/16"],
      { cidrs: ["192.168.0.0/16"], withVip: true },
    ],
  ])("%s", (_, sourceRanges, expected) => {
    expect(ranges(sourceRanges)).toEqual(expected);
  });

  test("are for load-balancer addresses only", () => {
    const [port] = portsOf({ ...all, sourceRanges: ["198.51.100.0/24"] });
    expect(port?.frontends.filter((one) => one.sourceRanges !== undefined).map((one) => one.kind)).toEqual([
      "load-balancer-ip",
    ]);
  });
});

test("sets that nothing uses are empty", () => {
  const sizes = (fields: ServiceFields) =>
    portsOf(fields).map((port) => [port.clusterEndpoints.length, port.localEndpoints.length]);
  expect(sizes({})).toEqual([[2, 0]]);
  expect(sizes({ internalTrafficPolicy: "Local" })).toEqual([[0, 1]]);
  expect(sizes({ ...all, internalTrafficPolicy: "Local" })).toEqual([[2, 1]]);
  expect(sizes({ ...all, externalTrafficPolicy: "Local" })).toEqual([[2, 1]]);
  expect(sizes({ externalTrafficPolicy: "Local" })).toEqual([[2, 0]]);
});

test("affinity is each port's", () => {
  expect(portsOf({ affinitySeconds: 7 })[0]?.affinitySeconds).toBe(7);
});

test.each([
  ["", "default/web"],
  ["http", "default/web:http"],
])("a port named %j is %s", (name, expected) => {
  const service = aService({ ports: [{ name }] });
  expect(service.ports.map((port) => servicePortName(service, port))).toEqual([expected]);
});

test.each([
  [anIp("10.96.0.1"), "TCP", 80, "0a600001t0050"],
  [anIp("fd00::1"), "UDP", 65535, "fd000000000000000000000000000001uffff"],
  [undefined, "SCTP", 30000, "s7530"],
] as const)("the key of %s %s %d is %s", (ip, protocol, port, key) => {
  expect(frontendKey({ ip, protocol, port })).toBe(key);
});
