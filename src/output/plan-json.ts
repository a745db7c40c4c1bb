// A plan as JSON. In: Desired. Out: the model and the ruleset of each family, as plain data.
import { renderRule, servicePorts, type Build, type Table } from "../../rules/index.ts";
import { values } from "../../rules/radix/radix.ts";
import type { Desired } from "../desired/desired.ts";

/** One object: `families` (each with `family`, `node`, `services`, `ruleset`), `placeholders`, `problems`, `skipped`. */
export function renderPlanJson(desired: Desired): string {
  const { placeholders, problems, skipped } = desired;
  const plan = { families: desired.builds.map(familyOf), placeholders, problems, skipped: Object.fromEntries(skipped) };
  return `${JSON.stringify(plan, undefined, 2)}\n`;
}

function familyOf({ model, ruleset }: Build) {
  const { family, ...node } = model.view;
  const { filter, nat } = ruleset.tables;
  return { family, node, services: servicePorts(model), ruleset: { filter: tableOf(filter), nat: tableOf(nat) } };
}

function tableOf({ jumps, chains }: Table) {
  const text = (rule: Parameters<typeof renderRule>[0]) => ({ ...rule, text: renderRule(rule).trimStart() });
  return {
    jumps: jumps.map(({ from, rule }) => ({ from, rule: text(rule) })),
    chains: values(chains).map(({ name, owner, rules }) => ({ name, owner, rules: rules.map(text) })),
  };
}
