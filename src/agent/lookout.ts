// When to read the kernel back. In: what is done to its rules, by us and by others. Out: looks, soon after others did something, and now and then.
import type { Kernel } from "../kernel/kernel.ts";

export type Lookout = {
  /** The same kernel; what is written through it is known to be ours. */
  readonly kernel: Kernel;
  /** From the first good pass on: there is nothing to look after before. Further calls do nothing. */
  readonly begin: () => void;
  /** Resolves when no look is under way. */
  readonly stop: () => Promise<void>;
};

export type LookoutSettings = {
  /** Looks, and has put right what it can. `fully`: what is known to be left over counts too. `again`: not all of it could be. */
  readonly look: (fully: boolean) => Promise<"done" | "again">;
  /** So long after the last news: commits come in groups, and news of them a little late. */
  readonly settleMs?: number;
  /** How often there is a look though nobody has done anything: all news is seen, or there is none to be had. */
  readonly watchedMs?: number;
  readonly unwatchedMs?: number;
};

/** A look takes a second of a core in a cluster of 10,000 Services: so much of the time at most, but never later than this. */
const pauseFactor = 10;
const longestPauseMs = 15_000;
/** The first look waits for the beginning of the watch, so that nothing falls between; not for ever, since there may be none. */
const beginMs = 3000;

/**
 * The kernel counts commits, and so do we: as long as there were no more than ours, the rules are as they were written, whatever their
 * number, and need not be read. Where it tells nothing (iptables-legacy), they are read every 20 s.
 */
export function createLookout(kernel: Kernel, settings: LookoutSettings): Lookout {
  const { look, settleMs = 1000, watchedMs = 300_000, unwatchedMs = 20_000 } = settings;
  /** Commits that were told of, and ours among them, since the last reckoning. */
  let [seen, own, writing] = [0, 0, 0];
  let wanted: "nothing" | "look" | "full look" = "nothing";
  let [isWatched, isOver, pauseUntil, lastFull] = [false, false, 0, 0];
  let timer: NodeJS.Timeout | undefined;
  let due = Infinity;
  let looking: Promise<void> | undefined;
  let unwatch: (() => void) | undefined;

  const plan = (inMs: number): void => {
    const at = performance.now() + inMs;
    if (isOver || at >= due) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(() => {
      due = Infinity;
      // What came during a look is reckoned with when that is over.
      if (looking !== undefined) return;
      looking = reckon().finally(() => {
        looking = undefined;
        const now = performance.now();
        const soonest = Math.max(settleMs, pauseUntil - now);
        const isOpen = wanted !== "nothing" || seen > own;
        plan(isOpen ? soonest : Math.max(soonest, lastFull + (isWatched ? watchedMs : unwatchedMs) - now));
      });
    }, inMs);
  };
  const reckon = async (): Promise<void> => {
    const now = performance.now();
    if (now >= lastFull + (isWatched ? watchedMs : unwatchedMs)) wanted = "full look";
    // Of what is written now, some commits may have been told of and not be counted as ours.
    if (writing > 0 || now < pauseUntil) return;
    if (seen > own && wanted === "nothing") wanted = "look";
    [seen, own] = [0, 0];
    if (wanted === "nothing") return;
    const fully = wanted === "full look";
    wanted = "nothing";
    const answer = await look(fully);
    if (answer === "again") wanted = fully ? "full look" : "look";
    else if (fully) lastFull = performance.now();
    pauseUntil = performance.now() + Math.min(longestPauseMs, (performance.now() - now) * pauseFactor);
  };
  return {
    kernel: {
      ...kernel,
      restore: async (family, script) => {
        writing++;
        try {
          const restored = await kernel.restore(family, script);
          if (restored.ok) own += commitsIn(script);
          return restored;
        } finally {
          writing--;
        }
      },
    },
    begin: () => {
      if (unwatch !== undefined || isOver) return;
      lastFull = performance.now() - watchedMs;
      unwatch = kernel.watchRules((news) => {
        if (news === "commit") seen++;
        else isWatched = news === "began";
        if (news === "began" && wanted === "nothing") wanted = "look";
        plan(news === "gap" ? unwatchedMs : settleMs);
      });
      plan(Math.max(settleMs, Math.min(beginMs, unwatchedMs)));
    },
    stop: async () => {
      isOver = true;
      clearTimeout(timer);
      unwatch?.();
      await looking;
    },
  };
}

function commitsIn(script: string): number {
  return script.split("\nCOMMIT\n").length - 1;
}
