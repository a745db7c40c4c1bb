// Tests of rules/decode/pod-spec.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { controller, dnsLabel, nodeName, podNameOf, podSpec } from "../../../rules/decode/pod-spec.ts";
import { anyText, cleanName, hostileTexts } from "./hostile.ts";

describe("podSpec", () => {
  test("has the API's defaults", () => {
    expect(podSpec.parse({})).toEqual({
      nodeName: undefined,
      hostNetwork: false,
      hostname: undefined,
      subdomain: undefined,
      ports: [],
    });
  });

  test("keeps hostname and subdomain", () => {
    expect(podSpec.parse({ hostname: "web-0", subdomain: "web" })).toMatchObject({
      hostname: "web-0",
      subdomain: "web",
    });
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

describe("dnsLabel", () => {
  test.each([undefined, null, ""])("%j is none", (input) => {
    expect(dnsLabel.parse(input)).toBeUndefined();
  });

  test.each(["web-0", "a".repeat(63)])("may be %j", (input) => {
    expect(dnsLabel.parse(input)).toBe(input);
  });

  test.each(["a.b", "a".repeat(64), ...hostileTexts])("may not be %j", (input) => {
    expect(dnsLabel.safeParse(input).success).toBe(false);
  });
});

describe("podNameOf", () => {
  test.each([
    [{ kind: "Pod", name: "web-0" }, "web-0"],
    [{ kind: "Pod", name: "web.a" }, "web.a"],
    [{ kind: "Node", name: "web-0" }, undefined],
    [{ kind: "Pod", name: 1 }, undefined],
    [{ kind: "Pod" }, undefined],
    [null, undefined],
    [undefined, undefined],
    ["Pod", undefined],
  ])("of %j is %j", (targetRef, name) => {
    expect(podNameOf(targetRef)).toBe(name);
  });

  test("is no text but a name", () => {
    fc.assert(
      fc.property(anyText, (name) => {
        expect(podNameOf({ kind: "Pod", name }) ?? "").toMatch(cleanName);
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
