// Makes the kernel as wanted. In: Kernel, desired ruleset. Out: what was there, what was changed, and whether it reads back so.
import {
  changeOfLine,
  diffRulesets,
  orderChanges,
  ownedByUs,
  parseRuleset,
  renderBatch,
  type Batch,
  type Change,
  type Ownership,
  type Ruleset,
} from "../../rules/index.ts";
import type { Kernel, Restored, Variant } from "./kernel.ts";

/** What one pass over one family did. */
export type Applied = {
  readonly changes: readonly Change[];
  readonly batches: readonly Batch[];
  /** How many of the batches are in the kernel now. */
  readonly done: number;
  /** What still differs after a read-back; empty where all is well. Undefined where nothing was written. */
  readonly left: readonly Change[] | undefined;
  readonly refused?: Refusal;
};

/** A batch that the kernel did not take. Those before it are in force; those after it were not tried. */
export type Refusal = {
  /** From 1. */
  readonly batch: number;
  readonly message: string;
  /** The line of the batch that the tool named, and the change that it belongs to. */
  readonly line: number | undefined;
  readonly change: Change | undefined;
};

/** iptables-nft-restore's time grows with the square of the chains in a commit; iptables-legacy copies the table in each. */
export function chainsPerBatch(variant: Variant): number {
  return variant === "nft" ? 1000 : Infinity;
}

/** The changes that `desired` needs in this kernel. */
export async function readChanges(kernel: Kernel, desired: Ruleset, owns: Ownership = ownedByUs): Promise<Change[]> {
  const { family } = desired;
  return diffRulesets(parseRuleset(await kernel.readRules(family), family, owns), desired);
}

/** Reads, writes the difference batch by batch, reads back. Stops at the first batch that is refused. */
export async function apply(kernel: Kernel, desired: Ruleset, owns: Ownership = ownedByUs): Promise<Applied> {
  const { family } = desired;
  const changes = await readChanges(kernel, desired, owns);
  const batches = orderChanges(changes, chainsPerBatch(kernel.variant));
  for (const [index, batch] of batches.entries()) {
    const restored = await kernel.restore(family, renderBatch(batch));
    if (!restored.ok) {
      return { changes, batches, done: index, left: undefined, refused: refusalOf(index + 1, batch, restored) };
    }
  }
  const left = batches.length === 0 ? undefined : await readChanges(kernel, desired, owns);
  return { changes, batches, done: batches.length, left };
}

/** Has the tool check every batch without writing; a batch that needs chains of an earlier one is checked together with it. */
export async function rehearse(kernel: Kernel, desired: Ruleset, owns: Ownership = ownedByUs): Promise<Applied> {
  const changes = await readChanges(kernel, desired, owns);
  const batches = orderChanges(changes, chainsPerBatch(kernel.variant));
  const restored = await kernel.check(desired.family, batches.map(renderBatch).join(""));
  if (restored.ok) return { changes, batches, done: 0, left: undefined };
  const { index, line } = locate(batches, restored.line);
  const batch = batches[index];
  const refused = batch === undefined ? noPlace(restored) : refusalOf(index + 1, batch, { ...restored, line });
  return { changes, batches, done: 0, left: undefined, refused };
}

function refusalOf(number: number, batch: Batch, restored: Exclude<Restored, { ok: true }>): Refusal {
  const { message, line } = restored;
  return { batch: number, message, line, change: line === undefined ? undefined : changeOfLine(batch, line) };
}

function noPlace({ message }: Exclude<Restored, { ok: true }>): Refusal {
  return { batch: 1, message, line: undefined, change: undefined };
}

/** Which batch a line of all batches together is in, and which line of it. */
function locate(batches: readonly Batch[], line: number | undefined): { index: number; line: number | undefined } {
  let left = line ?? 0;
  for (const [index, batch] of batches.entries()) {
    const length = renderBatch(batch).split("\n").length - 1;
    if (left <= length) return { index, line: line === undefined ? undefined : left };
    left -= length;
  }
  return { index: 0, line: undefined };
}
