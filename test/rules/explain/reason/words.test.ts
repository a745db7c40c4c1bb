// Tests of rules/explain/reason/words.ts.
import { expect, test } from "@jest/globals";
import { count, didYouMean, list, upperFirst } from "../../../../rules/explain/reason/words.ts";

test("one thing is not several", () => {
  expect([0, 1, 2].map((number) => count(number, "endpoint"))).toEqual(["0 endpoints", "1 endpoint", "2 endpoints"]);
});

test.each([
  [[], ""],
  [["a"], "a"],
  [["a", "b"], "a and b"],
  [["a", "b", "c"], "a, b and c"],
  [["a", "b", "c", "d"], "a, b, c and d"],
  [["a", "b", "c", "d", "e"], "a, b, c, d and 1 more"],
])("a list of %j", (items, text) => {
  expect(list(items, 4)).toBe(text);
});

test("a sentence ends with what may have been meant, or with a full stop", () => {
  expect([didYouMean([]), didYouMean(["a", "b"]), upperFirst("the"), upperFirst("")]).toEqual([
    ".",
    "; did you mean a or b?",
    "The",
    "",
  ]);
});
