// Tests of src/agent/lookout.ts, on a kernel that tells what the test says and a clock that the test moves.
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { createLookout, type LookoutSettings } from "../../../src/agent/lookout.ts";
import { createFakeKernel } from "../../../src/kernel/fake.ts";
import type { Restored, RulesetNews } from "../../../src/kernel/kernel.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

const [settleMs, watchedMs, unwatchedMs] = [5, 10_000, 1000];
const commit = "*nat\n:KUBE-SERVICES - [0:0]\nCOMMIT\n";

type Look = { readonly at: number; readonly fully: boolean };

/** `lookMs`, `writeMs`: how long a look and a write take; `answers`: of the next looks, then `done`. All may be changed. */
function aLookout(answers: ("done" | "again")[] = []) {
  const fake = createFakeKernel();
  const state = { lookMs: 0, writeMs: 0, looking: 0, writing: 0, watches: 0, fails: false };
  const looks: Look[] = [];
  const told: ((news: RulesetNews) => void)[] = [];
  const wait = (ms: number) => (ms === 0 ? Promise.resolve() : new Promise((done) => setTimeout(done, ms)));
  const look: LookoutSettings["look"] = async (fully) => {
    // At no time are there two, and none begins while there is a write.
    expect([state.looking, state.writing]).toEqual([0, 0]);
    looks.push({ at: performance.now(), fully });
    state.looking++;
    await wait(state.lookMs);
    state.looking--;
    return answers.shift() ?? "done";
  };
  const lookout = createLookout(
    {
      ...fake,
      watchRules: (tell) => {
        state.watches++;
        told.push(tell);
        return () => {
          state.watches--;
        };
      },
      restore: async (family, script): Promise<Restored> => {
        state.writing++;
        await wait(state.writeMs);
        state.writing--;
        if (state.fails) throw new Error("the tool was killed");
        return fake.restore(family, script);
      },
    },
    { look, settleMs, watchedMs, unwatchedMs },
  );
  const tell = (...news: RulesetNews[]) => {
    for (const each of news) for (const listener of told) listener(each);
  };
  return { lookout, looks, state, tell, write: (script = commit) => lookout.kernel.restore(4, script) };
}

/** One that is told of everything, has looked once, and is at rest; its looks from then on. */
async function watching(...answers: ("done" | "again")[]) {
  const made = aLookout(["done", ...answers]);
  made.lookout.begin();
  made.tell("began");
  await pass(100);
  expect(made.looks.splice(0)).toMatchObject([{ fully: true }]);
  return made;
}

test("nothing is watched and nobody looks before it begins", async () => {
  const { looks, state, write } = aLookout();
  await write();
  await pass(60_000);
  expect([looks, state.watches]).toEqual([[], 0]);
});

test("it begins once, with a full look as soon as all news is told", async () => {
  const { lookout, looks, state, tell } = aLookout();
  lookout.begin();
  lookout.begin();
  expect(state.watches).toBe(1);
  await pass(100);
  expect(looks).toEqual([]);
  tell("began");
  await pass(500);
  expect(looks).toEqual([{ at: 100 + settleMs, fully: true }]);
});

describe("own writes cause no look", () => {
  test("however many there are", async () => {
    const { looks, tell, write } = await watching();
    for (let at = 0; at < 20; at++) {
      expect(await write()).toEqual({ ok: true });
      tell("commit");
      await pass(at);
    }
    await pass(500);
    expect(looks).toEqual([]);
  });

  test("where one has several commits", async () => {
    const { looks, tell, write } = await watching();
    await write(commit + commit.replace("nat", "filter"));
    tell("commit", "commit");
    await pass(500);
    expect(looks).toEqual([]);
  });

  test("where news of its commits comes long before a write is over", async () => {
    const { looks, state, tell, write } = await watching();
    state.writeMs = 300;
    const writing = write(commit + commit.replace("nat", "filter"));
    tell("commit");
    await pass(100);
    tell("commit");
    await pass(200);
    await writing;
    await pass(500);
    expect(looks).toEqual([]);
  });

  test("while looks pause", async () => {
    const { looks, state, tell, write } = await watching();
    state.lookMs = 50;
    tell("commit");
    await pass(100);
    await write();
    tell("commit");
    await pass(5000);
    expect(looks).toHaveLength(1);
  });
});

describe("what others do causes one look, soon", () => {
  const soon = { fully: false };

  test("a commit", async () => {
    const { looks, tell } = await watching();
    const now = performance.now();
    tell("commit");
    await pass(500);
    expect(looks).toEqual([{ at: now + settleMs, ...soon }]);
  });

  test("several commits", async () => {
    const { looks, tell } = await watching();
    tell("commit", "commit");
    await pass(2);
    tell("commit");
    await pass(500);
    expect(looks).toMatchObject([soon]);
  });

  test("one commit more than ours", async () => {
    const { looks, tell, write } = await watching();
    await write();
    tell("commit", "commit");
    await pass(500);
    expect(looks).toMatchObject([soon]);
  });

  test("a commit beside a write that was refused", async () => {
    const { looks, tell, write } = await watching();
    expect(await write("*nat\n-A KUBE-SERVICES -j KUBE-MISSING\nCOMMIT\n")).toMatchObject({ ok: false });
    tell("commit");
    await pass(500);
    expect(looks).toMatchObject([soon]);
  });

  test("a time without news, when it is over", async () => {
    const { looks, tell } = await watching();
    tell("commit", "gap");
    await pass(2);
    tell("began");
    await pass(500);
    expect(looks).toMatchObject([soon]);
    looks.length = 0;
    tell("gap");
    await pass(unwatchedMs / 2);
    expect(looks).toEqual([]);
    tell("began");
    await pass(500);
    expect(looks).toMatchObject([soon]);
  });
});

describe("a look never begins while a write is under way", () => {
  test("but when it is over", async () => {
    const { looks, state, tell, write } = await watching();
    const began = performance.now();
    state.writeMs = 200;
    const writing = write();
    tell("commit", "commit");
    await pass(199);
    expect(looks).toEqual([]);
    await pass(100);
    await writing;
    expect(looks).toHaveLength(1);
    expect(looks[0]?.at).toBeGreaterThanOrEqual(began + 200);
    expect(looks[0]?.at).toBeLessThanOrEqual(began + 200 + settleMs);
  });

  test("nor for a full look that is due", async () => {
    const { looks, state, write } = await watching();
    state.writeMs = watchedMs * 2;
    const writing = write();
    await pass(watchedMs * 2 - 1);
    expect(looks).toEqual([]);
    await pass(100);
    await writing;
    expect(looks).toMatchObject([{ fully: true }]);
  });

  test("and does begin where the tool could not be run", async () => {
    const { looks, state, tell, write } = await watching();
    state.fails = true;
    await expect(write()).rejects.toThrow("killed");
    tell("commit");
    await pass(500);
    expect(looks).toHaveLength(1);
  });
});

describe("looks", () => {
  test("come now and then though nobody has done anything: all that is left over counts in them", async () => {
    const { looks } = await watching();
    await pass(watchedMs * 3);
    expect(looks).toHaveLength(3);
    expect(looks.every(({ fully }) => fully)).toBe(true);
  });

  test("come often where nothing is told, and rarely when it is told again", async () => {
    const { lookout, looks, tell } = aLookout();
    lookout.begin();
    await pass(unwatchedMs * 5 + 100);
    expect(looks.map(({ at, fully }) => [Math.round(at / unwatchedMs), fully])).toEqual(
      [1, 2, 3, 4, 5].map((at) => [at, true]),
    );
    tell("began");
    await pass(100);
    looks.length = 0;
    await pass(watchedMs - unwatchedMs);
    expect(looks).toEqual([]);
    tell("gap");
    await pass(unwatchedMs * 3);
    expect(looks.length).toBeGreaterThanOrEqual(2);
    expect(looks.every(({ fully }) => fully)).toBe(true);
  });

  test("never overlap; what comes during one is looked after when it is over", async () => {
    const { looks, state, tell } = await watching();
    state.lookMs = 50;
    tell("commit");
    await pass(20);
    tell("commit");
    await pass(20);
    expect(looks).toHaveLength(1);
    await pass(5000);
    expect(looks).toHaveLength(2);
  });

  test.each([
    ["ten times as long as the last took", 100, 1000],
    ["15 s at most", 5000, 15_000],
  ])("pause for %s", async (_, lookMs, pauseMs) => {
    const { looks, state, tell } = await watching();
    state.lookMs = lookMs;
    // A full look that is due keeps to it too.
    const first = performance.now() + settleMs;
    tell("commit");
    await pass(settleMs + lookMs);
    tell("commit");
    await pass(pauseMs - 1);
    expect(looks.map(({ at }) => at)).toEqual([first]);
    await pass(settleMs + 1);
    expect(looks).toHaveLength(2);
    expect(looks[1]?.at).toBeGreaterThanOrEqual(first + lookMs + pauseMs);
  });

  test("that could not put all right are tried again until they can", async () => {
    const { looks, tell } = await watching("again", "again", "again", "again", "done");
    tell("commit");
    await pass(500);
    expect(looks.map(({ fully }) => fully)).toEqual([false, false, false, false, false]);
  });

  test("that are full stay so until all is right", async () => {
    const { lookout, looks, tell } = aLookout(["again", "again", "done"]);
    lookout.begin();
    tell("began");
    await pass(500);
    expect(looks.map(({ fully }) => fully)).toEqual([true, true, true]);
  });

  test("that are due and must wait keep no processor busy", async () => {
    const { lookout, state, tell, write } = aLookout(["again"]);
    state.lookMs = 1000;
    state.writeMs = 500;
    const timers = jest.spyOn(globalThis, "setTimeout");
    lookout.begin();
    tell("began");
    const writing = write();
    await pass(9000);
    await writing;
    // A write's worth of turns, the look, its pause.
    expect(timers.mock.calls.length).toBeLessThan(500 / settleMs + 10);
    timers.mockRestore();
  });
});

describe("stop", () => {
  test("waits for the look that is under way, and none follows whatever is told", async () => {
    const { lookout, looks, state, tell } = await watching("again");
    state.lookMs = 200;
    tell("commit");
    await pass(50);
    let isStopped = false;
    const stopping = lookout.stop().then(() => (isStopped = true));
    await pass(100);
    expect([isStopped, state.watches]).toEqual([false, 0]);
    await pass(100);
    await stopping;
    tell("commit", "gap", "began");
    await pass(watchedMs * 3);
    expect([looks.length, jest.getTimerCount()]).toEqual([1, 0]);
  });

  test("keeps a look that is due from its turn", async () => {
    const { lookout, looks, tell } = await watching();
    tell("commit");
    await lookout.stop();
    await pass(watchedMs * 3);
    expect(looks).toEqual([]);
  });

  test("is the end: it does not begin any more, and writes go on to the kernel", async () => {
    const { lookout, looks, state, write } = aLookout();
    await lookout.stop();
    lookout.begin();
    expect(await write()).toEqual({ ok: true });
    await pass(watchedMs * 3);
    expect([looks, state.watches]).toEqual([[], 0]);
  });
});
