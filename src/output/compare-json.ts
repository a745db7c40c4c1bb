// A comparison as JSON. In: names of both sides, Comparison of each family. Out: text.
import { endText, type Fate } from "../../rules/compare/fate.ts";
import { toNumber } from "../../rules/trace/fraction.ts";
import type { ComparedFamily, SideNames } from "./compare-text.ts";

/** One object: `a`, `b` (names), `same`, `families` (each with `family`, `classes`, `leftOut`, `differences`). Every difference is in it. */
export function renderCompareJson(names: SideNames, compared: readonly ComparedFamily[]): string {
  const families = compared.map(({ family, comparison: { classes, differences, leftOut } }) => ({
    family,
    classes,
    leftOut,
    differences: differences.map(({ destination, client, again, state, a, b }) => ({
      destination,
      from: { name: client.name, origin: client.origin, source: client.source, inInterface: client.inInterface },
      again,
      state,
      a: fateJson(a),
      b: fateJson(b),
    })),
  }));
  const same = families.every(({ differences }) => differences.length === 0);
  return `${JSON.stringify({ ...names, same, families }, undefined, 2)}\n`;
}

function fateJson(fate: Fate) {
  return [...fate.values()].map(({ end, chance, isChoice, conditions, heldSeconds }) => ({
    text: endText(end),
    end,
    chance: isChoice ? undefined : toNumber(chance),
    conditions: conditions === "" ? undefined : conditions,
    heldSeconds,
  }));
}
