// Tests of src/events/bucket.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { fullBucket, isFull, take, waitMs, type Bucket, type Rate } from "../../../src/events/bucket.ts";

const rate: Rate = { burst: 3, seconds: 10 };

/** At which of these times (seconds) a token was to be had. */
function takenAt(times: readonly number[]): number[] {
  let bucket: Bucket = fullBucket(rate, 0);
  return times.filter((seconds) => {
    const next = take(bucket, rate, seconds * 1000);
    ({ bucket } = next);
    return next.taken;
  });
}

test.each([
  [[0, 0, 0, 0], 3],
  [[0, 0, 0, 9, 10, 11], 4],
  [[0, 0, 0, 100, 100, 100, 100], 6],
  [[50, 0, 0, 0], 3],
])("at %j s there are %d tokens", (times, count) => {
  expect(takenAt(times)).toHaveLength(count);
});

test("there are never more than the burst and what has come since", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(200)), (given) => {
      const times = [...given].sort((a, b) => a - b);
      const last = times.at(-1) ?? 0;
      expect(takenAt(times).length).toBeLessThanOrEqual(rate.burst + last / rate.seconds);
    }),
  );
});

test("says how long to wait, and whether it is full", () => {
  const empty: Bucket = { tokens: 0, at: 0 };
  expect(waitMs(empty, rate, 0)).toBe(10_000);
  expect(waitMs(empty, rate, 4000)).toBe(6000);
  expect(waitMs(empty, rate, 10_000)).toBe(0);
  expect([29_999, 30_000].map((now) => isFull(empty, rate, now))).toEqual([false, true]);
});
