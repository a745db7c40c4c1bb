// Remembers what health depends on. In: syncs queued and done, the Node. Out: Health whenever it is asked.
import type { Family } from "../../rules/index.ts";
import {
  decideHealth,
  finishUpdate,
  initialHealthState,
  queueUpdate,
  type Health,
  type Moment,
  type NodeStanding,
} from "./health.ts";

export type HealthTracker = {
  readonly queued: (family: Family) => void;
  /** A sync that took up its changes at `begun` has succeeded just now. */
  readonly updated: (family: Family, begun: Moment) => void;
  /** Undefined until the Node was seen. */
  readonly setNode: (node: NodeStanding | undefined) => void;
  readonly health: () => Health;
  readonly node: () => NodeStanding | undefined;
  readonly now: () => Moment;
};

export type HealthTrackerSettings = {
  /** Twice syncPeriod in kube-proxy. */
  readonly timeoutSeconds: number;
  readonly now?: () => Moment;
};

/** Begins healthy, and with a Node not seen. */
export function createHealthTracker({ timeoutSeconds, now = systemNow }: HealthTrackerSettings): HealthTracker {
  let state = initialHealthState;
  let standing: NodeStanding | undefined;
  return {
    queued: (family) => {
      state = queueUpdate(state, family, now());
    },
    updated: (family, begun) => {
      state = finishUpdate(state, family, { begun, done: now() });
    },
    setNode: (node) => {
      standing = node;
    },
    health: () => decideHealth(state, now(), timeoutSeconds),
    node: () => standing,
    now,
  };
}

function systemNow(): Moment {
  return { wall: new Date(), seconds: performance.now() / 1000 };
}
