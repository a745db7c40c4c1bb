// Tests of src/events/recorder.ts, against a fake API server that checks events as a real one does.
import { setTimeout as after } from "node:timers/promises";
import { afterEach, describe, expect, test } from "@jest/globals";
import { createApi, type Api } from "../../../src/watch/api.ts";
import { nodeReference, occasions, serviceReference, type Event } from "../../../src/events/event.ts";
import { createRecorder, type Recorder, type RecorderTime } from "../../../src/events/recorder.ts";
import { startApi, type FakeApi } from "../../support/api.ts";

type Stored = {
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly reason: string;
  readonly note: string;
  readonly eventTime: string;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
};

type Bench = {
  readonly fake: FakeApi;
  readonly recorder: Recorder;
  /** Lets time pass, in seconds. */
  readonly pass: (seconds: number) => void;
  /** What the server has, in order of name. */
  readonly stored: () => Promise<readonly Stored[]>;
  readonly log: readonly string[];
};

const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A recorder whose waiting takes no time, and a server. */
async function aBench(sends?: Api["send"]): Promise<Bench> {
  const fake = await startApi({ tls: false });
  const api = createApi(
    {
      server: () => fake.url,
      requestOptions: () => Promise.resolve({ headers: {} }),
      refresh: () => Promise.resolve(),
    },
    { userAgent: "rulewright/test" },
  );
  let clock = Date.UTC(2026, 0, 1);
  const time: RecorderTime = {
    now: () => clock,
    random: () => 0,
    sleep: (ms, signal) => {
      if (!signal.aborted) clock += ms;
      return Promise.resolve();
    },
  };
  const log: string[] = [];
  const keep = (text: string) => log.push(text);
  const recorder = createRecorder({
    api: { send: sends ?? api.send },
    nodeName: "node-1",
    reportingController: "rulewright",
    log: { debug: keep, info: keep, warn: keep, error: keep },
    time,
  });
  const close = () => {
    api.close();
    return Promise.resolve();
  };
  open.push(fake.stop, close, recorder.stop);
  return {
    fake,
    recorder,
    pass: (seconds) => {
      clock += seconds * 1000;
    },
    stored: async () => {
      const events = (await fake.objects("Event")) as unknown as readonly Stored[];
      return [...events].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    },
    log,
  };
}

const starting: Event = { regarding: nodeReference("node-1"), ...occasions.Starting, note: "" };
const refused = (note = "line 3", service = "shop/web"): Event => ({
  regarding: serviceReference(service),
  ...occasions.RulesRefused,
  note,
});

describe("an event", () => {
  test("is posted where its object lives", async () => {
    const { recorder, stored } = await aBench();
    recorder.event(starting);
    recorder.event(refused());
    await recorder.idle();
    expect(await stored()).toMatchObject([
      { metadata: { namespace: "default" }, reason: "Starting", note: "" },
      {
        metadata: { namespace: "shop" },
        reason: "RulesRefused",
        note: "line 3",
        eventTime: "2026-01-01T00:00:00.000000Z",
      },
    ]);
    expect(recorder.stats()).toEqual({ posted: 2, patched: 0, dropped: { rate: 0, queue: 0, failed: 0 } });
  });

  test("with a note that is too long and cannot be printed is taken all the same", async () => {
    const { recorder, stored } = await aBench();
    recorder.event(refused(`\u001b[31mé\n${"x".repeat(5000)}`));
    await recorder.idle();
    const [event] = await stored();
    expect(event?.note).toMatch(/^\?\[31m\?\?x+\.\.\.$/);
    expect(event?.note).toHaveLength(1024);
  });

  test("seen again within 10 minutes is a higher count, later another event", async () => {
    const { recorder, stored, pass } = await aBench();
    for (const seconds of [0, 60, 590]) {
      pass(seconds);
      recorder.event(refused());
      await recorder.idle();
    }
    expect(await stored()).toMatchObject([{ series: { count: 3, lastObservedTime: "2026-01-01T00:10:50.000000Z" } }]);
    pass(601);
    recorder.event(refused());
    await recorder.idle();
    const events = await stored();
    expect(events.map(({ series }) => series?.count)).toEqual([3, undefined]);
    expect(recorder.stats()).toMatchObject({ posted: 2, patched: 2 });
  });

  test("seen often while the server is slow costs one request", async () => {
    const { recorder, stored, fake } = await aBench();
    for (let at = 0; at < 20; at++) recorder.event(refused());
    await recorder.idle();
    expect(await stored()).toMatchObject([{ series: { count: 20 } }]);
    expect((await fake.requests()).map(({ method }) => method)).toEqual(["POST"]);
  });

  test("that the server has forgotten is posted again, with its count", async () => {
    const { recorder, stored, fake } = await aBench();
    recorder.event(refused());
    await recorder.idle();
    const [first] = await stored();
    await fake.remove("Event", "shop", first?.metadata.name ?? "");
    recorder.event(refused());
    await recorder.idle();
    const events = await stored();
    expect(events).toMatchObject([{ series: { count: 2 } }]);
    expect(events[0]?.metadata.name).not.toBe(first?.metadata.name);
  });
});

describe("limits", () => {
  test("an object has 25 requests, then one in 5 minutes, and its count is right in the end", async () => {
    const { recorder, stored, pass, fake } = await aBench();
    for (let at = 0; at < 60; at++) {
      recorder.event(refused());
      await recorder.idle();
    }
    expect(await fake.requests()).toHaveLength(25);
    expect(recorder.stats().dropped).toEqual({ rate: 35, queue: 0, failed: 0 });
    pass(300);
    recorder.event(refused());
    await recorder.idle();
    expect(await stored()).toMatchObject([{ series: { count: 61 } }]);
  });

  test("a node sends 10 at once and then 5 a second", async () => {
    const { recorder, stored } = await aBench();
    for (let at = 0; at < 30; at++) recorder.event(refused("n", `shop/s${at}`));
    await recorder.idle();
    expect(recorder.stats()).toMatchObject({ posted: 30 });
    recorder.event(starting);
    await recorder.idle();
    // 20 of the 30 had to wait for 0.2 s each: the clock, which only waiting moves, shows it.
    const last = (await stored()).find(({ reason }) => reason === "Starting");
    expect(last?.eventTime).toMatch(/^2026-01-01T00:00:04\.0/);
  });

  test("more than 1000 that wait are dropped and counted, and nothing else waits for them", async () => {
    const untilStopped: Api["send"] = (_method, _path, { signal }) =>
      new Promise((_, reject) => {
        signal?.addEventListener("abort", () => {
          reject(new Error("stopped"));
        });
      });
    const { recorder } = await aBench(untilStopped);
    for (let at = 0; at < 1200; at++) recorder.event(refused("n", `shop/s${at}`));
    expect(recorder.stats().dropped).toEqual({ rate: 0, queue: 200, failed: 0 });
  });
});

describe("a server in trouble", () => {
  test.each<[string, Parameters<FakeApi["failNext"]>[1]]>([
    ["busy", { status: 429, retryAfterSeconds: 1 }],
    ["broken", { status: 500 }],
    ["resetting", "reset"],
    ["breaking off", "truncated"],
  ])("(%s) is asked again, and the event is there once", async (_, fault) => {
    const { recorder, stored, fake } = await aBench();
    await fake.failNext(3, fault);
    recorder.event(refused());
    await recorder.idle();
    expect(await stored()).toHaveLength(1);
    expect(recorder.stats()).toMatchObject({ posted: 1, dropped: { failed: 0 } });
  });

  test("an answer that is lost does not lose what was seen meanwhile", async () => {
    const { recorder, stored, fake } = await aBench();
    await fake.failNext(1, "truncated");
    for (let at = 0; at < 3; at++) recorder.event(refused());
    await recorder.idle();
    expect(await stored()).toMatchObject([{ series: { count: 3 } }]);
  });

  test.each([403, 404, 422])(
    "that refuses (%d) is not asked again; the event is dropped, and later ones are not",
    async (status) => {
      const { recorder, stored, fake, log } = await aBench();
      await fake.failNext(1, { status });
      recorder.event(refused());
      recorder.event(starting);
      await recorder.idle();
      expect((await stored()).map(({ reason }) => reason)).toEqual(["Starting"]);
      expect(recorder.stats()).toEqual({ posted: 1, patched: 0, dropped: { rate: 0, queue: 0, failed: 1 } });
      expect(log).toHaveLength(1);
    },
  );

  test("that is away is given up after five tries", async () => {
    const { recorder, fake } = await aBench();
    await fake.down();
    recorder.event(refused());
    await recorder.idle();
    expect(recorder.stats().dropped).toEqual({ rate: 0, queue: 0, failed: 1 });
    await fake.up();
    recorder.event(refused());
    await recorder.idle();
    expect(recorder.stats()).toMatchObject({ posted: 1 });
  });
});

describe("never disturbs who tells", () => {
  test("where sending throws", async () => {
    const { recorder } = await aBench(() => {
      throw new Error("broken");
    });
    expect(() => {
      recorder.event(refused());
    }).not.toThrow();
    await recorder.idle();
    expect(recorder.stats().dropped.failed).toBe(1);
  });

  test("after it was stopped, which ends what is under way", async () => {
    const { recorder, fake, stored } = await aBench();
    await fake.failNext(1, "hang");
    recorder.event(refused());
    recorder.event(starting);
    await after(50);
    await recorder.stop();
    recorder.event(refused("later"));
    await recorder.idle();
    expect(await stored()).toEqual([]);
    expect(recorder.stats().dropped.queue).toBe(1);
  });
});
