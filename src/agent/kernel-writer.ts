// Brings changes into the kernel. In: Kernel, rulesets before and after. Out: Written: done, or which batch was refused and for which Services.
import {
  causeOf,
  changeOfLine,
  diffRulesets,
  orderChanges,
  renderBatch,
  type Batch,
  type Change,
  type Family,
  type Ruleset,
} from "../../rules/index.ts";
import { chainsPerBatch } from "../kernel/apply.ts";
import type { Kernel } from "../kernel/kernel.ts";

/** How a write ended. `done` batches are in force either way; none of them leaves a rule that leads to a half-written chain. */
export type Written =
  | {
      readonly ok: true;
      readonly changes: readonly Change[];
      readonly batches: number;
      /** Why chains that nothing of ours leads to any more are there still; undefined where there are none. */
      readonly left: Refused | undefined;
      /** Those chains, as `table name`. */
      readonly leftChains: readonly string[];
    }
  | { readonly ok: false; readonly changes: readonly Change[]; readonly done: number; readonly refused: Refused };

export type Refused = {
  /** The tool's own words. */
  readonly message: string;
  /** The batch as it was fed to the tool. */
  readonly script: string;
  /** Whether the tool named a line: the text is to blame then, and not the lock, the memory or the tool. */
  readonly namesLine: boolean;
  /** The Services of the line that the tool named; empty where it is nobody's or unknown. */
  readonly services: readonly string[];
  /** Each of them is refused, and nobody else: the tool went on after the first. */
  readonly eachRefused?: boolean;
};

/** Writes what differs, as `writeChanges` does. */
export function write(kernel: Kernel, before: Ruleset, after: Ruleset): Promise<Written> {
  return writeChanges(kernel, after.family, diffRulesets(before, after));
}

/**
 * Writes changes batch by batch, and stops at the first that is refused. Chains that cannot be deleted, since rules of others lead to
 * them, are left: they are in nobody's way, and what comes with their deletion must not wait for others.
 */
export async function writeChanges(kernel: Kernel, family: Family, changes: readonly Change[]): Promise<Written> {
  const batches = orderChanges(changes, chainsPerBatch(kernel.variant));
  let left: Refused | undefined;
  const leftChains: string[] = [];
  for (const [done, batch] of batches.entries()) {
    const first = await writeBatch(kernel, family, batch);
    if (first === undefined) continue;
    const rest = batch.changes.filter(({ kind }) => kind !== "delete-chain");
    if (first.change?.kind !== "delete-chain") return { ok: false, changes, done, refused: first.refused };
    left ??= first.refused;
    for (const change of batch.changes)
      if (change.kind === "delete-chain") leftChains.push(`${change.table} ${change.before.name}`);
    const second = rest.length === 0 ? undefined : await writeBatch(kernel, family, { ...batch, changes: rest });
    if (second !== undefined) return { ok: false, changes, done, refused: second.refused };
  }
  return { ok: true, changes, batches: batches.length, left, leftChains };
}

/** Undefined where the batch was taken. */
async function writeBatch(
  kernel: Kernel,
  family: Family,
  batch: Batch,
): Promise<{ readonly refused: Refused; readonly change: Change | undefined } | undefined> {
  const script = renderBatch(batch);
  const restored = await kernel.restore(family, script);
  if (restored.ok) return undefined;
  const { line } = restored;
  // For a log each is one line.
  const message = restored.message.trim().replaceAll(/\s*\n\s*/g, "; ");
  const change = line === undefined ? undefined : changeOfLine(batch, line);
  const services = change === undefined ? [] : servicesOf(change);
  return { refused: { message, script, namesLine: line !== undefined, services }, change };
}

/** `namespace/name` of the Services that a change is made for. */
function servicesOf(change: Change): string[] {
  return [...new Set(causeOf(change).services.map((name) => name.replace(/:.*$/, "")))];
}
