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

test("addresses keep their hostname and their Pod", () => {
  const addresses = [
    { ip: "10.0.0.1", hostname: "web-0", targetRef: { kind: "Pod", name: "web-0" } },
    { ip: "10.0.0.2", hostname: "", targetRef: { kind: "Node", name: "a" } },
  ];
  expect(decode({ addresses }).value?.subsets[0]?.addresses).toMatchObject([
    { hostname: "web-0", pod: "web-0" },
    { hostname: undefined, pod: undefined },
  ]);
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
  [{ addresses: [{ ip: "10.0.0.1", hostname: "a.b" }] }, "not-a-name", "subsets.0.addresses.0.hostname"],
  [{ ports: [{}] }, "wrong-type", "subsets.0.ports.0.port"],
  [{ ports: [{ port: 1, name: "A" }] }, "not-a-name", "subsets.0.ports.0.name"],
])("a subset with %j is refused as %s", (subset, code, path) => {
  expect(decode(subset).problems.map((problem) => [problem.code, problem.path.join(".")])).toEqual([[code, path]]);
});

test("no text but names comes out of names and ports", () => {
  fc.assert(
    fc.property(fc.array(anyText, { minLength: 6, maxLength: 6 }), (texts) => {
      const [name, namespace, port, nodeName, hostname, target] = texts;
      const targetRef = { kind: "Pod", name: target };
      const addresses = [
        { ip: "10.0.0.1", nodeName },
        { ip: "10.0.0.1", hostname },
        { ip: "10.0.0.1", targetRef },
      ];
      const subsets = [{ addresses, ports: [{ port: 1, name: port }] }];
      const { value } = decodeEndpoints({ metadata: { name, namespace }, subsets });
      const [subset] = value?.subsets ?? [];
      const found = subset?.addresses.flatMap((address) => [address.nodeName, address.hostname, address.pod]) ?? [];
      for (const text of [value?.name, value?.namespace, subset?.ports[0]?.name, ...found])
        expect(text ?? "").toMatch(cleanName);
    }),
  );
});
