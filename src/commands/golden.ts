// `rulewright golden check|update`: cases in folders. In: directories. Out: diffs, or rewritten files; exit 0 well, 1 failures, 2 trouble.
import { writeFile } from "node:fs/promises";
import type { Logger } from "winston";
import { InputError } from "../desired/desired.ts";
import { checkCase, type Outcome } from "../golden/check.ts";
import { findCases } from "../golden/find.ts";
import { renderJunit } from "../golden/junit.ts";
import { renderOutcome, renderTally, renderUpdate, renderUpdateTally } from "../golden/report.ts";
import { updateCase, type Update } from "../golden/update.ts";
import { exit } from "./report.ts";

export type GoldenCheckOptions = { readonly directories: readonly string[]; readonly junit?: string };
export type GoldenUpdateOptions = { readonly directories: readonly string[] };

/** Says of each case that fails why, and counts. A case that could not be run is trouble, whatever the others did. */
export async function goldenCheck({ directories, junit }: GoldenCheckOptions, log: Logger): Promise<number> {
  const outcomes: Outcome[] = [];
  for (const folder of await findCases(directories)) {
    const outcome = await checkCase(folder);
    log.debug(`${outcome.kind}: ${JSON.stringify(folder.path)}`);
    process.stdout.write(renderOutcome(outcome, process.stdout.isTTY));
    outcomes.push(outcome);
  }
  if (junit !== undefined) await writeJunit(junit, outcomes);
  process.stdout.write(renderTally(outcomes));
  return statusOf(outcomes);
}

/** Says of each case what was done. Orphans are failures here too. */
export async function goldenUpdate({ directories }: GoldenUpdateOptions): Promise<number> {
  const updates: Update[] = [];
  for (const folder of await findCases(directories)) {
    const update = await updateCase(folder);
    process.stdout.write(renderUpdate(update));
    updates.push(update);
  }
  process.stdout.write(renderUpdateTally(updates));
  return statusOf(updates);
}

function statusOf(results: readonly { readonly kind: (Outcome | Update)["kind"] }[]): number {
  if (results.some(({ kind }) => kind === "broken")) return exit.trouble;
  return results.some(({ kind }) => kind === "failed") ? exit.differences : exit.ok;
}

async function writeJunit(file: string, outcomes: readonly Outcome[]): Promise<void> {
  try {
    await writeFile(file, renderJunit(outcomes));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new InputError(`cannot write ${JSON.stringify(file)}: ${message}`, { cause: error });
  }
}
