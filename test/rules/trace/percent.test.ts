// Tests of rules/trace/percent.ts.
import { expect, test } from "@jest/globals";
import { percent } from "../../../rules/trace/percent.ts";
import { fraction } from "../../../rules/trace/fraction.ts";

test.each([
  [0, 1, "0%"],
  [1, 1, "100%"],
  [7, 7, "100%"],
  [1, 2, "50%"],
  [1, 3, "33.3%"],
  [2, 3, "66.7%"],
  [1, 50, "2%"],
  [1, 1000, "0.1%"],
  [1, 1024, "0.098%"],
  [1, 10_000, "0.01%"],
  [1, 100_000, "<0.01%"],
  [999, 1000, "99.9%"],
  [99_999, 100_000, ">99.9%"],
])("%d of %d is %s", (share, of, expected) => {
  expect(percent(fraction(share, of))).toBe(expected);
});

test("a chance that no number can hold is still rounded right", () => {
  expect(percent({ share: 2n ** 31_000n / 3n, of: 2n ** 31_000n })).toBe("33.3%");
});
