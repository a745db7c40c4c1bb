// Tests of rules/decode/pod-spec.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { controller, nodeName, podSpec } from "../../../rules/decode/pod-spec.ts";
import { anyText, cleanName, hostileTexts } from "./hostile.ts";

describe("podSpec", () => {
  test("has the API's defaults", () => {
    expect(podSpec.parse({})).toEqual({ nodeName: undefined, hostNetwork: false, ports: [] });
  });

  test("lists the ports of containers, then of restartable init containers", () => {
    const spec = {
      containers: [{ ports: [{ containerPort: 1 }, { name: "b", containerPort: 2, protocol: "UDP" }] }, {}],
      initContainers: [{ ports: [{ containerPort: 3 }] }, { restartPolicy: "Always", ports: [{ containerPort: 4 }] }],
    };
    expect(podSpec.parse(spec).ports).toEqual([
      { name: "", protocol: "TCP", port: 1 },
      { name: "b", protocol: "UDP", port: 2 },
      { name: "", protocol: "TCP", port: 4 },
    ]);
  });

  test.each(["a", "a-1", "1a", "a".repeat(15)])("a port may be named %j", (name) => {
    expect(podSpec.parse({ containers: [{ ports: [{ name, containerPort: 1 }] }] }).ports[0]?.name).toBe(name);
  });

  test.each(["80", "a--b", "a-", "a".repeat(16), ...hostileTexts])("a port may not be named %j", (name) => {
    expect(podSpec.safeParse({ containers: [{ ports: [{ name, containerPort: 1 }] }] }).success).toBe(false);
  });

  test("no text but names comes out", () => {
    fc.assert(
      fc.property(anyText, anyText, (node, name) => {
        const spec = podSpec.safeParse({ nodeName: node, containers: [{ ports: [{ name, containerPort: 1 }] }] }).data;
        for (const text of [spec?.nodeName, spec?.ports[0]?.name]) expect(text ?? "").toMatch(cleanName);
      }),
    );
  });
});

test.each([
  [undefined, undefined],
  ["", undefined],
  ["n.a", "n.a"],
])("nodeName %j is %j", (input, name) => {
  expect(nodeName.parse(input)).toBe(name);
});

test.each([
  ["none without owners", undefined, undefined],
  ["none among owners that do not control", [{ kind: "A", name: "a" }], undefined],
  [
    "the one that controls",
    [
      { kind: "A", name: "a" },
      { kind: "B", name: "b", controller: true },
    ],
    { kind: "B", name: "b" },
  ],
  ["none where its kind is no name", [{ kind: "A\n", name: "a", controller: true }], undefined],
  ["none where its name is no name", [{ kind: "A", name: "a b", controller: true }], undefined],
])("the controller is %s", (_, owners, expected) => {
  expect(controller.parse(owners)).toEqual(expected);
});
