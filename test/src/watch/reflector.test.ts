// Tests of src/watch/reflector.ts against a fake API server.
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { setTimeout as after } from "node:timers/promises";
import { services } from "../../../src/watch/resources.ts";
import { another, anApi, aServer, aServiceObject, run, stopAll, told, until, watching } from "./harness.ts";

jest.setTimeout(20_000);
afterEach(stopAll);

describe("a server that was away", () => {
  test("and lost its history is listed again", async () => {
    const { fake, seen } = await watching(["a", "b"]);
    await fake.set(aServiceObject("c"));
    await fake.restart({ downMs: 50, history: "lost" });
    await fake.remove("Service", "default", "a");
    await until(() => seen.objects.has("default/c") && !seen.objects.has("default/a"));
    expect([...seen.objects.keys()]).toEqual(["default/b", "default/c"]);
  });

  test("is failing until there is a stream again", async () => {
    const { fake, seen } = await watching(["a"]);
    expect(seen.reflector.stats().failing).toBe(false);
    await fake.down();
    await until(() => seen.reflector.stats().failing);
    await until(() => seen.reflector.stats().failures > 2);
    expect(seen.reflector.stats().failing).toBe(true);
    await fake.up();
    await until(() => !seen.reflector.stats().failing);
    await fake.set(aServiceObject("b"));
    await until(() => seen.objects.has("default/b"));
  });

  test("and came back with an older history is believed where another state has the revision of one that we know", async () => {
    let mayGoOn = true;
    const time = {
      now: () => Date.now(),
      random: () => 0,
      sleep: async () => {
        while (!mayGoOn) await after(5);
      },
    };
    const { fake, seen } = await watching(["a"], { version: "1.28", time });
    await fake.set(aServiceObject("a", 81));
    await fake.set(aServiceObject("b"));
    await until(() => seen.changes.length === 2);
    mayGoOn = false;
    await fake.restart({ history: "older", changes: 2 });
    await fake.set(aServiceObject("a", 90));
    mayGoOn = true;
    await until(() => seen.objects.size === 1 && seen.objects.get("default/a")?.ports[0]?.port === 90);
    expect(seen.reflector.stats().lists).toBe(2);
  });

  test.each(["1.28", "1.36"] as const)("(%s) and came back with an older history is believed", async (version) => {
    const { fake, seen } = await watching(["a", "b"], { version });
    await fake.set(aServiceObject("a", 81));
    await fake.set(aServiceObject("c"));
    await until(() => seen.changes.length === 2);
    // The two changes are undone, and the first of their revisions is given to another.
    await fake.restart({ downMs: 30, history: "older", changes: 2 });
    await until(() => told([...seen.changes]).includes("gone c"));
    expect(seen.objects.get("default/a")?.ports[0]?.port).toBe(80);
    await fake.set(aServiceObject("a", 82));
    await until(() => seen.objects.get("default/a")?.ports[0]?.port === 82);
    expect([...seen.objects.keys()].sort()).toEqual(["default/a", "default/b"]);
  });
});

describe("an object that cannot be used", () => {
  test("is reported, and its last good state stays in force until the next good one", async () => {
    const { fake, seen } = await watching(["a", "b"]);
    await fake.set(aServiceObject("a", 99_999), aServiceObject("b", 81));
    await until(() => seen.problems.length === 1 && seen.changes.length === 1);
    expect(seen.problems[0]?.key).toBe("default/a");
    expect(seen.problems[0]?.problems[0]?.code).toBe("out-of-range");
    expect(seen.objects.get("default/a")?.ports[0]?.port).toBe(80);
    expect(seen.reflector.stats()).toMatchObject({ objects: 2, refused: 1, refusals: 1 });
    await fake.set(aServiceObject("a", 82));
    await until(() => seen.changes.length === 2);
    expect(seen.reflector.stats()).toMatchObject({ objects: 2, refused: 0, refusals: 1 });
  });

  test("stays in force across a list that still has it, and is gone when it is", async () => {
    const { fake, seen } = await watching(["a", "b"], { version: "1.28" });
    await fake.set(aServiceObject("a", 99_999));
    await until(() => seen.problems.length === 1);
    await fake.expireHistory();
    await until(() => seen.reflector.stats().lists === 2);
    expect(seen.problems).toHaveLength(1);
    expect(seen.objects.has("default/a")).toBe(true);
    await fake.remove("Service", "default", "a");
    await until(() => seen.changes.length > 0);
    expect(told(seen.changes)).toEqual(["gone a"]);
    expect(seen.reflector.stats().refused).toBe(0);
  });

  test("does not keep the others of a list from being told", async () => {
    const fake = await aServer();
    await fake.set(aServiceObject("a"), aServiceObject("bad", 0), aServiceObject("c"));
    const seen = run(anApi(fake), services);
    await until(() => seen.synced.length === 1);
    expect([...seen.objects.keys()]).toEqual(["default/a", "default/c"]);
    expect(seen.problems.map(({ key }) => key)).toEqual(["default/bad"]);
  });
});

test("what a consumer throws ends nothing, and what it did not take is told again with the next list", async () => {
  let throws = true;
  const options = {
    version: "1.28" as const,
    onChanges: () => {
      if (throws) throw new Error("a bug of the consumer");
    },
  };
  const { fake, seen } = await watching(["a"], options);
  await fake.set(aServiceObject("b"));
  await until(() => seen.changes.length === 1);
  expect(seen.objects.size).toBe(0);
  throws = false;
  await fake.expireHistory();
  await until(() => seen.objects.size === 2);
  expect(seen.log.join()).toContain("a bug of the consumer");
});

describe("hammering", () => {
  /** Requests that a reflector in real time makes in three seconds of a server that does this to it. */
  const count = async (
    version: "1.28" | "1.36",
    spoil: (fake: Awaited<ReturnType<typeof aServer>>) => Promise<unknown>,
  ) => {
    const fake = await aServer({ version });
    await fake.set(aServiceObject("a"));
    await spoil(fake);
    const { setTimeout: real } = await import("node:timers/promises");
    const time = {
      now: () => Date.now(),
      random: () => 0,
      sleep: (ms: number, signal: AbortSignal) => real(ms, undefined, { signal }).catch(() => undefined),
    };
    run(anApi(fake), services, { time });
    await after(3000);
    return (await fake.requests()).length;
  };

  test("none of a server that ends streams, answers nonsense, 410, 429 or 500, or resets connections", async () => {
    const times = 1e9;
    const counts = await Promise.all([
      count("1.28", (fake) => fake.failNext(times, "truncated", { verb: "watch" })),
      count("1.28", (fake) => fake.failNext(times, "garbage", { verb: "watch" })),
      count("1.28", (fake) => fake.failNext(times, { status: 410 }, { verb: "watch" })),
      count("1.28", (fake) => fake.failNext(times, { status: 429, retryAfterSeconds: 1 })),
      count("1.28", (fake) => fake.failNext(times, { status: 500 })),
      count("1.36", (fake) => fake.failNext(times, "reset")),
      count("1.36", (fake) => {
        const timer = setInterval(() => void fake.cutWatches(), 5);
        return Promise.resolve(timer.unref());
      }),
      count("1.36", (fake) => {
        const timer = setInterval(() => void fake.expireHistory(), 5);
        return Promise.resolve(timer.unref());
      }),
    ]);
    // Three rounds of at most a list or a look at the server's version and a watch, and two requests that an old server refuses.
    expect(Math.max(...counts)).toBeLessThanOrEqual(9);
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(3);
  });

  test("waits grow to 30 s while nothing works, and are short again after a stream that lived", async () => {
    let now = 0;
    const waits: number[] = [];
    const time = {
      now: () => now,
      random: () => 0.5,
      sleep: (ms: number) => {
        waits.push(ms);
        now += ms;
        return Promise.resolve();
      },
    };
    const { fake, seen } = await watching([], { version: "1.28", time });
    const reset = () => another(seen, () => fake.cutWatches("reset"));
    for (let at = 0; at < 8; at++) await reset();
    expect(waits).toEqual([1200, 2400, 4800, 9600, 19_200, 22_500, 22_500, 22_500]);
    now += 6000;
    await reset();
    expect(waits.at(-1)).toBe(1200);
  });
});

describe("who watches the watch", () => {
  test.each(["1.28", "1.36"] as const)("(%s) is told of each arrival, also of an empty list", async (version) => {
    const { fake, seen } = await watching([], { version });
    expect(seen.arrivals.length).toBeGreaterThan(0);
    const before = seen.arrivals.length;
    await fake.set(aServiceObject("a"));
    await until(() => seen.arrivals.length > before);
    expect(seen.arrivals.at(-1)).toBe(seen.reflector.stats().lastEventAt);
    expect(seen.restarts).toEqual([]);
  });

  test("is told of each stream that ended, not of tries without one, and not of the end", async () => {
    const { fake, seen } = await watching(["a"]);
    await another(seen, () => fake.cutWatches("reset"));
    expect(seen.restarts).toEqual([1]);
    await fake.down();
    await until(() => seen.restarts.length === 2 && seen.reflector.stats().failures >= 4);
    await fake.up();
    await seen.reflector.stop();
    expect(seen.restarts).toEqual([1, 2]);
  });
});

test("stop ends the stream, and nothing is told afterwards", async () => {
  const { fake, seen } = await watching(["a"]);
  await seen.reflector.stop();
  await until(async () => (await fake.watches()).length === 0);
  await fake.set(aServiceObject("b"));
  await after(50);
  expect(seen.changes).toEqual([]);
});

test("stop ends a wait", async () => {
  const fake = await aServer();
  await fake.down();
  const seen = run(anApi(fake), services, {
    time: {
      now: () => Date.now(),
      random: () => 0,
      sleep: (ms, signal) => after(ms, undefined, { signal }).catch(() => undefined),
    },
  });
  await until(() => seen.log.length > 0);
  const from = Date.now();
  await seen.reflector.stop();
  expect(Date.now() - from).toBeLessThan(500);
  await fake.up();
});
