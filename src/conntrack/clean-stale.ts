// Frees clients from endpoints that are gone. In: models in force, what is owed, the conntrack tool. Out: Cleaned.
import { deletionsOf } from "../../rules/conntrack/deletions.ts";
import { parseFlows, type Flow } from "../../rules/conntrack/flow.ts";
import type { Owed } from "../../rules/conntrack/owed.ts";
import { staleFlows } from "../../rules/conntrack/stale.ts";
import type { Tracked } from "../../rules/conntrack/targets.ts";
import type { Ip } from "../../rules/net/ip.ts";
import type { Model } from "../../rules/model/model.ts";
import type { Ended } from "../kernel/run.ts";
import { deleteFlows, type Limits } from "./delete-flows.ts";
import type { RunConntrack } from "./tool.ts";

/** One family whose rules are in force, and the cleanup that it owes. */
export type Subject = { readonly model: Model; readonly owed: Owed };

export type CleanSettings = {
  /** Every address on the node's interfaces. */
  readonly nodeIps: readonly Ip[];
  /** Default UDP alone, as kube-proxy. */
  readonly tracked?: Tracked;
  /** Default: 20 s and 500 processes. */
  readonly limits?: Limits;
};

export type Cleaned = {
  readonly deleted: number;
  /** Stale flows that are still there. */
  readonly failed: number;
  /** Nothing stale is left: what was owed may be forgotten. */
  readonly done: boolean;
  /** Why it is not done, one line; the same each time for the same cause, so that it can be logged once. */
  readonly warning: string | undefined;
};

/**
 * Deletes the stale flows of these families and no others. To be called when the rules of the models are in force: flows that begin before that
 * are the stale ones. Never rejects: without the tool, or without the right to use it, flows stay until their clients pause, as the warning says.
 */
export async function cleanStale(
  subjects: readonly Subject[],
  settings: CleanSettings,
  run: RunConntrack | undefined,
): Promise<Cleaned> {
  const { nodeIps, tracked = ["UDP"], limits = defaultLimits } = settings;
  if (subjects.length === 0) return { deleted: 0, failed: 0, done: true, warning: undefined };
  if (run === undefined) return undone("the conntrack tool was not found: install the package conntrack");
  const stale: Flow[] = [];
  for (const { model, owed } of subjects) {
    for (const protocol of tracked) {
      const args = ["-L", "-f", `ipv${model.view.family}`, "-p", protocol.toLowerCase(), "-o", "extended"];
      const ended = await run(args, { timeoutSeconds: 60 });
      if (ended.code !== 0) return undone(`conntrack ${args.join(" ")}: ${reason(ended)}`);
      for (const flow of staleFlows(parseFlows(ended.stdout), model, { nodeIps, owed, tracked })) stale.push(flow);
    }
  }
  const { deleted, failed, failure } = await deleteFlows(deletionsOf(stale), run, limits);
  if (failure === undefined) return { deleted, failed, done: true, warning: undefined };
  return { ...undone(`conntrack -D: ${firstLine(failure)}`), deleted, failed };
}

const defaultLimits: Limits = { seconds: 20, processes: 500, now: () => performance.now() };

function undone(why: string): Cleaned {
  const warning = `${why}; clients that send to endpoints that are gone get no answer until they pause`;
  return { deleted: 0, failed: 0, done: false, warning };
}

function reason({ code, stderr, failure }: Ended): string {
  return failure ?? (firstLine(stderr) || `exit status ${String(code)}`);
}

function firstLine(text: string): string {
  return (text.trim().split("\n")[0] ?? "").replace(/^conntrack v\S+ \(conntrack-tools\): /, "");
}
