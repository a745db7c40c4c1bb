// Tests of rules/offline/select.ts.
import { expect, test } from "@jest/globals";
import { selectorIndex } from "../../../rules/offline/select.ts";

const select = selectorIndex([
  { namespace: "a", labels: { app: "web", tier: "front" } },
  { namespace: "a", labels: { app: "web", tier: "back" } },
  { namespace: "b", labels: { app: "web", tier: "front" } },
]);

test.each([
  ["all labels must match", "a", { app: "web", tier: "back" }, ["back"]],
  ["more labels than asked for do no harm", "a", { app: "web" }, ["front", "back"]],
  ["only the namespace counts", "b", { app: "web" }, ["front"]],
  ["an empty selector selects nothing", "a", {}, []],
  ["an unknown value selects nothing", "a", { app: "web", tier: "side" }, []],
  ["a name of Object.prototype is no label", "a", { constructor: "x" }, []],
])("%s", (_, namespace, selector, tiers) => {
  expect(select(namespace, selector as Record<string, string>).map(({ labels }) => labels.tier)).toEqual(tiers);
});

test("parts of a key cannot be shifted into one another", () => {
  const shifted = selectorIndex([{ namespace: "a", labels: { 'b","c': "d" } }]);
  expect(shifted("a", { b: 'c","d' })).toEqual([]);
});
