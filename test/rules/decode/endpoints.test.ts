// Tests of rules/decode/endpoints.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { decodeEndpoints } from "../../../rules/decode/endpoints.ts";
import { anyText, cleanName } from "./hostile.ts";

const decode = (...subsets: readonly unknown[]) => decodeEndpoints({ metadata: { name: "web" }, subsets });

test.each([undefined, null, []])("Endpoints with subsets %j have none", (subsets) => {
  const { value } = decodeEndpoints({ metadata: { name: "web" }, subsets });
  expect(value).toEqual({ namespace: "default", name: "web", subsets: [] });
});

test("addresses keep their Node, ports have the API's defaults", () => {
  const subset = {
    addresses: [{ ip: "10.0.0.1", nodeName: "n" }],
    notReadyAddresses: [{ ip: "FD00::1" }],
    ports: [{ port: 80 }],
  };
  expect(decode(subset).value?.subsets).toEqual([
    {
      addresses: [{ ip: "10.0.0.1", nodeName: "n" }],
      notReadyAddresses: [{ ip: "fd00::1", nodeName: undefined }],
      ports: [{ name: "", protocol: "TCP", port: 80 }],
    },
  ]);
});

test.each([
  [{ addresses: [{ ip: "127.0.0.1" }] }, "not-an-address", "subsets.0.addresses.0.ip"],
  [{ addresses: [{ ip: "10.0.0.1", nodeName: "a b" }] }, "not-a-name", "subsets.0.addresses.0.nodeName"],
  [{ ports: [{}] }, "wrong-type", "subsets.0.ports.0.port"],
  [{ ports: [{ port: 1, name: "A" }] }, "not-a-name", "subsets.0.ports.0.name"],
])("a subset with %j is refused as %s", (subset, code, path) => {
  expect(decode(subset).problems.map((problem) => [problem.code, problem.path.join(".")])).toEqual([[code, path]]);
});

test("no text but names comes out of names and ports", () => {
  fc.assert(
    fc.property(fc.tuple(anyText, anyText, anyText, anyText), ([name, namespace, port, nodeName]) => {
      const subsets = [{ addresses: [{ ip: "10.0.0.1", nodeName }], ports: [{ port: 1, name: port }] }];
      const { value } = decodeEndpoints({ metadata: { name, namespace }, subsets });
      const [subset] = value?.subsets ?? [];
      for (const text of [value?.name, value?.namespace, subset?.ports[0]?.name, subset?.addresses[0]?.nodeName])
        expect(text ?? "").toMatch(cleanName);
    }),
  );
});
