// Tests of rules/decode/pod.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { decodePod } from "../../../rules/decode/pod.ts";
import { anyText, cleanName } from "./hostile.ts";

type Fields = Readonly<Record<string, unknown>>;
const decode = (fields: Fields = {}, metadata: Fields = {}) =>
  decodePod({ metadata: { name: "p", ...metadata }, spec: {}, ...fields });

test("a minimal Pod has no status", () => {
  expect(decode().value).toEqual({
    namespace: "default",
    name: "p",
    labels: {},
    controller: undefined,
    spec: { nodeName: undefined, hostNetwork: false, hostname: undefined, subdomain: undefined, ports: [] },
    status: undefined,
    deleting: false,
  });
});

const ready = [{ type: "Ready", status: "True" }];
test.each([
  ["nothing for an empty status", {}, undefined],
  ["nothing for null", null, undefined],
  ["the phase", { phase: "Pending" }, { phase: "Pending", ips: [], ready: false }],
  ["no phase that there is not", { phase: "x\n" }, { phase: undefined, ips: [], ready: false }],
  ["podIP", { podIP: "10.0.0.1" }, { phase: undefined, ips: ["10.0.0.1"], ready: false }],
  [
    "podIPs",
    { podIP: "10.0.0.1", podIPs: [{ ip: "10.0.0.1" }, { ip: "fd00::1" }] },
    { phase: undefined, ips: ["10.0.0.1", "fd00::1"], ready: false },
  ],
  [
    "no empty addresses",
    { phase: "Running", podIP: "", podIPs: [{ ip: "" }] },
    { phase: "Running", ips: [], ready: false },
  ],
  ["Ready", { conditions: ready }, { phase: undefined, ips: [], ready: true }],
  [
    "no other condition",
    {
      conditions: [
        { type: "Initialized", status: "True" },
        { type: "Ready", status: "False" },
      ],
    },
    { phase: undefined, ips: [], ready: false },
  ],
])("a status says %s", (_, status, expected) => {
  expect(decode({ status }).value?.status).toEqual(expected);
});

test.each([
  ["2026-01-01T00:00:00Z", true],
  [null, false],
  [undefined, false],
])("deletionTimestamp %j means deleting: %s", (deletionTimestamp, deleting) => {
  expect(decode({}, { deletionTimestamp }).value?.deleting).toBe(deleting);
});

test.each([
  [{ spec: { hostname: "a.b" } }, "not-a-name", "spec.hostname"],
  [{ spec: { subdomain: "a b" } }, "not-a-name", "spec.subdomain"],
  [{ spec: undefined }, "wrong-type", "spec"],
  [{ status: { podIP: "1.2.3" } }, "invalid-value", "status.podIP"],
  [{ status: { podIPs: [{ ip: "127.0.0.1" }] } }, "invalid-value", "status.podIPs.0.ip"],
  [
    { spec: { containers: [{ ports: [{ containerPort: 0 }] }] } },
    "out-of-range",
    "spec.containers.0.ports.0.containerPort",
  ],
])("a Pod with %j is refused as %s", (fields, code, path) => {
  expect(decode(fields).problems.map((problem) => [problem.code, problem.path.join(".")])).toEqual([[code, path]]);
});

test("no text but names comes out of the names", () => {
  fc.assert(
    fc.property(anyText, anyText, (name, namespace) => {
      const { value } = decodePod({ metadata: { name, namespace }, spec: {} });
      for (const text of [value?.name, value?.namespace]) expect(text ?? "").toMatch(cleanName);
    }),
  );
});
