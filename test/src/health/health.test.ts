// Tests of src/health/health.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  decideHealth,
  finishUpdate,
  healthzAnswer,
  initialHealthState,
  isEligible,
  livezAnswer,
  queueUpdate,
  type HealthState,
  type Moment,
} from "../../../src/health/health.ts";
import type { Family } from "../../../rules/index.ts";

const timeoutSeconds = 60;

function at(seconds: number): Moment {
  return { wall: new Date(1_700_000_000_000 + seconds * 1000), seconds };
}

type Step = readonly ["queued", Family, number] | readonly ["synced", Family, number, number?];

/** `["synced", family, done, begun]`; begun is done where it is left out. */
function stateAfter(...steps: Step[]): HealthState {
  return steps.reduce(
    (state, [what, family, time, begun = time]) =>
      what === "queued"
        ? queueUpdate(state, family, at(time))
        : finishUpdate(state, family, { begun: at(begun), done: at(time) }),
    initialHealthState,
  );
}

describe("health", () => {
  test.each<[string, Step[], number, boolean]>([
    ["nothing happened yet", [], 1e6, true],
    [
      "all is done",
      [
        ["queued", 4, 0],
        ["synced", 4, 1],
      ],
      1e6,
      true,
    ],
    [
      "a change waits, but not for long",
      [
        ["synced", 4, 0],
        ["queued", 4, 10],
      ],
      69.999,
      true,
    ],
    [
      "a change waits for too long",
      [
        ["synced", 4, 0],
        ["queued", 4, 10],
      ],
      70,
      false,
    ],
    ["the first sync does not succeed", [["queued", 4, 10]], 70, false],
    [
      "later changes come, and the oldest still waits",
      [
        ["queued", 4, 0],
        ["queued", 4, 59],
      ],
      60,
      false,
    ],
    [
      "a late sync succeeds",
      [
        ["queued", 4, 0],
        ["synced", 4, 100],
      ],
      1000,
      true,
    ],
    [
      "one family waits for too long",
      [
        ["synced", 4, 0],
        ["synced", 6, 0],
        ["queued", 6, 0],
      ],
      60,
      false,
    ],
    [
      "the other family was synced",
      [
        ["queued", 4, 0],
        ["synced", 6, 50],
      ],
      60,
      false,
    ],
    [
      "a change came during a sync, and none after it",
      [
        ["queued", 4, 0],
        ["queued", 4, 15],
        ["synced", 4, 20, 10],
      ],
      70,
      false,
    ],
    [
      "it waits from the beginning of that sync",
      [
        ["queued", 4, 0],
        ["queued", 4, 15],
        ["synced", 4, 20, 10],
      ],
      69,
      true,
    ],
    [
      "a change came before the sync began",
      [
        ["queued", 4, 0],
        ["queued", 4, 9],
        ["synced", 4, 20, 10],
      ],
      1e6,
      true,
    ],
  ])("where %s", (_, steps, now, healthy) => {
    expect(decideHealth(stateAfter(...steps), at(now), timeoutSeconds).healthy).toBe(healthy);
  });

  test("is told for each family that was synced or is overdue", () => {
    const state = stateAfter(["synced", 6, 5], ["queued", 4, 10]);
    expect(decideHealth(state, at(20), timeoutSeconds)).toEqual({
      healthy: true,
      lastUpdated: at(5).wall,
      families: [{ family: 6, healthy: true, lastUpdated: at(5).wall }],
    });
    expect(decideHealth(state, at(70), timeoutSeconds)).toEqual({
      healthy: false,
      lastUpdated: at(5).wall,
      families: [
        { family: 4, healthy: false, lastUpdated: undefined },
        { family: 6, healthy: true, lastUpdated: at(5).wall },
      ],
    });
  });

  test("does not depend on the wall clock", () => {
    const queued = queueUpdate(initialHealthState, 4, { wall: new Date(0), seconds: 100 });
    expect(decideHealth(queued, { wall: new Date("2030-01-01"), seconds: 101 }, timeoutSeconds).healthy).toBe(true);
    expect(decideHealth(queued, { wall: new Date(0), seconds: 160 }, timeoutSeconds).healthy).toBe(false);
  });

  test("is bad exactly where the oldest change without a later sync is too old", () => {
    const step = fc.tuple(fc.constantFrom("queued" as const, "synced" as const), fc.integer({ min: 1, max: 40 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), fc.integer({ min: 0, max: 100 }), (steps, later) => {
        let [state, time, oldest] = [initialHealthState, 0, undefined as number | undefined];
        for (const [what, after] of steps) {
          time += after;
          if (what === "queued") [state, oldest] = [queueUpdate(state, 4, at(time)), oldest ?? time];
          else [state, oldest] = [finishUpdate(state, 4, { begun: at(time), done: at(time) }), undefined];
        }
        const now = time + later;
        const expected = oldest === undefined || now - oldest < timeoutSeconds;
        expect(decideHealth(state, at(now), timeoutSeconds).healthy).toBe(expected);
      }),
    );
  });
});

describe("a Node", () => {
  test.each([
    ["not seen yet", undefined, true],
    ["without taints", { deleting: false, taints: [] }, true],
    ["with other taints", { deleting: false, taints: ["node.kubernetes.io/unschedulable"] }, true],
    ["about to be removed", { deleting: false, taints: ["a", "ToBeDeletedByClusterAutoscaler"] }, false],
    ["being deleted", { deleting: true, taints: [] }, false],
  ])("%s: eligible %p", (_, node, eligible) => {
    expect(isEligible(node)).toBe(eligible);
  });
});

describe("answers", () => {
  const node = { deleting: false, taints: [] };
  const gone = { deleting: true, taints: [] };
  const synced = stateAfter(["synced", 4, 1], ["synced", 6, 2]);
  const now = at(100);
  const zero = "0001-01-01T00:00:00Z";
  const time = (seconds: number) => at(seconds).wall.toISOString();
  const health = (state: HealthState) => decideHealth(state, now, timeoutSeconds);
  const both = { IPv4: { lastUpdated: time(1), healthy: true }, IPv6: { lastUpdated: time(2), healthy: true } };

  test("of a healthy node say now, as kube-proxy does", () => {
    const body = { lastUpdated: time(100), currentTime: time(100), healthy: true, status: both };
    const livez = livezAnswer(health(synced), now.wall);
    const healthz = healthzAnswer(health(synced), node, now.wall);
    expect([livez.status, JSON.parse(String(livez.body))]).toEqual([200, body]);
    expect([healthz.status, JSON.parse(String(healthz.body))]).toEqual([200, { ...body, nodeEligible: true }]);
  });

  test("have kube-proxy's fields in kube-proxy's order", () => {
    const { body, contentType } = healthzAnswer(health(synced), node, now.wall);
    const keys = [...String(body).matchAll(/"(\w+)":/g)].map(([, key]) => key);
    expect(keys.join(" ")).toBe(
      "lastUpdated currentTime nodeEligible healthy status IPv4 lastUpdated healthy IPv6 lastUpdated healthy",
    );
    expect(contentType).toBe("application/json");
  });

  test("of a healthy node that is to go differ, and say when rules were last written", () => {
    const healthz = healthzAnswer(health(synced), gone, now.wall);
    expect([healthz.status, JSON.parse(String(healthz.body))]).toEqual([
      503,
      { lastUpdated: time(2), currentTime: time(100), nodeEligible: false, healthy: true, status: both },
    ]);
    expect(livezAnswer(health(synced), now.wall).status).toBe(200);
  });

  test("of an unhealthy node are both 503, and say which family", () => {
    const stuck = health(stateAfter(["synced", 4, 1], ["queued", 4, 2], ["synced", 6, 3]));
    const body = {
      lastUpdated: time(3),
      currentTime: time(100),
      healthy: false,
      status: { IPv4: { lastUpdated: time(1), healthy: false }, IPv6: { lastUpdated: time(3), healthy: true } },
    };
    const livez = livezAnswer(stuck, now.wall);
    const healthz = healthzAnswer(stuck, node, now.wall);
    expect([livez.status, JSON.parse(String(livez.body))]).toEqual([503, body]);
    expect([healthz.status, JSON.parse(String(healthz.body))]).toEqual([503, { ...body, nodeEligible: true }]);
  });

  test("before the first sync have no status, and never is Go's zero time", () => {
    const body = JSON.parse(String(livezAnswer(health(initialHealthState), now.wall).body)) as unknown;
    expect(body).toEqual({ lastUpdated: time(100), currentTime: time(100), healthy: true });
    expect(JSON.parse(String(livezAnswer(health(stateAfter(["queued", 4, 0])), now.wall).body))).toEqual({
      lastUpdated: zero,
      currentTime: time(100),
      healthy: false,
      status: { IPv4: { lastUpdated: zero, healthy: false } },
    });
  });
});
