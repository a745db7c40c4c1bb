// Tests of rules/offline/order.ts.
import { describe, expect, test } from "@jest/globals";
import { byName, compare } from "../../../rules/offline/order.ts";

describe("the order of offline objects", () => {
  test("is by namespace, then name, so that a namespace's objects stand together", () => {
    const names = [
      { namespace: "a", name: "z" },
      { namespace: "a-b", name: "a" },
      { namespace: "a", name: "b" },
      { name: "node" },
    ];
    expect(names.toSorted(byName).map(({ namespace, name }) => `${namespace ?? ""}/${name}`)).toEqual([
      "/node",
      "a/b",
      "a/z",
      "a-b/a",
    ]);
  });

  test.each([
    ["a", "b", -1],
    ["b", "a", 1],
    ["a", "a", 0],
    ["B", "a", -1],
  ])("compares %s with %s by code units", (a, b, result) => {
    expect(compare(a, b)).toBe(result);
  });
});
