import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  certain,
  fraction,
  isCertain,
  isNever,
  plus,
  rest,
  times,
  toNumber,
  type Fraction,
} from "../../../rules/trace/fraction.ts";
import { chanceText, isSame } from "./a-trace.ts";

const fractions: fc.Arbitrary<Fraction> = fc
  .tuple(fc.nat(2 ** 31), fc.constantFrom(1, 2, 3, 7, 2 ** 31))
  .map(([share, of]) => fraction(Math.min(share, of), of));

describe("exact chances", () => {
  test.each<readonly [string, Fraction, string]>([
    ["1/2 and 1/3", times(fraction(1, 2), fraction(1, 3)), "1/6"],
    ["certain and 1/3", times(certain, fraction(1, 3)), "1/3"],
    ["1/3 and certain", times(fraction(1, 3), certain), "1/3"],
    ["never, of one, and 1/3", times(fraction(0, 1), fraction(1, 3)), "0"],
    ["what 1/3 leaves", rest(fraction(1, 3)), "2/3"],
    ["what certain leaves", rest(certain), "0"],
    ["1/2 or 1/3", plus(fraction(1, 2), fraction(1, 3)), "5/6"],
    ["1/2 or 1/4", plus(fraction(1, 2), fraction(1, 4)), "3/4"],
    ["1/4 or 1/2", plus(fraction(1, 4), fraction(1, 2)), "3/4"],
    ["1/4 or 1/4", plus(fraction(1, 4), fraction(1, 4)), "1/2"],
  ])("%s", (_, found, text) => {
    expect(chanceText(found)).toBe(text);
  });

  test.each<readonly [Fraction, boolean, boolean]>([
    [fraction(3, 3), true, false],
    [fraction(0, 3), false, true],
    [fraction(1, 3), false, false],
  ])("certain, never, or neither", (each, always, never) => {
    expect([isCertain(each), isNever(each)]).toEqual([always, never]);
  });

  test("what is taken and what is left add up to all, in any number of steps", () => {
    fc.assert(
      fc.property(fc.array(fractions, { maxLength: 40 }), (chances) => {
        let left = certain;
        let sum = fraction(0, 1);
        for (const chance of chances) {
          sum = plus(sum, times(left, chance));
          left = times(left, rest(chance));
        }
        expect(isSame(plus(sum, left), certain)).toBe(true);
      }),
    );
  });

  test.each<readonly [Fraction, number]>([
    [fraction(1, 4), 0.25],
    [certain, 1],
    [fraction(0, 5), 0],
    [{ share: 1n << 4000n, of: 1n << 4001n }, 0.5],
    [{ share: (1n << 31_000n) / 3n, of: 1n << 31_000n }, 1 / 3],
    [{ share: 1n, of: 1n << 4001n }, 0],
  ])("as a number", (each, number) => {
    expect(toNumber(each)).toBeCloseTo(number, 12);
  });
});
