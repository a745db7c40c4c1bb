// Repairs into the history. In: a family's Proxier, History. Out: a Proxier whose repairs are kept there.
import type { Family, IpvsChange } from "../../rules/index.ts";
import type { FamilyRecord, History } from "./history.ts";
import type { Proxier } from "./proxier.ts";
import { servicesOf } from "./step-writer.ts";

/** Nothing else of the proxier changes. Of batches that a repair wrote nothing is known: their number is 0. */
export function keepRepairs(proxier: Proxier, family: Family, history: History): Proxier {
  return {
    ...proxier,
    repair: async (...given) => {
      const [startedAt, began] = [Date.now(), performance.now()];
      const keep = (
        changes: readonly IpvsChange[],
        result: FamilyRecord["result"],
        message: string | undefined,
      ): void => {
        const seconds = (performance.now() - began) / 1000;
        const record = { family, scope: "full", changes: changes.length, batches: 0, seconds, result } as const;
        const families = [message === undefined ? record : { ...record, message }];
        history.add({
          kind: "repair",
          cause: "read-back",
          startedAt,
          seconds,
          families,
          services: servicesOf(changes),
        });
      };
      try {
        const drift = await proxier.repair(...given);
        const { changes, failure } = drift;
        keep(changes, failure === undefined ? "good" : "failed", failure?.message);
        if (failure !== undefined)
          history.failed({ at: Date.now(), family, message: failure.message, script: failure.script });
        return drift;
      } catch (error) {
        keep([], "failed", error instanceof Error ? error.message : String(error));
        throw error;
      }
    },
  };
}
