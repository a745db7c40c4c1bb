// Tests of src/agent/pacer.ts, with time that passes when the test says so.
import { setImmediate as turn, setTimeout as sleep } from "node:timers/promises";
import { describe, expect, jest, test } from "@jest/globals";
import { createPacer, type PacerTime } from "../../../src/agent/pacer.ts";

type Run = { readonly at: number; readonly end: (isGood?: boolean) => Promise<void> };

/** A pacer whose runs end when the test ends them. */
function aPacer(minPauseSeconds: number, random = 0) {
  let now = 0;
  let sleepers: { readonly until: number; readonly wake: () => void }[] = [];
  const runs: Run[] = [];
  const time: PacerTime = {
    now: () => now,
    random: () => random,
    sleep: (ms, signal) =>
      new Promise((wake) => {
        if (ms <= 0 || signal.aborted) wake();
        else sleepers.push({ until: now + ms, wake });
        signal.addEventListener("abort", () => {
          wake();
        });
      }),
  };
  const run = () =>
    new Promise<boolean>((resolve) => {
      runs.push({
        at: now,
        end: async (isGood = true) => {
          resolve(isGood);
          await turn();
        },
      });
    });
  const pacer = createPacer({ minPauseSeconds, run, time });
  return {
    pacer,
    runs,
    /** When runs began. */
    begun: () => runs.map(({ at }) => at),
    news: async () => {
      pacer.news();
      await turn();
    },
    pass: async (ms: number) => {
      const end = now + ms;
      for (;;) {
        const next = Math.min(...sleepers.map(({ until }) => until));
        if (next > end) break;
        now = next;
        const due = sleepers.filter(({ until }) => until <= now);
        sleepers = sleepers.filter(({ until }) => until > now);
        for (const { wake } of due) wake();
        await turn();
      }
      now = end;
    },
    last: () => {
      const last = runs.at(-1);
      if (last === undefined) throw new Error("bug: nothing has run");
      return last;
    },
  };
}

describe("a run begins", () => {
  test("at once after the first news, and not before any", async () => {
    const { begun, news, pass } = aPacer(1);
    await pass(5000);
    expect(begun()).toEqual([]);
    await news();
    expect(begun()).toEqual([5000]);
  });

  test("not before the pause after the last one is over, however much news there is", async () => {
    const { begun, news, pass, last } = aPacer(1);
    await news();
    await last().end();
    for (let at = 0; at < 20; at++) {
      await news();
      await pass(40);
    }
    expect(begun()).toEqual([0]);
    await pass(200);
    expect(begun()).toEqual([0, 1000]);
  });

  test("at once where the pause was over before", async () => {
    const { begun, news, pass, last } = aPacer(1);
    await news();
    await last().end();
    await pass(1500);
    await news();
    expect(begun()).toEqual([0, 1500]);
  });

  test("once more after news that came while one was under way, and only once", async () => {
    const { begun, news, pass, last } = aPacer(0);
    await news();
    await news();
    await news();
    expect(begun()).toEqual([0]);
    await last().end();
    expect(begun()).toEqual([0, 0]);
    await last().end();
    await pass(60_000);
    expect(begun()).toEqual([0, 0]);
  });

  test("not before as much time has passed as the last one took", async () => {
    const { begun, news, pass, last } = aPacer(1);
    await news();
    await pass(4000);
    await last().end();
    await news();
    await pass(3999);
    expect(begun()).toEqual([0]);
    await pass(1);
    expect(begun()).toEqual([0, 8000]);
    await last().end();
    await news();
    await pass(1000);
    expect(begun()).toEqual([0, 8000, 9000]);
  });
});

describe("a run that failed", () => {
  test.each([
    ["without luck", 0, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]],
    ["with luck", 1, [250, 500, 1000, 2000, 4000, 8000, 15_000, 15_000]],
  ])("is tried again without news, later each time: %s", async (_, random, expected) => {
    const { begun, news, pass, last } = aPacer(0, random);
    await news();
    for (const ms of expected) {
      await last().end(false);
      const before = begun().length;
      await pass(ms - 1);
      expect(begun()).toHaveLength(before);
      await pass(1);
      expect(begun()).toHaveLength(before + 1);
    }
  });

  test("is not tried again sooner for news", async () => {
    const { begun, news, pass, last } = aPacer(0);
    await news();
    await last().end(false);
    await pass(100);
    await news();
    await pass(399);
    expect(begun()).toEqual([0]);
    await pass(1);
    expect(begun()).toEqual([0, 500]);
  });

  test("is forgotten after a good one", async () => {
    const { begun, news, pass, last } = aPacer(0);
    await news();
    await last().end(false);
    await pass(500);
    await last().end(false);
    await pass(1000);
    await last().end(true);
    await pass(60_000);
    expect(begun()).toEqual([0, 500, 1500]);
    await news();
    await last().end(false);
    await pass(500);
    expect(begun()).toEqual([0, 500, 1500, 61_500, 62_000]);
  });

  test("keeps to the pause where that is longer", async () => {
    const { begun, news, pass, last } = aPacer(10);
    await news();
    await last().end(false);
    await pass(10_000);
    expect(begun()).toEqual([0, 10_000]);
  });
});

test("says since when news waits for a good run", async () => {
  const { pacer, news, pass, last } = aPacer(0);
  expect(pacer.waitingSince()).toBeUndefined();
  await pass(100);
  await news();
  expect(pacer.waitingSince()).toBe(100);
  await pass(50);
  await news();
  await last().end(false);
  expect(pacer.waitingSince()).toBe(100);
  await pass(500);
  await pass(10);
  await news();
  await last().end(true);
  expect(pacer.waitingSince()).toBe(660);
  await pass(1000);
  await last().end(true);
  expect(pacer.waitingSince()).toBeUndefined();
});

describe("stop", () => {
  test("waits for the run that is under way, and none follows", async () => {
    const { pacer, begun, news, pass, last } = aPacer(0);
    await news();
    await news();
    let isStopped = false;
    const stopping = pacer.stop().then(() => (isStopped = true));
    await pass(1000);
    expect(isStopped).toBe(false);
    await last().end(false);
    await stopping;
    await pass(60_000);
    expect(begun()).toEqual([0]);
  });

  test("ends a pause", async () => {
    const { pacer, begun, news, pass, last } = aPacer(10);
    await news();
    await last().end();
    await news();
    await pacer.stop();
    await pass(60_000);
    expect(begun()).toEqual([0]);
  });

  test("is the end: later news starts nothing", async () => {
    const { pacer, begun, news, pass } = aPacer(0);
    await pacer.stop();
    await news();
    await pass(60_000);
    expect(begun()).toEqual([]);
  });
});

test("with the real clock, pauses are real and stopping ends them", async () => {
  const begun: number[] = [];
  const pacer = createPacer({
    minPauseSeconds: 0.05,
    run: () => {
      begun.push(performance.now());
      if (begun.length === 1) pacer.news();
      return Promise.resolve(true);
    },
  });
  pacer.news();
  while (begun.length < 2) await turn();
  const [first = 0, second = 0] = begun;
  expect(second - first).toBeGreaterThan(45);
  pacer.news();
  await pacer.stop();
  expect(begun).toHaveLength(2);
});

test("a run is told how long the oldest news waited, also while it waits itself", async () => {
  let now = 1000;
  const told: number[] = [];
  const time: PacerTime = { now: () => now, random: () => 0, sleep: () => Promise.resolve() };
  const run = (waitedSeconds: () => number) => {
    now += 2500;
    told.push(waitedSeconds());
    return Promise.resolve(true);
  };
  const pacer = createPacer({ minPauseSeconds: 0, run, time });
  pacer.news();
  now += 500;
  pacer.news();
  await turn();
  expect(told).toEqual([3]);
});

test.each([
  ["a run that is quick and good", 0.5, true, 0],
  ["a run that takes longer than the pause", 4, true, 4],
  ["a run that fails", 0.2, false, 0.5],
  ["a slow run that fails", 7, false, 7],
])("after %s the next one is told to be held back for that long", async (_, seconds, isGood, expected) => {
  let now = 0;
  const told: number[] = [];
  const time: PacerTime = {
    now: () => now,
    random: () => 0,
    sleep: (ms) => (ms <= 0 ? Promise.resolve() : new Promise(() => undefined)),
  };
  const run = () => {
    now += seconds * 1000;
    return Promise.resolve(isGood);
  };
  const minPauseSeconds = isGood ? 1 : 0.1;
  createPacer({ minPauseSeconds, run, time, onHeldBack: (held) => told.push(held) }).news();
  await turn();
  expect(told).toEqual([expected]);
});

test("a clock that somebody sets back keeps no run from its time", async () => {
  let runs = 0;
  const run = () => Promise.resolve((runs += 1) > 0);
  const pacer = createPacer({ minPauseSeconds: 0.01, run });
  pacer.news();
  await sleep(5);
  const anHourAgo = Date.now() - 3_600_000;
  const clock = jest.spyOn(Date, "now").mockReturnValue(anHourAgo);
  try {
    pacer.news();
    await sleep(500);
  } finally {
    clock.mockRestore();
  }
  await pacer.stop();
  expect(runs).toBe(2);
});
