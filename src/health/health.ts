// Decides whether the agent is healthy, and what /healthz and /livez say. In: when syncs were queued and done, the Node. Out: Health, answers.
import type { Family } from "../../rules/index.ts";
import { jsonAnswer, type Answer } from "../http/answer.ts";
import { ipFamilyName } from "../metrics/ip-family.ts";

/** One moment on both clocks: the wall's to be told, the rising one to be subtracted, since a wall clock is set at boot. */
export type Moment = { readonly wall: Date; readonly seconds: number };

/** What became of one family's syncs; undefined where it never came to it. */
export type FamilyState = {
  readonly lastUpdated: Moment | undefined;
  /** The oldest change that is not in force yet. */
  readonly queuedSince: Moment | undefined;
  /** The latest change, in force or not. */
  readonly lastQueued: Moment | undefined;
};

export type HealthState = Readonly<Record<Family, FamilyState>>;

/** The Node as far as load balancers' traffic goes. A deleted one is `deleting` too. */
export type NodeStanding = { readonly deleting: boolean; readonly taints: readonly string[] };

export type Health = {
  /** Every family is. */
  readonly healthy: boolean;
  /** The latest of the families'. */
  readonly lastUpdated: Date | undefined;
  readonly families: readonly FamilyHealth[];
};

export type FamilyHealth = {
  readonly family: Family;
  readonly healthy: boolean;
  readonly lastUpdated: Date | undefined;
};

const never: FamilyState = { lastUpdated: undefined, queuedSince: undefined, lastQueued: undefined };
export const initialHealthState: HealthState = { 4: never, 6: never };

/** A change came that needs a sync of `family`. One that already waits stays the oldest. */
export function queueUpdate(state: HealthState, family: Family, at: Moment): HealthState {
  const before = state[family];
  return { ...state, [family]: { ...before, queuedSince: before.queuedSince ?? at, lastQueued: at } };
}

/** A successful sync: when it took up the changes to make, and when they were in force. */
export type FinishedSync = { readonly begun: Moment; readonly done: Moment };

/**
 * A sync of `family` succeeded. Changes that came after it had begun still wait, and count from its beginning, since only the latest
 * one's time is known.
 */
export function finishUpdate(state: HealthState, family: Family, { begun, done }: FinishedSync): HealthState {
  const { lastQueued } = state[family];
  const queuedSince = lastQueued !== undefined && lastQueued.seconds > begun.seconds ? begun : undefined;
  return { ...state, [family]: { lastUpdated: done, queuedSince, lastQueued } };
}

/**
 * A family is unhealthy when its oldest change has waited for `timeoutSeconds` (twice syncPeriod) or longer. Told are families that were
 * synced or are overdue. Unlike kube-proxy, one whose first sync never succeeds becomes unhealthy too: there, it stays healthy for ever.
 * Source: kube-proxy pkg/proxy/healthcheck.
 */
export function decideHealth(state: HealthState, now: Moment, timeoutSeconds: number): Health {
  const families = ([4, 6] as const).flatMap((family): FamilyHealth[] => {
    const { lastUpdated, queuedSince } = state[family];
    const healthy = queuedSince === undefined || now.seconds - queuedSince.seconds < timeoutSeconds;
    if (lastUpdated === undefined && healthy) return [];
    return [{ family, healthy, lastUpdated: lastUpdated?.wall }];
  });
  const times = families.flatMap(({ lastUpdated }) => lastUpdated ?? []).sort((a, b) => a.getTime() - b.getTime());
  return { healthy: families.every((family) => family.healthy), lastUpdated: times.at(-1), families };
}

/** The taint that Cluster Autoscaler sets before it removes a node. */
export const toBeDeletedTaint = "ToBeDeletedByClusterAutoscaler";

/** Whether load balancers may send new connections here. A Node not seen yet is eligible: the agent has only just started. */
export function isEligible(node: NodeStanding | undefined): boolean {
  return node === undefined || !(node.deleting || node.taints.includes(toBeDeletedTaint));
}

/** `/healthz`: 503 where unhealthy or not eligible. `healthy` in the body does not count eligibility, as in kube-proxy. */
export function healthzAnswer(health: Health, node: NodeStanding | undefined, now: Date): Answer {
  const nodeEligible = isEligible(node);
  return probeAnswer(health, now, { nodeEligible });
}

/** `/livez`: as `/healthz`, but for the Node, which a restart does not change. */
export function livezAnswer(health: Health, now: Date): Answer {
  return probeAnswer(health, now, {});
}

function probeAnswer(health: Health, now: Date, node: { readonly nodeEligible?: boolean }): Answer {
  const ok = health.healthy && node.nodeEligible !== false;
  const status = health.families.map(({ family, healthy, lastUpdated }) => [
    ipFamilyName(family),
    { lastUpdated: time(lastUpdated), healthy },
  ]);
  const body = {
    // Where all is well kube-proxy says "now", since readers take an old time for a hang.
    lastUpdated: time(ok ? now : health.lastUpdated),
    currentTime: time(now),
    ...node,
    healthy: health.healthy,
    ...(status.length === 0 ? {} : { status: Object.fromEntries(status) as unknown }),
  };
  return jsonAnswer(ok ? 200 : 503, JSON.stringify(body));
}

/** RFC 3339; never is Go's zero time. */
function time(at: Date | undefined): string {
  return at?.toISOString() ?? "0001-01-01T00:00:00Z";
}
