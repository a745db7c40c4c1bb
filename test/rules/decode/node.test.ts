// Tests of rules/decode/node.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { decodeNode } from "../../../rules/decode/node.ts";
import { anyText, cleanName } from "./hostile.ts";

type Fields = Readonly<Record<string, unknown>>;
const decode = (fields: Fields = {}, labels: Fields = {}) =>
  decodeNode({ metadata: { name: "n1", labels }, ...fields });

test("a minimal Node has only a name", () => {
  expect(decode().value).toEqual({ name: "n1", zone: undefined, podCidrs: [], addresses: [] });
});

test("its zone is a label", () => {
  expect(decode({}, { "topology.kubernetes.io/zone": "z" }).value?.zone).toBe("z");
});

test.each([
  [{ podCIDR: "10.1.0.0/24" }, ["10.1.0.0/24"]],
  [{ podCIDR: "10.1.0.0/24", podCIDRs: ["10.1.0.0/24", "fd00::/64"] }, ["10.1.0.0/24", "fd00::/64"]],
  [{ podCIDR: "" }, []],
  [null, []],
])("pod blocks of %j are %j", (spec, podCidrs) => {
  expect(decode({ spec }).value?.podCidrs).toEqual(podCidrs);
});

test("internal addresses come before external ones, others and host names are left out", () => {
  const addresses = [
    { type: "ExternalIP", address: "1.2.3.4" },
    { type: "Hostname", address: "n1" },
    { type: "InternalIP", address: "fd00::1" },
    { type: "InternalIP", address: "nonsense" },
    { type: "InternalIP", address: "10.0.0.1" },
  ];
  expect(decode({ status: { addresses } }).value?.addresses).toEqual(["fd00::1", "10.0.0.1", "1.2.3.4"]);
});

test.each([
  [{ spec: { podCIDRs: ["10.1.0.0"] } }, "not-a-cidr", "spec.podCIDRs.0"],
  [{ metadata: { name: "A" } }, "not-a-name", "metadata.name"],
])("a Node with %j is refused as %s", (fields, code, path) => {
  expect(decode(fields).problems.map((problem) => [problem.code, problem.path.join(".")])).toEqual([[code, path]]);
});

test("what makes load balancers leave a Node is told: taints, by key, and that it is being deleted", () => {
  const spec = {
    taints: [
      { key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" },
      { key: "a/b", value: "c" },
    ],
  };
  expect(decode({ spec }).value?.taints).toEqual(["ToBeDeletedByClusterAutoscaler", "a/b"]);
  const metadata = { name: "n1", deletionTimestamp: "2026-11-21T00:00:00Z" };
  expect(decodeNode({ metadata }).value?.deleting).toBe(true);
});

test("no text but names comes out of the name", () => {
  fc.assert(
    fc.property(anyText, (name) => {
      expect(decodeNode({ metadata: { name } }).value?.name ?? "").toMatch(cleanName);
    }),
  );
});
