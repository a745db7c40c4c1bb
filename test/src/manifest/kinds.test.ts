// Tests of src/manifest/kinds.ts.
import { expect, test } from "@jest/globals";
import { isKnownKind, readingOf } from "../../../src/manifest/kinds.ts";

test.each([
  ["Service", "v1", "known"],
  ["Endpoints", "v1", "known"],
  ["Node", "v1", "known"],
  ["Pod", "v1", "known"],
  ["ReplicationController", "v1", "known"],
  ["EndpointSlice", "discovery.k8s.io/v1", "known"],
  ["Deployment", "apps/v1", "known"],
  ["ReplicaSet", "apps/v1", "known"],
  ["StatefulSet", "apps/v1", "known"],
  ["DaemonSet", "apps/v1", "known"],
  ["Deployment", "extensions/v1beta1", "wrong-version"],
  ["Deployment", "apps/v1beta2", "wrong-version"],
  ["EndpointSlice", "discovery.k8s.io/v1beta1", "wrong-version"],
  ["Service", "v2", "wrong-version"],
  ["Service", undefined, "wrong-version"],
  ["Service", "serving.knative.dev/v1", "foreign"],
  ["ConfigMap", "v1", "foreign"],
  ["__proto__", "v1", "foreign"],
])("%s of %s is %s", (kind, apiVersion, expected) => {
  expect(readingOf(kind, apiVersion).kind).toBe(expected);
});

test("a known kind is decoded into its list", () => {
  const reading = readingOf("Node", "v1");
  const decoded = reading.kind === "known" ? reading.decode({ metadata: { name: "n" } }) : undefined;
  expect(decoded?.member).toMatchObject({ list: "nodes", object: { name: "n" } });
});

test("kinds are known by their name in any group", () => {
  expect([isKnownKind("Service"), isKnownKind("ConfigMap"), isKnownKind("constructor")]).toEqual([true, false, false]);
});
