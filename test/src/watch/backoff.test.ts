// Tests of src/watch/backoff.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { afterTry, freshBackoff, livedMs, longestMs, waitMs, type Backoff } from "../../../src/watch/backoff.ts";

test("nothing is waited before the first try", () => {
  expect(waitMs(freshBackoff, 1)).toBe(0);
});

test.each([
  [0, [800, 1600, 3200, 6400, 12_800, 15_000, 15_000]],
  [1, [1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]],
])("with chance %d the waits are %j", (random, waits) => {
  let backoff = freshBackoff;
  const found = waits.map(() => {
    backoff = afterTry(backoff, 0);
    return waitMs(backoff, random);
  });
  expect(found).toEqual(waits);
});

test("a stream that lived makes the next failure a first one", () => {
  const failed = [0, 0, 0].reduce<Backoff>(afterTry, freshBackoff);
  expect(afterTry(failed, livedMs)).toEqual({ failures: 1 });
  expect(afterTry(failed, livedMs - 1)).toEqual({ failures: 4 });
});

test("no wait is longer than 30 s, none after a failure shorter than 0.8 s", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, random) => {
      const ms = waitMs({ failures }, random);
      expect(ms).toBeGreaterThanOrEqual(800);
      expect(ms).toBeLessThanOrEqual(longestMs);
    }),
  );
});
