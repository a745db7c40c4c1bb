// Batches as text. In: Batch. Out: iptables-restore input for `--noflush`, and which Service each of its lines is for.
import { chainOf, type Change } from "../diff/change.ts";
import type { Batch } from "./order.ts";
import { quote } from "../text/quote.ts";
import { renderRule, ruleLine } from "../text/render-rule.ts";

/**
 * One table section, `*table` to `COMMIT`: chain lines first (each empties its chain, or makes it), then rules, then deletions.
 * For `iptables-restore --noflush`, which takes sections one after the other, each as one atomic commit.
 * Source: iptables-restore(8).
 */
export function renderBatch(batch: Batch): string {
  let text = `*${batch.table}\n`;
  for (const change of batch.changes) text += chainLine(change);
  for (const change of batch.changes) for (const line of ruleLines(change)) text += `${line}\n`;
  return `${text}COMMIT\n`;
}

/** All batches, one after the other. */
export function renderScript(batches: readonly Batch[]): string {
  return batches.map(renderBatch).join("");
}

/** The change that line `number` (from 1) of `renderBatch` is part of; undefined for the first and the last. */
export function changeOfLine(batch: Batch, number: number): Change | undefined {
  const declaring = batch.changes.filter((change) => chainLine(change) !== "");
  const owners = [...declaring, ...batch.changes.flatMap((change) => ruleLines(change).map(() => change))];
  return owners[number - 2];
}

function chainLine(change: Change): string {
  switch (change.kind) {
    case "insert-jump":
    case "move-jump":
    case "delete-jump":
      return "";
    case "create-chain":
    case "rewrite-chain":
    case "delete-chain":
      return `:${quote(chainOf(change))} - [0:0]\n`;
  }
}

function ruleLines(change: Change): string[] {
  switch (change.kind) {
    case "create-chain":
    case "rewrite-chain":
      return change.after.rules.map((rule) => ruleLine(change.after.name, rule));
    case "delete-chain":
      return [`-X ${quote(change.before.name)}`];
    case "insert-jump":
      return [`-I ${change.from} 1${renderRule(change.rule)}`];
    case "move-jump":
      // Within one commit nobody sees the moment between. The other way round -D would take the one that was just put there.
      return [
        `-D ${change.from}${renderRule(change.rule)}`,
        `-I ${change.from} ${change.at}${renderRule(change.rule)}`,
      ];
    case "delete-jump":
      return [`-D ${change.from}${renderRule(change.rule)}`];
  }
}
