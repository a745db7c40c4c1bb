// Chains and rulesets. In: nothing. Out: their types, and the empty ones.
import { emptyRadix, type Radix } from "../../radix/radix.ts";
import type { Family } from "../../net/ip.ts";
import type { ChainName } from "./chain-name.ts";
import type { Rule } from "./rule.ts";

export type TableName = "filter" | "nat" | "mangle";

/** All that one proxy has in the kernel for one family. */
export type Ruleset = { readonly family: Family; readonly tables: Readonly<Record<TableName, Table>> };

export type Table = {
  /** Rules in built-in chains that lead into ours, each chain's in the order in which they are met. */
  readonly jumps: readonly Jump[];
  /** Our own chains, by name. */
  readonly chains: Radix<Chain>;
};

export type Jump = { readonly from: BuiltInChain; readonly rule: Rule };

export type BuiltInChain = "PREROUTING" | "INPUT" | "FORWARD" | "OUTPUT" | "POSTROUTING";

export type Chain = {
  readonly name: ChainName;
  readonly rules: readonly Rule[];
  /** The Service port (`namespace/name[:port]`) that the chain is there for; undefined for those that serve all. */
  readonly owner: string | undefined;
  /** True for a chain that kubelet writes too: rules of others in it stay, and the chain itself does where kubelet is at work. */
  readonly shared?: true;
};

/** A table with nothing of ours. */
export const emptyTable: Table = { jumps: [], chains: emptyRadix() };

/** A ruleset with nothing of ours. */
export function emptyRuleset(family: Family): Ruleset {
  return { family, tables: { filter: emptyTable, nat: emptyTable, mangle: emptyTable } };
}
