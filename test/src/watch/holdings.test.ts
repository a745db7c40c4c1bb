// Tests of src/watch/holdings.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { createHoldings } from "../../../src/watch/holdings.ts";
import type { Version } from "../../../src/watch/version.ts";

const at = (key: string, version: Version | undefined) => ({ key, version, triggeredAt: undefined, uid: undefined });

test("a state is new once", () => {
  const holdings = createHoldings();
  expect([at("a", 1), at("a", 1), at("a", 2), at("b", 2), at("a", 1)].map(holdings.note)).toEqual([
    true,
    false,
    true,
    true,
    true,
  ]);
  expect(holdings.size()).toBe(2);
});

test("a state without version is always new", () => {
  const holdings = createHoldings();
  expect([at("a", undefined), at("a", undefined)].map(holdings.note)).toEqual([true, true]);
});

test("forgetting says whether it was known", () => {
  const holdings = createHoldings();
  holdings.note(at("a", 1));
  expect([holdings.forget("a"), holdings.forget("a"), holdings.note(at("a", 1))]).toEqual([true, false, true]);
});

test("what a fill did not note is gone, also where an earlier fill was given up", () => {
  const holdings = createHoldings();
  holdings.beginFill();
  holdings.note(at("a", 1));
  holdings.beginFill();
  holdings.note(at("b", 1));
  holdings.note(at("c", 1));
  holdings.forget("c");
  expect(holdings.endFill()).toEqual(["a"]);
  expect(holdings.size()).toBe(1);
});

test("a fill leaves exactly what it noted", () => {
  const keys = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "f"));
  fc.assert(
    fc.property(keys, keys, (before, now) => {
      const holdings = createHoldings();
      for (const key of before) holdings.note(at(key, 1));
      holdings.beginFill();
      for (const key of now) holdings.note(at(key, 1));
      expect(holdings.endFill()).toEqual(before.filter((key) => !now.includes(key)));
      expect(holdings.size()).toBe(now.length);
    }),
  );
});

test("after distrust every state is new once, and what is not there is still gone", () => {
  const holdings = createHoldings();
  holdings.note(at("a", 1));
  holdings.note(at("b", 1));
  holdings.distrust();
  holdings.beginFill();
  expect([holdings.note(at("a", 1)), holdings.note(at("a", 1))]).toEqual([true, false]);
  expect(holdings.endFill()).toEqual(["b"]);
});

test("refused objects are counted until they are usable or gone", () => {
  const holdings = createHoldings();
  for (const key of ["a", "b", "c", "d"]) {
    holdings.note(at(key, 1));
    holdings.judge(key, false);
    holdings.judge(key, false);
  }
  holdings.judge("a", true);
  holdings.forget("b");
  expect(holdings.refused()).toBe(2);
  holdings.beginFill();
  holdings.note(at("d", 1));
  holdings.endFill();
  expect(holdings.refused()).toBe(1);
});
