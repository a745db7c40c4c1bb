// Tests of src/health/health-tracker.ts.
import { expect, test } from "@jest/globals";
import { createHealthTracker } from "../../../src/health/health-tracker.ts";

test("health follows what happened and the clock", () => {
  let seconds = 0;
  const now = () => ({ wall: new Date(seconds * 1000), seconds });
  const tracker = createHealthTracker({ timeoutSeconds: 60, now });
  const healthyAt = (time: number) => {
    seconds = time;
    return tracker.health().healthy;
  };
  tracker.queued(4);
  expect([healthyAt(59), healthyAt(60)]).toEqual([true, false]);
  const begun = tracker.now();
  seconds = 61;
  tracker.updated(4, begun);
  expect(tracker.health()).toEqual({
    healthy: true,
    lastUpdated: new Date(61_000),
    families: [{ family: 4, healthy: true, lastUpdated: new Date(61_000) }],
  });
  tracker.queued(6);
  expect([healthyAt(120), healthyAt(121)]).toEqual([true, false]);
});

test("a change that comes during a sync is not forgotten with it", () => {
  let seconds = 0;
  const tracker = createHealthTracker({ timeoutSeconds: 60, now: () => ({ wall: new Date(), seconds }) });
  tracker.queued(4);
  const begun = tracker.now();
  seconds = 1;
  tracker.queued(4);
  seconds = 2;
  tracker.updated(4, begun);
  seconds = 60;
  expect(tracker.health().healthy).toBe(false);
});

test("the Node is what was said last", () => {
  const tracker = createHealthTracker({ timeoutSeconds: 60 });
  expect(tracker.node()).toBeUndefined();
  tracker.setNode({ deleting: true, taints: ["a"] });
  expect(tracker.node()).toEqual({ deleting: true, taints: ["a"] });
});

test("the system's clock rises and tells the time", () => {
  const { now } = createHealthTracker({ timeoutSeconds: 60 });
  const [before, after] = [now(), now()];
  expect(after.seconds).toBeGreaterThanOrEqual(before.seconds);
  expect(Math.abs(before.wall.getTime() - Date.now())).toBeLessThan(10_000);
});
