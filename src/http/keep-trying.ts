// Starts a server, again and again if it must. In: how to start it. Out: when it was bound, and how to stop either way.
import { setTimeout as pause } from "node:timers/promises";
import type { Running } from "./listen.ts";

export type Trying = {
  /** Undefined where it was stopped before it was bound. Rejects only with `hardFail`. */
  readonly bound: Promise<Running | undefined>;
  readonly stop: () => Promise<void>;
};

export type TrySettings = {
  /** `bindAddressHardFail`: the first failure rejects `bound`, and the caller is to exit. */
  readonly hardFail: boolean;
  readonly onFailure: (error: Error, nextInSeconds: number | undefined) => void;
  /** The pause after the given number of failures. */
  readonly pauseSeconds?: (failures: number) => number;
};

/**
 * Starts at once, and after each failure again: a port that kube-proxy still holds becomes free when it ends. `bound` must be
 * awaited or caught where `hardFail` is set.
 */
export function keepTrying(start: () => Promise<Running>, settings: TrySettings): Trying {
  const stopping = new AbortController();
  const bound = tryUntilBound(start, settings, stopping.signal);
  return {
    bound,
    stop: async () => {
      stopping.abort();
      const running = await bound.catch(() => undefined);
      await running?.stop();
    },
  };
}

/** 0.5, 1, 2, 4, 5, 5, ... kube-proxy waits for 5 each time. */
export function defaultPauseSeconds(failures: number): number {
  return Math.min(2 ** failures / 4, 5);
}

async function tryUntilBound(
  start: () => Promise<Running>,
  { hardFail, onFailure, pauseSeconds = defaultPauseSeconds }: TrySettings,
  signal: AbortSignal,
): Promise<Running | undefined> {
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      return await start();
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const seconds = hardFail ? undefined : pauseSeconds(failures);
      onFailure(error, seconds);
      if (seconds === undefined) throw error;
      await pause(seconds * 1000, undefined, { signal }).catch(() => undefined);
    }
  }
  return undefined;
}
