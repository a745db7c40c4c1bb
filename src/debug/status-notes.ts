// Keeps what the agent tells its metrics and people want to read. In: Metrics. Out: Metrics to tell instead, and Notes at any time.
import type { Family } from "../../rules/index.ts";
import type { Metrics } from "../metrics/metrics.ts";

/** Since the start. Times are milliseconds since 1970. */
export type Notes = {
  /** In force, all tables; undefined before the first good pass. */
  readonly rules: Readonly<Record<Family, number | undefined>>;
  /** Chains that others had changed; `lastAt` is when that was last seen. */
  readonly drift: { readonly chains: number; readonly lastAt: number | undefined };
};

export type NoteTaker = {
  /** Passes everything on to the metrics given. */
  readonly metrics: Metrics;
  readonly notes: () => Notes;
};

/** `now` in milliseconds since 1970. */
export function createNoteTaker(metrics: Metrics, now: () => number = Date.now): NoteTaker {
  let notes: Notes = {
    rules: { 4: undefined, 6: undefined },
    drift: { chains: 0, lastAt: undefined },
  };
  return {
    notes: () => notes,
    metrics: {
      ...metrics,
      setRules: (family, rules) => {
        metrics.setRules(family, rules);
        notes = { ...notes, rules: { ...notes.rules, [family]: rules } };
      },
      countDrift: (drift) => {
        metrics.countDrift(drift);
        notes = { ...notes, drift: { chains: notes.drift.chains + drift.chains, lastAt: now() } };
      },
    },
  };
}
