// What turns one ruleset into another. In: observed and desired rulesets. Out: Change[], empty where nothing differs.
import { changes as radixChanges, get } from "../../radix/radix.ts";
import type { Chain, Jump, Ruleset, Table, TableName } from "../ruleset/chain.ts";
import type { Rule } from "../ruleset/rule.ts";
import { renderRule } from "../text/render-rule.ts";
import type { Change } from "./change.ts";

/**
 * The changes from `observed` to `desired`, by table (filter, nat, mangle), then by chain name, jumps last. Chains that are the
 * same object are not looked into; of others, rules are compared by their canonical text. Only what is in `observed` can be
 * deleted, so what a parse passed over stays.
 */
export function diffRulesets(observed: Ruleset, desired: Ruleset): Change[] {
  const tables: readonly TableName[] = ["filter", "nat", "mangle"];
  return tables.flatMap((table) => diffTable(table, observed.tables[table], desired.tables[table]));
}

/** Whether two chains hold the same rules. */
export function sameRules(a: readonly Rule[], b: readonly Rule[]): boolean {
  return a.length === b.length && a.every((rule, at) => isSame(rule, b[at]));
}

function diffTable(table: TableName, observed: Table, desired: Table): Change[] {
  const found: Change[] = [];
  for (const { before, after } of radixChanges(observed.chains, desired.chains)) {
    const change = diffChain(table, before, after);
    if (change !== undefined) found.push(change);
  }
  return observed.jumps === desired.jumps ? found : [...found, ...diffJumps(table, observed, desired)];
}

function diffChain(table: TableName, before: Chain | undefined, after: Chain | undefined): Change | undefined {
  if (before === undefined) return after === undefined ? undefined : { kind: "create-chain", table, after };
  if (after === undefined) return before.shared === true ? undefined : { kind: "delete-chain", table, before };
  if (sameRules(before.rules, after.rules)) return undefined;
  if (after.shared !== true) return { kind: "rewrite-chain", table, before, after };
  // Rules that others put into a chain we share come first, as they were.
  const missing = after.rules.filter((rule) => !before.rules.some((other) => isSame(rule, other)));
  if (missing.length === 0) return undefined;
  return { kind: "rewrite-chain", table, before, after: { ...after, rules: [...before.rules, ...missing] } };
}

/**
 * Each jump must be there once; where it stands among the rules of others is kept. Missing ones are put first, the last of a
 * chain before the first, so that they end up in the order wanted.
 */
function diffJumps(table: TableName, observed: Table, desired: Table): Change[] {
  const missing = desired.jumps.filter((jump) => !observed.jumps.some((other) => isSameJump(jump, other)));
  const surplus = observed.jumps.filter(
    (jump) => !desired.jumps.some((other) => isSameJump(jump, other)) && !leadsToShared(jump, observed),
  );
  return [
    ...surplus.map(({ from, rule }) => ({ kind: "delete-jump" as const, table, from, rule })),
    ...missing.toReversed().map(({ from, rule }) => ({ kind: "insert-jump" as const, table, from, rule })),
  ];
}

function isSameJump(a: Jump, b: Jump): boolean {
  return a.from === b.from && isSame(a.rule, b.rule);
}

function leadsToShared({ rule: { target } }: Jump, { chains }: Table): boolean {
  return target?.kind === "jump" && get(chains, target.chain)?.shared === true;
}

function isSame(a: Rule, b: Rule | undefined): boolean {
  return b !== undefined && (a === b || renderRule(a) === renderRule(b));
}
