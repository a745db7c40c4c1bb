// Tests of src/metrics/buckets.ts.
import { expect, test } from "@jest/globals";
import { networkProgrammingBuckets, syncBuckets } from "../../../src/metrics/buckets.ts";

test("syncs are sorted by twos from 1 ms to 16 s", () => {
  expect(syncBuckets).toEqual([
    0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192, 16.384,
  ]);
});

test("network programming has the 81 buckets of kube-proxy", () => {
  expect(networkProgrammingBuckets).toHaveLength(81);
  expect(networkProgrammingBuckets.slice(0, 6)).toEqual([0, 0.25, 0.5, 1, 2, 3]);
  expect(networkProgrammingBuckets.slice(60, 66)).toEqual([58, 59, 60, 65, 70, 75]);
  expect(networkProgrammingBuckets.slice(72)).toEqual([110, 115, 120, 150, 180, 210, 240, 270, 300]);
  expect([...networkProgrammingBuckets].sort((a, b) => a - b)).toEqual(networkProgrammingBuckets);
});
