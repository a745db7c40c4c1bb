// Tests of src/output/compare-json.ts.
import { expect, test } from "@jest/globals";
import { renderCompareJson } from "../../../src/output/compare-json.ts";
import { aComparison, aDifference, aFate } from "./a-comparison.ts";

const names = { a: "before.rules", b: "web.yaml" };

test("says whether both are the same, of how many classes", () => {
  expect(JSON.parse(renderCompareJson(names, [{ family: 6, comparison: aComparison() }]))).toEqual({
    ...names,
    same: true,
    families: [{ family: 6, classes: 1234, leftOut: 0, differences: [] }],
  });
});

test("holds every difference, with its outcomes and their chances", () => {
  const differences = Array.from({ length: 150 }, () => aDifference({ b: aFate("10.0.0.1:80", "dropped") }));
  const said = JSON.parse(renderCompareJson(names, [{ family: 4, comparison: aComparison(...differences) }])) as {
    same: boolean;
    families: { differences: object[] }[];
  };
  expect(said.same).toBe(false);
  expect(said.families[0]?.differences).toHaveLength(150);
  expect(said.families[0]?.differences[0]).toMatchObject({
    destination: { ip: "10.96.0.10", port: 80, protocol: "tcp", name: "default/web cluster IP" },
    from: { name: "the node", origin: "node", source: "192.0.2.1" },
    a: [{ text: "to 10.0.0.1:80", chance: 1, end: { kind: "delivered", to: "10.0.0.1" } }],
    b: [
      { text: "to 10.0.0.1:80", chance: 0.5 },
      { text: "dropped", chance: 0.5, end: { kind: "dropped" } },
    ],
  });
});
