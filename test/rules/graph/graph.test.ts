// Tests of rules/graph/graph.ts.
import { expect, test } from "@jest/globals";
import { edgeLines } from "../../../rules/graph/graph.ts";
import { certain, fraction } from "../../../rules/trace/fraction.ts";

test.each([
  ["nothing stands on an edge that always leads on", undefined, [], []],
  ["the share comes first", fraction(1, 4), ["others", "masquerade"], ["25%", "others", "masquerade"]],
  ["certainty is a share too", certain, [], ["100%"]],
  ["conditions have no share", undefined, ["from the node"], ["from the node"]],
])("%s", (_, share, words, expected) => {
  expect(edgeLines({ from: "a", to: "b", share, words })).toEqual(expected);
});
