// Tests of src/agent/pass-cause.ts.
import { expect, test } from "@jest/globals";
import { causeOfPass, type PassOccasion } from "../../../src/agent/pass-cause.ts";

test.each<[Partial<PassOccasion>, string]>([
  [{ isFirst: true, services: 10, slices: 20 }, "first pass"],
  [{ services: 1 }, "1 Service changed"],
  [{ slices: 3 }, "3 EndpointSlices changed"],
  [{ services: 2, slices: 1 }, "2 Services, 1 EndpointSlice changed"],
  [{ isNodeNew: true }, "the node changed"],
  [{ isNodeNew: true, slices: 2 }, "2 EndpointSlices changed, the node changed"],
  [{ isAgain: true }, "again after a failure"],
  [{ isFirst: true, isAgain: true, services: 1 }, "1 Service changed, again after a failure"],
  [{}, "read-back"],
])("%j is told as %s", (given, expected) => {
  const nothing = { isFirst: false, isAgain: false, services: 0, slices: 0, isNodeNew: false };
  expect(causeOfPass({ ...nothing, ...given })).toBe(expected);
});
