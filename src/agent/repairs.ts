// Whether the kernel is as it was written, and what is done where it is not. In: Work. Out: looks and repairs; metrics, events and the log are told.
import { nodeReference, occasions } from "../events/event.ts";
import { renderChanges, renderCount } from "../output/changes.ts";
import { countDrift } from "./record.ts";
import type { Work } from "./work.ts";

/** Every family. What cannot be read is left to a repair, which tells of it. */
export async function isAsWritten({ proxiers }: Pick<Work, "proxiers">, fully: boolean): Promise<boolean> {
  for (const { proxier } of proxiers) {
    const found = await proxier.check(fully).catch(() => "differs");
    if (found !== "as-written") return false;
  }
  return true;
}

/** Reads back what each family has, and says what was not as it was written. False where not all of it could be put right. */
export async function repairAll({
  proxiers,
  surroundings,
  settings,
}: Pick<Work, "proxiers" | "surroundings" | "settings">): Promise<boolean> {
  const { log, metrics } = surroundings;
  let isGood = true;
  for (const { family, proxier } of proxiers) {
    try {
      const { changes, failure } = await proxier.repair();
      isGood &&= failure === undefined;
      if (changes.length === 0) continue;
      countDrift(metrics, family, changes);
      const end = failure === undefined ? ", and were repaired" : "";
      log.warn(
        `IPv${family}: rules were not as written${end}: ${renderCount(changes)}\n${renderChanges(changes, false)}`,
      );
      const note = `IPv${family}: rules were not as written${end}: ${renderCount(changes)}`;
      surroundings.tell({ regarding: nodeReference(settings.nodeName), ...occasions.RulesDrifted, note });
      if (failure !== undefined) log.error(`IPv${family}: the repair was refused: ${failure.message}`);
    } catch (error) {
      isGood = false;
      log.error(
        `IPv${family}: rules could not be read back: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  return isGood;
}
