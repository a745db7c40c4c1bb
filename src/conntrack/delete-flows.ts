// Deletes entries of the connection table. In: Deletion[], the conntrack tool. Out: how many entries are gone, and how many are left.
import type { Deletion } from "../../rules/conntrack/deletions.ts";
import type { Ended } from "../kernel/run.ts";
import type { RunConntrack } from "./tool.ts";

/** `failed` counts the flows whose deletion was refused or not tried; `failure` says why. Flows that ended by themselves are in neither. */
export type Deleted = { readonly deleted: number; readonly failed: number; readonly failure: string | undefined };

/** What one call may cost. */
export type Limits = {
  /** No process is begun after so long. */
  readonly seconds: number;
  readonly processes: number;
  /** Milliseconds of any clock. */
  readonly now: () => number;
};

/**
 * Deletes in order, a process for each, until something is refused or a limit is reached. `--load-file` would take many deletions at once, but
 * saves little: each reads the whole table. It also needs 1.4.7, and a file, since it opens /dev/stdin, which fails for the socket
 * that Node gives a process.
 */
export async function deleteFlows(deletions: readonly Deletion[], run: RunConntrack, limits: Limits): Promise<Deleted> {
  const end = limits.now() + limits.seconds * 1000;
  let deleted = 0;
  for (const [at, { args }] of deletions.entries()) {
    if (at >= limits.processes || limits.now() >= end)
      return { deleted, failed: count(deletions.slice(at)), failure: "stopped at the limit of time or processes" };
    const ended = await run(args, { timeoutSeconds: 60 });
    deleted += printedFlows(ended);
    if (!isGood(ended)) return { deleted, failed: count(deletions.slice(at)), failure: whyNot(ended) };
  }
  return { deleted, failed: 0, failure: undefined };
}

/** With nothing to delete the tool exits with 1. */
function isGood({ code, stderr }: Ended): boolean {
  return code === 0 || (code === 1 && /\b0 flow entries have been deleted/.test(stderr));
}

function whyNot({ code, stderr, failure }: Ended): string {
  return failure ?? (stderr.trim() || `exit status ${String(code)}`);
}

/** Each entry that is deleted is printed, on a line of its own. */
function printedFlows({ stdout }: Ended): number {
  return stdout.split("\n").filter((line) => line !== "").length;
}

function count(deletions: readonly Deletion[]): number {
  return deletions.reduce((sum, { flows }) => sum + flows, 0);
}
