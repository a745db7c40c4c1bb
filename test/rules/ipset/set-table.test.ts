// Tests of rules/ipset/set-table.ts.
import { expect, test } from "@jest/globals";
import { emptySet, maxElemFor, noSets } from "../../../rules/ipset/set-table.ts";

test.each([
  [0, 65536],
  [32768, 65536],
  [32769, 131072],
  [65536, 131072],
  [65537, 262144],
  [100_000, 262144],
])("a set that begins with %i entries has room for %i", (size, most) => {
  expect(maxElemFor(size)).toBe(most);
});

test("nothing wanted is no set, and a new set is empty and of no size yet", () => {
  expect(noSets(6)).toEqual({ family: 6, sets: {} });
  const set = emptySet("KUBE-A", "hash:ip");
  expect([set.entries.size, set.mostEntries, set.type]).toEqual([0, undefined, "hash:ip"]);
});
