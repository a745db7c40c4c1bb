// Tests of rules/decode/workload.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { decodeWorkload, workloadKinds } from "../../../rules/decode/workload.ts";
import { anyText, cleanName } from "./hostile.ts";

type Fields = Readonly<Record<string, unknown>>;
const decode = (spec: Fields = {}, metadata: Fields = {}) =>
  decodeWorkload({ metadata: { name: "w", ...metadata }, spec: { template: { spec: {} }, ...spec } }, "Deployment");

test.each(workloadKinds)("a minimal %s has one replica", (kind) => {
  expect(decodeWorkload({ metadata: { name: "w" }, spec: { template: { spec: {} } } }, kind).value).toEqual({
    kind,
    namespace: "default",
    name: "w",
    controller: undefined,
    replicas: 1,
    serviceName: undefined,
    firstOrdinal: 0,
    labels: {},
    spec: { nodeName: undefined, hostNetwork: false, hostname: undefined, subdomain: undefined, ports: [] },
  });
});

test("labels and ports are those of the template", () => {
  const template = {
    metadata: { labels: { app: "web" } },
    spec: { containers: [{ ports: [{ name: "http", containerPort: 80 }] }], hostNetwork: true, nodeName: "n" },
  };
  expect(decode({ replicas: 0, template }, { labels: { app: "other" } }).value).toMatchObject({
    replicas: 0,
    labels: { app: "web" },
    spec: { nodeName: "n", hostNetwork: true, ports: [{ name: "http", port: 80 }] },
  });
});

test.each<[Fields, Fields]>([
  [{ serviceName: "db" }, { serviceName: "db", firstOrdinal: 0 }],
  [
    { serviceName: null, ordinals: null },
    { serviceName: undefined, firstOrdinal: 0 },
  ],
  [{ ordinals: {} }, { firstOrdinal: 0 }],
  [{ ordinals: { start: 5 } }, { firstOrdinal: 5 }],
])("a StatefulSet with %j has %j", (spec, expected) => {
  const input = { metadata: { name: "w" }, spec: { template: { spec: {} }, ...spec } };
  expect(decodeWorkload(input, "StatefulSet").value).toMatchObject(expected);
});

test("its controller is kept", () => {
  const ownerReferences = [{ kind: "Deployment", name: "d", controller: true }];
  expect(decode({}, { ownerReferences }).value?.controller).toEqual({ kind: "Deployment", name: "d" });
});

test.each([
  [{ replicas: -1 }, "out-of-range", "spec.replicas"],
  [{ replicas: "3" }, "wrong-type", "spec.replicas"],
  [{ serviceName: 1 }, "wrong-type", "spec.serviceName"],
  [{ ordinals: { start: -1 } }, "out-of-range", "spec.ordinals.start"],
  [{ template: undefined }, "wrong-type", "spec.template"],
  [{ template: { metadata: { labels: { a: 1 } }, spec: {} } }, "wrong-type", "spec.template.metadata.labels.a"],
])("a workload with %j is refused as %s", (spec, code, path) => {
  expect(decode(spec).problems.map((problem) => [problem.code, problem.path.join(".")])).toEqual([[code, path]]);
});

test("no text but names comes out of the names", () => {
  fc.assert(
    fc.property(anyText, anyText, (name, namespace) => {
      const { value } = decode({}, { name, namespace });
      for (const text of [value?.name, value?.namespace]) expect(text ?? "").toMatch(cleanName);
    }),
  );
});
