// Answers /debug/status. In: a running agent. Out: Route.
import type { Agent } from "../agent/agent.ts";
import type { HealthTracker } from "../health/health-tracker.ts";
import { jsonAnswer } from "../http/answer.ts";
import type { Route } from "../http/routes.ts";
import type { Notes } from "./status-notes.ts";
import { buildStatus, type StatusFacts } from "./status.ts";

/** The agent, and what does not change about it. */
export type Watched = Pick<StatusFacts, "node" | "version" | "mode" | "variant" | "dryRun" | "server" | "startedAt"> & {
  readonly agent: Pick<Agent, "builds" | "draining" | "history" | "quarantined" | "watches">;
  readonly health: HealthTracker;
  readonly notes: () => Notes;
};

/** `/debug/status`: JSON of `Status`. Always 200: who asks whether it is healthy reads it there, and probes ask /healthz. */
export function statusRoute({ agent, health, notes, ...fixed }: Watched): Route {
  return {
    path: "/debug/status",
    answer: () => {
      const status = buildStatus({
        ...fixed,
        now: Date.now(),
        health: health.health(),
        standing: health.node(),
        builds: agent.builds(),
        draining: agent.draining(),
        passes: agent.history.passes(),
        lastFailed: agent.history.lastFailed(),
        quarantined: agent.quarantined(),
        notes: notes(),
        watches: agent.watches(),
      });
      return jsonAnswer(200, `${JSON.stringify(status, undefined, 2)}\n`);
    },
  };
}
