// Tests of src/from-cluster/trim.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { trimObject, type RecordedKind } from "../../../src/from-cluster/trim.ts";
import { aNodeObject, aServiceObject, aSliceObject } from "./a-cluster.ts";
import { anObject, decoderOf } from "./any-object.ts";

const bookkeeping = {
  managedFields: [{ manager: "kubectl" }],
  resourceVersion: "7",
  uid: "u",
  creationTimestamp: "2026-01-01T00:00:00Z",
  generation: 3,
  generateName: "web-",
  selfLink: "/x",
  ownerReferences: [{ uid: "v" }],
};

const applied = "kubectl.kubernetes.io/last-applied-configuration";

describe("leaves out", () => {
  test.each<[string, RecordedKind, object, object]>([
    [
      "bookkeeping, in any kind",
      "Service",
      { metadata: { name: "web", ...bookkeeping, labels: { uid: "kept" } }, spec: { generation: 1 } },
      { metadata: { name: "web", labels: { uid: "kept" } }, spec: { generation: 1 } },
    ],
    [
      "annotations that tools write for themselves",
      "EndpointSlice",
      {
        metadata: {
          annotations: { [applied]: "{}", "endpoints.kubernetes.io/last-change-trigger-time": "now", a: "b" },
        },
      },
      { metadata: { annotations: { a: "b" } } },
    ],
    [
      "annotations where no other is there",
      "Service",
      { metadata: { annotations: { [applied]: "{}" } } },
      { metadata: {} },
    ],
    [
      "of a Service's status all but its load balancer",
      "Service",
      { status: { conditions: [], loadBalancer: { ingress: [{ ip: "203.0.113.1" }] } } },
      { status: { loadBalancer: { ingress: [{ ip: "203.0.113.1" }] } } },
    ],
    ["a status that says nothing", "Service", { status: { conditions: [], loadBalancer: {} } }, {}],
    [
      "the status of others",
      "ServiceCIDR",
      { spec: { cidrs: [] }, status: { conditions: [] } },
      { spec: { cidrs: [] } },
    ],
    [
      "what tells one Pod of a name from another",
      "EndpointSlice",
      {
        endpoints: [{ addresses: ["10.0.0.1"], targetRef: { kind: "Pod", name: "a", uid: "u", resourceVersion: "1" } }],
      },
      { endpoints: [{ addresses: ["10.0.0.1"], targetRef: { kind: "Pod", name: "a" } }] },
    ],
  ])("%s", (_, kind, object, expected) => {
    expect(trimObject(kind, object)).toEqual(expected);
  });

  test("of a Node all that no rule can depend on", () => {
    expect(trimObject("Node", aNodeObject())).toEqual({
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        name: "node-a",
        labels: { "topology.kubernetes.io/zone": "zone-node-a", "kubernetes.io/os": "linux" },
      },
      spec: { podCIDR: "10.244.1.0/24", podCIDRs: ["10.244.1.0/24"] },
      status: {
        addresses: [
          { type: "Hostname", address: "node-a" },
          { type: "InternalIP", address: "192.168.0.1" },
        ],
      },
    });
  });
});

test.each([null, 5, "web", [], [1]].map((value) => [value]))("%j is no object, and stays as it is", (value) => {
  expect(trimObject("Service", value)).toBe(value);
});

test.each(["metadata", "status", "spec", "endpoints"])("%s of another type stays as it is", (field) => {
  for (const kind of ["Node", "ServiceCIDR", "Service", "EndpointSlice"] as const)
    for (const value of ["x", 5, null, ["x"]]) expect(trimObject(kind, { [field]: value })).toEqual({ [field]: value });
});

test("what is decoded is the same with and without it, sound or not", () => {
  fc.assert(
    fc.property(anObject, ({ kind, object }) => {
      expect(decoderOf(kind)(trimObject(kind, object))).toEqual(decoderOf(kind)(object));
    }),
    { numRuns: 500 },
  );
});

test("trimming again changes nothing, and no input is changed", () => {
  for (const [kind, object] of [
    ["Node", aNodeObject()],
    ["Service", aServiceObject("web", "10.96.0.10")],
    ["EndpointSlice", aSliceObject("web", ["10.244.1.5"])],
  ] as const) {
    const before = structuredClone(object);
    const once = trimObject(kind, object);
    expect(trimObject(kind, once)).toEqual(once);
    expect(object).toEqual(before);
    expect(once).not.toEqual(before);
  }
});
