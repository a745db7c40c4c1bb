// What the agent did last. In: passes and repairs as they end, batches that were refused. Out: History, which stays small however long it runs.
import type { Family } from "../../rules/index.ts";

/** One pass or repair, over all families that it looked at. */
export type PassRecord = {
  /** From 1; passes and repairs that did nothing have a number too, and are not kept. */
  readonly number: number;
  readonly kind: "pass" | "repair";
  /** In words, such as `2 Services, 3 EndpointSlices changed`; see `causeOfPass`. */
  readonly cause: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly seconds: number;
  readonly families: readonly FamilyRecord[];
  /** `namespace/name` of those that changed; the first 20. */
  readonly services: readonly string[];
};

export type FamilyRecord = {
  readonly family: Family;
  /** `full`: the kernel was read first. */
  readonly scope: "full" | "partial";
  /** Chains and jumps. */
  readonly changes: number;
  readonly batches: number;
  readonly seconds: number;
  readonly result: "good" | "failed";
  /** Why it failed, in the tool's words; or what a good one has to say. At most 2,000 characters. */
  readonly message?: string;
};

/** A batch that the kernel refused. */
export type FailedBatch = {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly family: Family;
  /** The tool's words. */
  readonly message: string;
  /** What it was fed; of a long one the 100,000 characters around the line that it named. Empty where it is not known. */
  readonly script: string;
};

/** All since the start. */
export type Totals = {
  readonly passes: number;
  /** Those of them that failed. */
  readonly failedPasses: number;
  /** How often everything was read back, counted for each family. */
  readonly readBacks: number;
  /** Those of them that found something to put right. */
  readonly repairs: number;
};

export type History = {
  /** Counts a pass or repair, and keeps it where it did something or failed. */
  readonly add: (record: Omit<PassRecord, "number">) => void;
  /** Keeps a refused batch in place of the one before. */
  readonly failed: (batch: FailedBatch) => void;
  /** Those kept, at most 100, newest first. */
  readonly passes: () => readonly PassRecord[];
  readonly lastFailed: () => FailedBatch | undefined;
  readonly totals: () => Totals;
};

const mostPasses = 100;
const mostServices = 20;
const longestMessage = 2000;
const longestScript = 100_000;

/** A history in which nothing has happened. */
export function createHistory(): History {
  let kept: readonly PassRecord[] = [];
  let lastFailed: FailedBatch | undefined;
  let totals: Totals = { passes: 0, failedPasses: 0, readBacks: 0, repairs: 0 };
  return {
    add: (record) => {
      const { kind, families } = record;
      const isFailed = families.some(({ result }) => result === "failed");
      const isIdle = !isFailed && families.every(({ changes, message }) => changes === 0 && message === undefined);
      totals =
        kind === "pass"
          ? { ...totals, passes: totals.passes + 1, failedPasses: totals.failedPasses + (isFailed ? 1 : 0) }
          : { ...totals, readBacks: totals.readBacks + 1, repairs: totals.repairs + (isIdle ? 0 : 1) };
      if (isIdle) return;
      const number = totals.passes + totals.readBacks;
      const services = record.services.slice(0, mostServices);
      kept = [{ ...record, number, services, families: families.map(shortened) }, ...kept].slice(0, mostPasses);
    },
    failed: (batch) => {
      lastFailed = { ...batch, script: cutScript(batch.script, lineNamed(batch.message)) };
    },
    passes: () => kept,
    lastFailed: () => lastFailed,
    totals: () => totals,
  };
}

function shortened(record: FamilyRecord): FamilyRecord {
  const { message } = record;
  if (message === undefined || message.length <= longestMessage) return record;
  return { ...record, message: `${flat(message.slice(0, longestMessage - 3))}...` };
}

/** `Error occurred at line: 12`, `line 12: CHAIN_DEL failed`, `line 12 failed`. Undefined where the tool names none. */
function lineNamed(message: string): number | undefined {
  const found = /line:? (\d+)/.exec(message);
  return found === null ? undefined : Number(found[1]);
}

/** Whole lines where there are any; what is left out is counted in comments, which iptables-restore passes over. */
function cutScript(script: string, line: number | undefined): string {
  if (script.length <= longestScript) return script;
  const middle = line === undefined ? 0 : startOfLine(script, line);
  const from = Math.max(0, Math.min(middle - longestScript / 2, script.length - longestScript));
  const first = from === 0 ? 0 : script.indexOf("\n", from) + 1;
  const last = script.lastIndexOf("\n", from + longestScript - 1) + 1;
  const end = last <= first ? from + longestScript : last;
  const before = countLines(script.slice(0, first));
  const after = countLines(script.slice(end));
  const above = before === 0 ? "" : `# ${before} lines before these\n`;
  const below = after === 0 ? "" : `# ${after} lines after these\n`;
  return `${above}${flat(script.slice(first, end))}${below}`;
}

/** Where line number `line`, from 1, begins; the end where there are not so many. */
function startOfLine(script: string, line: number): number {
  let at = 0;
  for (let seen = 1; seen < line; seen++) {
    const end = script.indexOf("\n", at);
    if (end < 0) return script.length;
    at = end + 1;
  }
  return at;
}

function countLines(text: string): number {
  return text.split("\n").length - 1;
}

/** A part of a text keeps the whole in memory (V8's sliced strings); a copy does not. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}
