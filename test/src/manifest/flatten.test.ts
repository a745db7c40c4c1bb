// Tests of src/manifest/flatten.ts.
import { describe, expect, test } from "@jest/globals";
import { flattenDocuments } from "../../../src/manifest/flatten.ts";
import { parseSource } from "../../../src/manifest/parse.ts";

const flatten = (text: string) => flattenDocuments(parseSource({ name: "f", text }).documents);
const kinds = (text: string) => flatten(text).items.map(({ kind, apiVersion }) => `${apiVersion ?? ""} ${kind}`);

describe("lists", () => {
  test.each([
    ["no list at all", "{apiVersion: v1, kind: Service}", ["v1 Service"]],
    ["a List of objects with kinds", "kind: List\nitems: [{apiVersion: v1, kind: A}, {kind: B}]", ["v1 A", " B"]],
    [
      "a typed list of objects without kinds",
      "{apiVersion: v1, kind: ServiceList, items: [{}, {kind: Pod}]}",
      ["v1 Service", "v1 Pod"],
    ],
    [
      "lists in lists, in order",
      "kind: List\nitems: [{kind: A}, {kind: List, items: [{kind: B}]}, {kind: C}]",
      [" A", " B", " C"],
    ],
    ["a list without items", "{kind: List, items: []}", []],
    ["a list whose items are null", "{kind: List, items: null}", []],
    ["a kind that only ends in List", "{kind: AllowList, spec: {}}", [" AllowList"]],
  ])("%s", (_, text, expected) => {
    expect(flatten(text).problems).toEqual([]);
    expect(kinds(text)).toEqual(expected);
  });

  test("say where each item stands", () => {
    const [, second] = flatten("kind: List\nitems:\n- kind: A\n- kind: B\n").items;
    expect(second?.document.positionOf([...second.base, "kind"])).toEqual({ file: "f", line: 4, column: 3 });
  });

  test("have a limit of depth", () => {
    const nested = (depth: number) => '{"kind":"List","items":['.repeat(depth) + '{"kind":"A"}' + "]}".repeat(depth);
    expect(kinds(nested(10))).toEqual([" A"]);
    expect(flatten(nested(500000))).toMatchObject({ items: [], problems: [{ problem: { code: "lists-too-deep" } }] });
  });

  test("that aliases repeat inside one another count once", () => {
    const levels = Array.from(
      { length: 8 },
      (_, level) => `- &l${level + 1} {kind: List, items: [*l${level}, *l${level}, *l${level}]}`,
    );
    const { items } = flatten(`kind: List\nitems:\n- &l0 {kind: List, items: [{kind: A}]}\n${levels.join("\n")}`);
    expect(items).toHaveLength(1);
    expect(flatten("&a {kind: List, items: [*a]}").items).toEqual([]);
  });
});

test.each([
  ["just text", "not-an-object", 1],
  ["- kind: A", "not-an-object", 1],
  ["a: 1", "no-kind", 1],
  ["kind: 3", "no-kind", 1],
  ["kind: ''", "no-kind", 1],
  ["kind: List\nitems:\n- kind: A\n- 5", "not-an-object", 4],
  ["kind: List\nitems:\n- kind: A\n- a: 1", "no-kind", 4],
  ["kind: List\nitems: {a: 1}", "wrong-type", 2],
  ["kind: List\nitems: 3", "wrong-type", 2],
])("%j is reported as %s in line %d", (text, code, line) => {
  expect(flatten(text).problems).toMatchObject([{ problem: { code }, source: { line } }]);
});
