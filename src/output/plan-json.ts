// A plan as JSON. In: Desired. Out: the model and the state of each family, as plain data.
import {
  renderRule,
  servicePorts,
  type Build,
  type IpvsBuild,
  type IpvsState,
  type Model,
  type Table,
} from "../../rules/index.ts";
import { entries, values } from "../../rules/radix/radix.ts";
import type { Desired } from "../desired/desired.ts";

/**
 * One object: `backend`, `families` (each with `family`, `node`, `services`, `ruleset`, and in IPVS mode `sets`, `addresses`, `servers`),
 * `placeholders`, `problems`, `skipped`.
 */
export function renderPlanJson(desired: Desired): string {
  const { backend, placeholders, problems, skipped } = desired;
  const families = [...desired.builds.map(familyOf), ...desired.ipvsBuilds.map(ipvsFamilyOf)];
  const plan = { backend, families, placeholders, problems, skipped: Object.fromEntries(skipped) };
  return `${JSON.stringify(plan, undefined, 2)}\n`;
}

function familyOf({ model, ruleset }: Build) {
  const { filter, nat } = ruleset.tables;
  return { ...modelOf(model), ruleset: { filter: tableOf(filter), nat: tableOf(nat) } };
}

function ipvsFamilyOf({ model, state: { ruleset, sets, addresses, servers } }: IpvsBuild) {
  const { filter, nat, mangle } = ruleset.tables;
  return {
    ...modelOf(model),
    sets: Object.values(sets.sets).map(setOf),
    addresses: values(addresses.held).map(({ ip, service }) => ({ ip, service })),
    servers: values(servers),
    ruleset: { mangle: tableOf(mangle), nat: tableOf(nat), filter: tableOf(filter) },
  };
}

function modelOf(model: Model) {
  const { family, ...node } = model.view;
  return { family, node, services: servicePorts(model) };
}

function setOf({ name, type, entries: held }: IpvsState["sets"]["sets"][string]) {
  return { name, type, entries: [...entries(held)].map(({ key, value }) => ({ entry: key, service: value })) };
}

function tableOf({ jumps, chains }: Table) {
  const text = (rule: Parameters<typeof renderRule>[0]) => ({ ...rule, text: renderRule(rule).trimStart() });
  return {
    jumps: jumps.map(({ from, rule }) => ({ from, rule: text(rule) })),
    chains: values(chains).map(({ name, owner, rules }) => ({ name, owner, rules: rules.map(text) })),
  };
}
