// When to look at what drains. In: how much does, as passes leave it. Out: looks, now and then while anything drains, and none otherwise.
import type { Draining } from "./drain-clock.ts";

export type DrainLooks = {
  /** To be called whenever more or less may drain. */
  readonly plan: () => void;
  /** Resolves when no look is under way. */
  readonly stop: () => Promise<void>;
};

export type DrainLookSettings = {
  /** Of all families. */
  readonly draining: () => readonly Draining[];
  /** Takes away what has drained. Must not reject. */
  readonly look: () => Promise<void>;
  /** After something new drains: what has no connections goes soon. */
  readonly soonMs?: number;
  /** While the rest does: ip_vs itself keeps a connection that is closed for two minutes. */
  readonly laterMs?: number;
};

/** Looks one after the other: each reads all connections' numbers, so never more often than this. Source: kube-proxy looks once a minute. */
export function createDrainLooks(settings: DrainLookSettings): DrainLooks {
  const { look, soonMs = 5000, laterMs = 30_000 } = settings;
  let [known, due, isOver] = [0, Infinity, false];
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> | undefined;

  const plan = (): void => {
    const drains = settings.draining();
    const count = drains.reduce((sum, each) => sum + each.count, 0);
    const nextOver = Math.min(...drains.map(({ nextOverMs }) => nextOverMs ?? Infinity));
    const pause = Math.min(count > known ? soonMs : laterMs, nextOver);
    known = count;
    if (isOver || looking !== undefined || count === 0) return;
    const at = performance.now() + pause;
    if (at >= due) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(() => {
      due = Infinity;
      looking = look().finally(() => {
        looking = undefined;
        plan();
      });
    }, pause);
  };
  return {
    plan,
    stop: async () => {
      isOver = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
