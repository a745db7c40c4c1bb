// A whole ruleset as the kernel would print it. In: Ruleset. Out: text in the form of iptables-save, ours only.
import { values } from "../../radix/radix.ts";
import type { Ruleset, Table, TableName } from "../ruleset/chain.ts";
import { ruleLine } from "./render-rule.ts";

/** The ruleset in the form of iptables-save: tables in order filter, nat; chains by name. Reads back as the same ruleset. */
export function renderRuleset(ruleset: Ruleset): string {
  const tables: readonly TableName[] = ["filter", "nat", "mangle"];
  return tables.map((table) => renderTable(table, ruleset.tables[table])).join("");
}

function renderTable(name: TableName, table: Table): string {
  const chains = values(table.chains);
  if (chains.length === 0 && table.jumps.length === 0) return "";
  const declared = chains.map((chain) => `:${chain.name} - [0:0]`);
  const jumps = table.jumps.map(({ from, rule }) => ruleLine(from, rule));
  const rules = chains.flatMap((chain) => chain.rules.map((rule) => ruleLine(chain.name, rule)));
  return [`*${name}`, ...declared, ...jumps, ...rules, "COMMIT", ""].join("\n");
}
