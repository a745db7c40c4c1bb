// Tests of rules/decode/endpoint-slice.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { decodeEndpointSlice } from "../../../rules/decode/endpoint-slice.ts";
import { anyText, cleanName } from "./hostile.ts";

type Fields = Readonly<Record<string, unknown>>;
const decode = (fields: Fields = {}) =>
  decodeEndpointSlice({
    metadata: { name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ...fields,
  });
const endpointOf = (fields: Fields) =>
  decode({ endpoints: [{ addresses: ["10.0.0.1"], ...fields }] }).value?.endpoints[0];

test("a minimal slice has no ports and no endpoints", () => {
  expect(decode({ ports: null, endpoints: null }).value).toEqual({
    namespace: "default",
    name: "web-1",
    service: "web",
    addressType: "IPv4",
    ports: [],
    endpoints: [],
    leftToOthers: false,
  });
});

test("a slice without the label belongs to no Service", () => {
  expect(decode({ metadata: { name: "x" } }).value?.service).toBeUndefined();
});

describe("conditions that are absent", () => {
  test.each([
    [undefined, [true, true, false]],
    [null, [true, true, false]],
    [{ ready: null }, [true, true, false]],
    [{ ready: false }, [false, false, false]],
    [{ ready: false, serving: true, terminating: true }, [false, true, true]],
    [{ serving: false }, [true, false, false]],
  ])("in %j come out as %j", (conditions, [ready, serving, terminating]) => {
    expect(endpointOf({ conditions })).toMatchObject({ ready, serving, terminating });
  });
});

test("only the first address counts", () => {
  expect(endpointOf({ addresses: ["10.0.0.1", "nonsense"] })?.ip).toBe("10.0.0.1");
});

test("hints are names", () => {
  const hints = { forZones: [{ name: "z" }], forNodes: [{ name: "n" }] };
  expect(endpointOf({ hints })).toMatchObject({ zoneHints: ["z"], nodeHints: ["n"] });
  expect(endpointOf({ hints: null })).toMatchObject({ zoneHints: [], nodeHints: [] });
});

describe("hostname and pod", () => {
  const targetRef = { kind: "Pod", namespace: "default", name: "web-0", uid: "1" };

  test.each<[string, Fields, Fields]>([
    ["are both kept", { hostname: "web-0", targetRef }, { hostname: "web-0", pod: "web-0" }],
    ["may be only the hostname", { hostname: "web-0", targetRef: null }, { hostname: "web-0" }],
    ["may be only the pod", { hostname: null, targetRef }, { pod: "web-0" }],
    ["are no keys where they are absent", {}, {}],
    ["are no keys where another kind stands behind", { targetRef: { kind: "Node", name: "a" } }, {}],
    ["are no keys where the target is no object", { targetRef: "Pod" }, {}],
    ["are no keys where the target has no name", { targetRef: { kind: "Pod" } }, {}],
  ])("%s", (_, fields, expected) => {
    expect(endpointOf(fields)).toStrictEqual({
      ip: "10.0.0.1",
      nodeName: undefined,
      ready: true,
      serving: true,
      terminating: false,
      zoneHints: [],
      nodeHints: [],
      ...expected,
    });
  });

  test("hold no text but names", () => {
    fc.assert(
      fc.property(anyText, anyText, (hostname, name) => {
        const named = endpointOf({ hostname, targetRef: { kind: "Pod", name } });
        const pod = endpointOf({ targetRef: { kind: "Pod", name } })?.pod;
        for (const text of [named?.hostname, named?.pod, pod]) expect(text ?? "").toMatch(cleanName);
      }),
    );
  });
});

test("a slice of host names has no addresses", () => {
  expect(decode({ addressType: "FQDN", endpoints: [{ addresses: ["a.b"] }] }).value?.endpoints[0]?.ip).toBeUndefined();
});

test.each([
  [{ addressType: "IPv5" }, "invalid-value", "addressType"],
  [{ endpoints: [{ addresses: [] }] }, "out-of-range", "endpoints.0.addresses"],
  [{ endpoints: [{ addresses: ["fd00::1"] }] }, "not-an-address", "endpoints.0.addresses.0"],
  [{ endpoints: [{ addresses: ["127.0.0.1"] }] }, "not-an-address", "endpoints.0.addresses.0"],
  [{ endpoints: [{ addresses: ["10.0.0.01"] }] }, "not-an-address", "endpoints.0.addresses.0"],
  [{ endpoints: [{ addresses: ["10.0.0.1"], hostname: "a.b" }] }, "not-a-name", "endpoints.0.hostname"],
  [{ endpoints: [{ addresses: ["10.0.0.1"], hostname: "" }] }, "not-a-name", "endpoints.0.hostname"],
  [{ endpoints: [{ addresses: ["10.0.0.1"], hostname: 1 }] }, "wrong-type", "endpoints.0.hostname"],
  [{ ports: [{ port: 0 }] }, "out-of-range", "ports.0.port"],
  [{ ports: [{ name: "A" }] }, "not-a-name", "ports.0.name"],
])("a slice with %j is refused as %s", (fields, code, path) => {
  const { value, problems } = decode(fields);
  expect(value).toBeUndefined();
  expect(problems.map((problem) => [problem.code, problem.path.join(".")])).toEqual([[code, path]]);
});

test("no text but names comes out of names and ports", () => {
  fc.assert(
    fc.property(anyText, anyText, anyText, (name, namespace, port) => {
      const { value } = decode({ metadata: { name, namespace }, ports: [{ name: port }] });
      for (const text of [value?.name, value?.namespace, value?.ports[0]?.name]) expect(text ?? "").toMatch(cleanName);
    }),
  );
});
