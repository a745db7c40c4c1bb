// When to work. In: news, how long work took, how it ended. Out: one run at a time, soon after news, rarer where runs are slow or fail.
import { setTimeout as after } from "node:timers/promises";

export type Pacer = {
  /** There is something to do; a run that has not begun yet will see it. */
  readonly news: () => void;
  /** Resolves when nothing runs and nothing will. */
  readonly stop: () => Promise<void>;
  /** When the oldest news came that no good run has seen, in milliseconds of `PacerTime.now`; undefined where there is none. */
  readonly waitingSince: () => number | undefined;
};

export type PacerSettings = {
  /** From the end of one run to the beginning of the next. */
  readonly minPauseSeconds: number;
  /** What is done; false: it failed, and is tried again later. Must not reject. `waitedSeconds`: of the oldest news that it takes up, so far. */
  readonly run: (waitedSeconds: () => number) => Promise<boolean>;
  /** Told after each run for how long the next is held back, since runs are slow or fail; 0 where only `minPauseSeconds` holds it back. */
  readonly onHeldBack?: (seconds: number) => void;
  /** Only tests have other than the real ones. */
  readonly time?: PacerTime;
};

export type PacerTime = {
  /** Milliseconds since any moment. */
  readonly now: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** 0 to 1. */
  readonly random: () => number;
};

/** Longest pause after failures. */
const longestMs = 30_000;

/**
 * Runs after news: at once where nothing ran for `minPauseSeconds`, else that long after the last run ended, and never before as much time
 * has passed as the last run itself took, so that a slow kernel gets rarer runs and not longer queues. Failures double the pause.
 */
export function createPacer({ minPauseSeconds, run, onHeldBack, time = realTime }: PacerSettings): Pacer {
  const stopping = new AbortController();
  let waitingSince: number | undefined;
  /** Of the news that the run under way has taken up. */
  let takenSince: number | undefined;
  let running: Promise<void> | undefined;
  let pauseUntil = 0;
  let failures = 0;

  const isStopping = (): boolean => stopping.signal.aborted;
  const loop = async (): Promise<void> => {
    while (waitingSince !== undefined && !isStopping()) {
      await time.sleep(Math.max(0, pauseUntil - time.now()), stopping.signal);
      if (isStopping()) return;
      const since = waitingSince;
      takenSince = since;
      waitingSince = undefined;
      const began = time.now();
      const isGood = await run(() => (time.now() - since) / 1000);
      const took = time.now() - began;
      failures = isGood ? 0 : failures + 1;
      if (!isGood) waitingSince = takenSince;
      takenSince = undefined;
      const heldBack = Math.max(took, isGood ? 0 : backoffMs(failures, time.random()));
      pauseUntil = time.now() + Math.max(minPauseSeconds * 1000, heldBack);
      onHeldBack?.(heldBack > minPauseSeconds * 1000 ? heldBack / 1000 : 0);
    }
  };

  const start = (): void => {
    running ??= loop().finally(() => {
      running = undefined;
      if (waitingSince !== undefined && !isStopping()) start();
    });
  };

  return {
    news: () => {
      waitingSince ??= time.now();
      start();
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
    waitingSince: () => takenSince ?? waitingSince,
  };
}

/** 0.5 s, doubled with each failure up to 30 s, and up to a half less by chance, so that a fleet does not act as one. */
function backoffMs(failures: number, random: number): number {
  return Math.min(longestMs, 500 * 2 ** (failures - 1)) * (1 - random / 2);
}

const realTime: PacerTime = {
  // Not Date.now: with a clock that is set back by an hour the next run would be an hour away.
  now: () => performance.now(),
  sleep: (ms, signal) => after(ms, undefined, { signal }).then(noop, noop),
  random: Math.random,
};

function noop(): void {
  // A sleep that is cut short is over.
}
