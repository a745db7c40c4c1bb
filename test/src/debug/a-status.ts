// The status of an agent, for tests. In: the few fields that matter. Out: Status.
import type { Status } from "../../../src/debug/status-shape.ts";

/** Noon, when the agent answered; it started an hour before. */
export const noon = Date.parse("2026-03-01T12:00:00Z");

/** The time so many seconds before noon. */
export function before(seconds: number): string {
  return new Date(noon - seconds * 1000).toISOString();
}

/** Of two objects, without a fault. */
export function aWatch(secondsAgo: number, refused = 0): Status["api"]["watches"][string] {
  return { lastEventAt: before(secondsAgo), objects: 2, refused, failures: 0, failing: false };
}

/** A healthy one of `node-7`, in both families, that has made its first pass. */
export function aStatus(fields: Partial<Status> = {}): Status {
  return {
    ...{ node: "node-7", version: "0.1.0", mode: "iptables", variant: "nft", dryRun: false },
    ...{ at: before(0), startedAt: before(3600), healthy: true, eligible: true },
    families: [
      { family: 4, healthy: true, lastGoodPassAt: before(3), services: 120, endpoints: 600, rules: 1423 },
      { family: 6, healthy: true, lastGoodPassAt: before(3), services: 1, endpoints: 2, rules: 40 },
    ],
    lastPass: { number: 17, at: before(3), cause: "2 Services changed", changes: 12, seconds: 0.025, good: true },
    quarantined: { count: 0, first: [] },
    drift: { chains: 0 },
    api: { server: "https://10.0.0.1:6443", watches: { services: aWatch(3), nodes: aWatch(90) } },
    ...fields,
  };
}
