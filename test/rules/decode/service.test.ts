// Tests of rules/decode/service.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { decodeService, isLeftToOthers } from "../../../rules/decode/service.ts";
import { anyText, cleanName } from "./hostile.ts";

type Fields = Readonly<Record<string, unknown>>;
const decode = (spec: Fields = {}, rest: Fields = {}) =>
  decodeService({ metadata: { name: "web" }, spec: { ports: [{ port: 80 }], ...spec }, ...rest });
const codes = (spec: Fields) => decode(spec).problems.map(({ code, path }) => [code, path.join(".")]);

test("a minimal Service has the API's defaults", () => {
  expect(decode().value).toEqual({
    namespace: "default",
    name: "web",
    type: "ClusterIP",
    externalName: undefined,
    clusterIps: [],
    ports: [{ name: "", protocol: "TCP", port: 80, targetPort: undefined, nodePort: undefined }],
    selector: {},
    affinitySeconds: undefined,
    internalTrafficPolicy: "Cluster",
    externalTrafficPolicy: "Cluster",
    externalIps: [],
    sourceRanges: [],
    loadBalancerIps: [],
    healthCheckNodePort: undefined,
    allocateNodePorts: true,
    publishNotReadyAddresses: false,
    ipFamilies: [],
    ipFamilyPolicy: undefined,
    leftToOthers: false,
  });
});

test.each([
  [{ clusterIP: "10.0.0.1" }, ["10.0.0.1"]],
  [{ clusterIP: "10.0.0.1", clusterIPs: ["10.0.0.1", "fd00::1"] }, ["10.0.0.1", "fd00::1"]],
  [{ clusterIP: "None" }, "none"],
  [{ clusterIP: "None", clusterIPs: ["None"] }, "none"],
  [{ clusterIP: "" }, []],
  [{ clusterIPs: [""] }, []],
  [{ clusterIP: null, clusterIPs: null }, []],
])("cluster IPs of %j are %j", (spec, clusterIps) => {
  expect(decode(spec).value?.clusterIps).toEqual(clusterIps);
});

test.each([
  [{ sessionAffinity: "ClientIP" }, 10800],
  [{ sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } }, 5],
  [{ sessionAffinity: "None", sessionAffinityConfig: { clientIP: { timeoutSeconds: 5 } } }, undefined],
  [{ sessionAffinity: "" }, undefined],
])("affinity of %j lasts %j seconds", (spec, seconds) => {
  expect(decode(spec).value?.affinitySeconds).toBe(seconds);
});

test("load-balancer addresses leave out host names, proxies and the empty", () => {
  const ingress = [
    { ip: "1.2.3.4" },
    { hostname: "x" },
    { ip: "1.2.3.5", ipMode: "Proxy" },
    { ip: "" },
    { ip: "1.2.3.6", ipMode: "VIP" },
  ];
  expect(decode({}, { status: { loadBalancer: { ingress } } }).value?.loadBalancerIps).toEqual(["1.2.3.4", "1.2.3.6"]);
});

test.each([80, "http", "a-1"])("targetPort may be %j", (targetPort) => {
  expect(decode({ ports: [{ port: 80, targetPort }] }).value?.ports[0]?.targetPort).toBe(targetPort);
});

describe("a Service is refused", () => {
  test.each([
    [{ ports: [{ port: 70000 }] }, [["out-of-range", "spec.ports.0.port"]]],
    [{ ports: [{ port: "80" }] }, [["wrong-type", "spec.ports.0.port"]]],
    [{ ports: [{}] }, [["wrong-type", "spec.ports.0.port"]]],
    [{ ports: [{ port: 1, protocol: "ICMP" }] }, [["invalid-value", "spec.ports.0.protocol"]]],
    [{ ports: [{ name: "a", port: 1 }, { port: 2 }] }, [["port-without-name", "spec.ports.1.name"]]],
    [
      {
        ports: [
          { name: "a", port: 1 },
          { name: "a", port: 2 },
        ],
      },
      [["duplicate-port-name", "spec.ports.1.name"]],
    ],
    [
      {
        ports: [
          { name: "a", port: 1 },
          { name: "b", port: 1 },
        ],
      },
      [["duplicate-port", "spec.ports.1.port"]],
    ],
    [{ ports: [{ port: 1, nodePort: 30000 }] }, [["node-port-on-cluster-ip", "spec.ports.0.nodePort"]]],
    [{ ports: {} }, [["wrong-type", "spec.ports"]]],
    [{ clusterIP: "010.0.0.1" }, [["invalid-value", "spec.clusterIP"]]],
    [{ externalIPs: ["127.0.0.1"] }, [["not-an-address", "spec.externalIPs.0"]]],
    [{ loadBalancerSourceRanges: ["10.0.0.0"] }, [["not-a-cidr", "spec.loadBalancerSourceRanges.0"]]],
    [{ type: "Other" }, [["invalid-value", "spec.type"]]],
    [{ selector: { a: 1 } }, [["wrong-type", "spec.selector.a"]]],
  ])("for %j", (spec, expected) => {
    expect(codes(spec)).toEqual(expected);
    expect(decode(spec).value).toBeUndefined();
  });

  test.each([undefined, null, [], "x", 1, {}, { metadata: {} }, { metadata: { name: "web" } }])("for %j", (input) => {
    expect(decodeService(input).problems.length).toBeGreaterThan(0);
  });
});

test("the same port number may stand once for each protocol", () => {
  expect(
    codes({
      ports: [
        { name: "a", port: 53 },
        { name: "b", port: 53, protocol: "UDP" },
      ],
    }),
  ).toEqual([]);
});

test.each([
  ["service.kubernetes.io/service-proxy-name", true],
  ["service.kubernetes.io/headless", true],
  ["app", false],
])("label %s leaves to others: %s", (name, left) => {
  expect(isLeftToOthers({ [name]: "" })).toBe(left);
});

test("no text but names comes out of names and ports", () => {
  fc.assert(
    fc.property(fc.tuple(anyText, anyText, anyText, anyText), ([name, namespace, port, targetPort]) => {
      for (const input of [
        { metadata: { name, namespace }, spec: { ports: [{ name: port, port: 1, targetPort }] } },
        { metadata: { name: "a" }, spec: { ports: [{ name: port, port: 1 }] } },
        { metadata: { name: "a" }, spec: { ports: [{ port: 1, targetPort }] } },
      ]) {
        const { value } = decodeService(input);
        const texts = [
          value?.name,
          value?.namespace,
          ...(value?.ports.flatMap((each) => [each.name, each.targetPort]) ?? []),
        ];
        for (const text of texts) expect(String(text ?? "")).toMatch(cleanName);
      }
    }),
  );
});

test.each([
  [{ "rulewright.dev/ipvs-scheduler": "lc" }, { ipvsScheduler: "lc" }],
  // Whether it is a scheduler is for the mode to say that uses it.
  [{ "rulewright.dev/ipvs-scheduler": "no\nsuch" }, { ipvsScheduler: "no\nsuch" }],
  [{ "rulewright.dev/ipvs-scheduler": 7 }, {}],
  [{ other: { nested: true } }, {}],
  [[], {}],
  [null, {}],
  [undefined, {}],
])("the annotations %j ask for %j, and no key is there for nothing", (annotations, asked) => {
  const { value } = decode({}, { metadata: { name: "web", annotations } });
  expect(value && Object.entries(value).filter(([key]) => key === "ipvsScheduler")).toEqual(Object.entries(asked));
});
