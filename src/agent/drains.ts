// Takes away what has drained, of all families. In: Work. Out: DrainLooks over its proxiers; metrics, history and the log are told.
import { renderCount } from "../output/changes.ts";
import type { Draining } from "./drain-clock.ts";
import { createDrainLooks, type DrainLooks } from "./drain-looks.ts";
import type { Turns } from "./turns.ts";
import type { Work } from "./work.ts";

export type DrainSettings = {
  readonly turns: Turns;
  /** A look failed, and only a pass can put that right. */
  readonly onFailure: () => void;
  /** Only tests have others than the usual times. */
  readonly times?: { readonly soonMs?: number; readonly laterMs?: number };
};

/** None where proxiers know of no draining, as in iptables mode. */
export function createDrains(
  work: Pick<Work, "proxiers" | "surroundings" | "history">,
  settings: DrainSettings,
): DrainLooks {
  const { proxiers, surroundings } = work;
  const { metrics } = surroundings;
  const draining = (): readonly Draining[] =>
    proxiers.flatMap(({ family, proxier }) => {
      const found = proxier.draining?.();
      if (found !== undefined) metrics.setDraining(family, found.count);
      return found ?? [];
    });
  const look = async (): Promise<void> => {
    if (!(await lookAll(work))) settings.onFailure();
  };
  return createDrainLooks({ draining, look: () => settings.turns(look), ...settings.times });
}

async function lookAll({ proxiers, surroundings, history }: Pick<Work, "proxiers" | "surroundings" | "history">) {
  const { log } = surroundings;
  let isGood = true;
  for (const { family, proxier } of proxiers) {
    try {
      const drained = await proxier.drain?.();
      if (drained === undefined) continue;
      const { changes, failure } = drained;
      if (failure !== undefined) {
        isGood = false;
        log.error(`IPv${family}: what has drained could not be taken away: ${failure.message}`);
        history.failed({ at: Date.now(), family, message: failure.message, script: failure.script });
      } else if (changes.length > 0) log.info(`IPv${family}: drained: ${renderCount(changes)}`);
    } catch (error) {
      isGood = false;
      log.error(
        `IPv${family}: what drains could not be looked at: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  return isGood;
}
