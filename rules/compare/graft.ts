// What a dump would be after changes. In: Dump, Change[]. Out: Dump, with the rules of others where they were.
import { renderRule } from "../iptables/text/render-rule.ts";
import type { Change } from "../iptables/diff/change.ts";
import type { Jump } from "../iptables/ruleset/chain.ts";
import type { Rule } from "../iptables/ruleset/rule.ts";
import {
  builtInChains,
  type Dump,
  type DumpChain,
  type DumpRule,
  type DumpTable,
} from "../iptables/text/parse-dump.ts";

/** Does to a dump what applying the changes does to the kernel that it was read from. Rules that were not in it have line 0. */
export function applyToDump(dump: Dump, changes: readonly Change[]): Dump {
  const tables = new Map<string, DumpTable>(dump.tables);
  for (const name of new Set(changes.map(({ table }) => table))) {
    const chains = new Map(tables.get(name)?.chains);
    for (const change of changes) if (change.table === name) applyChange(chains, change);
    tables.set(name, { name, chains });
  }
  return { family: dump.family, tables };
}

function applyChange(chains: Map<string, DumpChain>, change: Change): void {
  switch (change.kind) {
    case "create-chain":
    case "rewrite-chain": {
      const { name, rules } = change.after;
      chains.set(name, { name, policy: undefined, rules: rules.map(unplaced) });
      return;
    }
    case "delete-chain":
      chains.delete(change.before.name);
      return;
    case "move-jump":
      applyChange(chains, { ...change, kind: "delete-jump" });
      insertJump(chains, change, change.at - 1);
      return;
    case "insert-jump":
      insertJump(chains, change, 0);
      return;
    case "delete-jump": {
      const chain = builtIn(chains, change.from);
      const text = renderRule(change.rule);
      const at = chain.rules.findIndex(({ rule }) => renderRule(rule) === text);
      chains.set(change.from, { ...chain, rules: chain.rules.filter((_, index) => index !== at) });
    }
  }
}

function insertJump(chains: Map<string, DumpChain>, { from, rule }: Pick<Jump, "from" | "rule">, at: number): void {
  const chain = builtIn(chains, from);
  chains.set(from, { ...chain, rules: chain.rules.toSpliced(at, 0, unplaced(rule)) });
}

function builtIn(chains: ReadonlyMap<string, DumpChain>, name: string): DumpChain {
  return chains.get(name) ?? { name, policy: builtInChains.has(name) ? "ACCEPT" : undefined, rules: [] };
}

function unplaced(rule: Rule): DumpRule {
  return { line: 0, rule };
}
