// Tests of rules/ipvs/state.ts.
import { expect, test } from "@jest/globals";
import { emptyState } from "../../../rules/ipvs/state.ts";
import { diffStates } from "../../../rules/ipvs/steps.ts";
import { aFakeNode, patient } from "../../make/ipvs.ts";

test.each([4, 6] as const)("a node without anything of ours is in the empty state of IPv%i", async (family) => {
  const { state, problems } = await (await aFakeNode()).read(family);
  expect(problems).toEqual([]);
  expect(diffStates(state, emptyState(family), patient).steps).toEqual([]);
  expect(state).toEqual(emptyState(family));
});
