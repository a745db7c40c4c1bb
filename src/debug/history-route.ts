// Answers /debug/history. In: History. Out: Route.
import type { History } from "../agent/history.ts";
import { jsonAnswer } from "../http/answer.ts";
import type { Route } from "../http/routes.ts";

/** `/debug/history`: JSON of the totals, the last passes and repairs, newest first, and the last batch that was refused. Times are RFC 3339. */
export function historyRoute(history: History): Route {
  return {
    path: "/debug/history",
    answer: () => {
      const failed = history.lastFailed();
      const answer = {
        totals: history.totals(),
        passes: history.passes().map((pass) => ({ ...pass, startedAt: time(pass.startedAt) })),
        ...(failed === undefined ? {} : { lastFailedBatch: { ...failed, at: time(failed.at) } }),
      };
      return jsonAnswer(200, `${JSON.stringify(answer, undefined, 2)}\n`);
    },
  };
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
