// What every command says of its input. In: Desired, a log. Out: lines in the log, and the exit status they call for.
import type { Logger } from "winston";
import { findIpvsProblems, renderProblem, type IpvsBuild } from "../../rules/index.ts";
import type { Desired } from "../desired/desired.ts";
import type { Observed } from "../ipvs/observe.ts";

/** Exit statuses. `problems`: the rules are good, but some input gave none. `trouble`: the command could not do its work. */
export const exit = { ok: 0, problems: 1, differences: 1, trouble: 2 } as const;

/** Logs every problem, and what was skipped. Returns whether any input was left out because of an error in it. */
export function reportInput({ problems, placeholders, skipped }: Desired, log: Logger): boolean {
  for (const { severity, line } of problems) {
    if (severity === "error") log.error(line);
    else log.warn(line);
  }
  const kinds = [...skipped].map(([kind, count]) => `${kind} ${count}`);
  if (kinds.length > 0) log.info(`objects that no rule depends on were skipped: ${kinds.join(", ")}`);
  if (placeholders.length > 0)
    log.info(`${placeholders.length} values that no manifest gives were made up; they are marked as placeholders`);
  return problems.some(({ severity }) => severity === "error");
}

/** Logs what of a node's state could not be read, and which Services have lost to virtual servers of others. Returns whether any has. */
export function reportObserved(build: IpvsBuild | undefined, { others, problems }: Observed, log: Log): boolean {
  for (const problem of problems) log.warn(problem);
  const taken =
    build === undefined ? [] : findIpvsProblems(build, others).filter(({ severity }) => severity === "error");
  for (const problem of taken) log.error(renderProblem(problem));
  return taken.length > 0;
}

type Log = Pick<Logger, "info" | "warn" | "error">;
