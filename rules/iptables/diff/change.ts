// What must change in the kernel. In: nothing. Out: the Change type.
import type { BuiltInChain, Chain, TableName } from "../ruleset/chain.ts";
import type { ChainName } from "../ruleset/chain-name.ts";
import type { Rule } from "../ruleset/rule.ts";

/** One step from an observed ruleset to a desired one; `causeOf` says why. A chain is always replaced whole. */
export type Change =
  | { readonly kind: "create-chain"; readonly table: TableName; readonly after: Chain }
  | {
      readonly kind: "rewrite-chain";
      readonly table: TableName;
      readonly before: Chain;
      readonly after: Chain;
    }
  | { readonly kind: "delete-chain"; readonly table: TableName; readonly before: Chain }
  /** Put first in a built-in chain. */
  | JumpChange<"insert-jump">
  /** Is there, behind rules of others that it was before, and is put back. `at`: which rule of the chain it then is, from 1. */
  | (JumpChange<"move-jump"> & { readonly at: number })
  | JumpChange<"delete-jump">;

type JumpChange<Kind extends string> = {
  readonly kind: Kind;
  readonly table: TableName;
  readonly from: BuiltInChain;
  readonly rule: Rule;
};

/** The chain that a change is about. */
export function chainOf(change: Change): ChainName | BuiltInChain {
  switch (change.kind) {
    case "create-chain":
    case "rewrite-chain":
      return change.after.name;
    case "delete-chain":
      return change.before.name;
    case "insert-jump":
    case "move-jump":
    case "delete-jump":
      return change.from;
  }
}
