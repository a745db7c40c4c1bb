// Tests of src/watch/follow.ts through a reflector, against a fake API server.
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { setTimeout as after } from "node:timers/promises";
import { ApiError } from "../../../src/watch/api-error.ts";
import type { Api } from "../../../src/watch/api.ts";
import { services } from "../../../src/watch/resources.ts";
import { bodyOf } from "./chunks.ts";
import { another, anApi, aServer, aServiceObject, run, stopAll, told, until, watching } from "./harness.ts";

jest.setTimeout(20_000);
afterEach(stopAll);

describe("a stream that breaks", () => {
  test.each(["clean", "mid-event", "mid-chunk", "reset"] as const)(
    "(%s) goes on where it was: nothing is lost, told twice or listed again",
    async (how) => {
      const { fake, seen } = await watching(["a"], { version: "1.28" });
      await fake.set(aServiceObject("b"));
      await until(() => seen.changes.length === 1);
      for (let at = 0; at < 3; at++) {
        await another(seen, async () => {
          await fake.cutWatches(how);
          await fake.set(aServiceObject("b", 8000 + at), aServiceObject(`c${at}`));
        });
      }
      await until(() => seen.changes.length >= 7);
      expect(told(seen.changes)).toEqual([
        "set b 80",
        "set b 8000",
        "set c0 80",
        "set b 8001",
        "set c1 80",
        "set b 8002",
        "set c2 80",
      ]);
      expect(seen.reflector.stats()).toMatchObject({ lists: 1, failures: 3 });
    },
  );

  test("sends nothing and does not end: it is replaced after the idle time, and nothing is lost", async () => {
    const { fake, seen } = await watching(["a"], { idleSeconds: 0.3 });
    await fake.stallWatches();
    await fake.set(aServiceObject("b"));
    const from = Date.now();
    await until(() => seen.changes.length === 1);
    expect(told(seen.changes)).toEqual(["set b 80"]);
    expect(Date.now() - from).toBeGreaterThan(250);
    expect(seen.reflector.stats()).toMatchObject({ lists: 1 });
    expect(seen.log.join()).toContain("no byte for 0.3 s");
  });

  test("a quiet stream with bookmarks is left alone", async () => {
    const { fake, seen } = await watching(["a"], { idleSeconds: 1 });
    for (let at = 0; at < 8; at++) {
      await after(250);
      await fake.sendBookmarks();
    }
    expect(seen.reflector.stats()).toMatchObject({ watches: 1, failures: 0 });
  });

  test("a bookmark moves the place from which it goes on", async () => {
    const { fake, seen } = await watching(["a"]);
    const version = await fake.set({ apiVersion: "v1", kind: "Node", metadata: { name: "n" } });
    await fake.sendBookmarks();
    await until(() => seen.reflector.stats().resourceVersion === version);
    await another(seen, () => fake.cutWatches());
    expect((await fake.requests()).at(-1)?.query["resourceVersion"]).toBe(String(version));
  });
});

describe("a list again", () => {
  test.each(["1.28", "1.36"] as const)(
    "(%s) after 410 tells what differs, deletions too, and nothing that is as it was",
    async (version) => {
      const { fake, seen } = await watching(["a", "b", "c"], { version });
      await fake.down();
      await fake.remove("Service", "default", "a");
      await fake.set(aServiceObject("b", 81), aServiceObject("d"));
      await fake.expireHistory();
      await fake.up();
      await until(() => seen.changes.length >= 3);
      await fake.set(aServiceObject("e"));
      await until(() => seen.changes.length >= 4);
      expect(told(seen.changes)).toEqual(["set b 81", "set d 80", "gone a", "set e 80"]);
      expect(seen.synced).toHaveLength(1);
      expect(seen.reflector.stats()).toMatchObject({ lists: 2, objects: 4 });
    },
  );

  test("after 410 in a stream is from the server's cache, and not older than what was seen", async () => {
    const { fake, seen } = await watching(["a"], { version: "1.28" });
    const revision = await fake.set(aServiceObject("b"));
    await until(() => seen.changes.length === 1);
    await fake.expireHistory();
    await until(async () => (await fake.watches()).length === 1 && seen.reflector.stats().lists === 2);
    const list = (await fake.requests()).find(({ query }) => !("watch" in query));
    expect(list?.query).toMatchObject({ resourceVersion: String(revision), resourceVersionMatch: "NotOlderThan" });
    expect(list?.query).not.toHaveProperty("limit");
    expect(told(seen.changes)).toEqual(["set b 80"]);
  });

  test("whose next page is out of date begins again, and ends with every object told once", async () => {
    const fake = await aServer({ version: "1.28" });
    await fake.fill({ services: 1200, endpoints: 0 });
    // The list from the cache is refused, the first page is not, the second is.
    await fake.failNext(1, { status: 410 }, { verb: "list" });
    await fake.failNext(1, { slowMs: 0 }, { verb: "list" });
    await fake.failNext(1, { status: 410 }, { verb: "list" });
    const seen = run(anApi(fake), services);
    await until(() => seen.synced.length === 1);
    expect(seen.objects.size).toBe(1200);
    expect(seen.changes).toHaveLength(1200);
    const lists = (await fake.requests()).filter(({ query }) => !("watch" in query)).map(({ query }) => query);
    expect(lists.map(({ limit, continue: next }) => [limit, next !== undefined])).toEqual([
      ["500", false],
      ["500", false],
      ["500", true],
      [undefined, false],
    ]);
  });

  test("in pages has everything", async () => {
    const { fake, seen } = await watching([], { version: "1.28" });
    // What looks whether the server went back in time, then the list from the cache.
    await fake.failNext(2, { status: 410 }, { verb: "list" });
    await fake.down();
    await fake.fill({ services: 1200, endpoints: 0 });
    await fake.expireHistory();
    await fake.up();
    await until(() => seen.objects.size === 1200);
    expect((await fake.requests()).filter(({ query }) => "continue" in query).length).toBeGreaterThanOrEqual(2);
  });

  test.each(["truncated", "reset", "garbage", "hang", { status: 500 }, { dripMs: 1 }] as const)(
    "that goes wrong (%j) is tried again; what came of it is not told twice",
    async (fault) => {
      const fake = await aServer({ version: "1.28" });
      await fake.set(...Array.from({ length: 300 }, (_, at) => aServiceObject(`s${at}`)));
      await fake.failNext(2, fault, { verb: "list" });
      const seen = run(anApi(fake), services, { idleSeconds: 0.5 });
      await until(() => seen.synced.length === 1);
      expect(seen.synced).toEqual([300]);
      expect(seen.changes).toHaveLength(300);
    },
  );

  test("that broke off does not hide what is deleted before the next", async () => {
    const fake = await aServer({ version: "1.28" });
    await fake.set(...Array.from({ length: 300 }, (_, at) => aServiceObject(`s${String(at).padStart(3, "0")}`)));
    await fake.failNext(1, "truncated", { verb: "list" });
    await fake.failNext(1, { slowMs: 300 }, { verb: "list" });
    const seen = run(anApi(fake), services);
    await until(() => seen.waits.length === 1);
    await fake.remove("Service", "default", "s000");
    await until(() => seen.synced.length === 1);
    expect(seen.objects.size).toBe(299);
    expect(told(seen.changes).filter((text) => text === "gone s000")).toHaveLength(1);
  });
});

test("events that come twice or late are told once", async () => {
  const { fake, seen } = await watching(["a"]);
  await fake.duplicateEvents(3);
  await fake.delayEvents(50);
  await fake.set(aServiceObject("b"), aServiceObject("b", 81));
  await fake.remove("Service", "default", "b");
  await fake.set(aServiceObject("b", 82));
  await until(() => seen.changes.length >= 4);
  await after(100);
  expect(told(seen.changes)).toEqual(["set b 80", "set b 81", "gone b", "set b 82"]);
});

test("an event from before where we are is passed over, be it of an object that changed since or is gone", async () => {
  const event = (type: string, version: number, name: string, port = 80) => {
    const { metadata, ...rest } = aServiceObject(name, port);
    return { type, object: { ...rest, metadata: { ...(metadata as object), resourceVersion: String(version) } } };
  };
  const lines = [
    event("ADDED", 5, "a", 81),
    event("MODIFIED", 6, "a", 82),
    event("MODIFIED", 5, "a", 81),
    event("DELETED", 4, "a"),
    event("ADDED", 7, "b"),
    event("DELETED", 8, "b"),
    event("MODIFIED", 7, "b"),
    event("ADDED", 9, "c"),
  ];
  const bodies = [[{ metadata: { resourceVersion: "4" }, items: [] }], lines].map((values) =>
    values.map((value) => `${JSON.stringify(value)}\n`).join(""),
  );
  const api: Api = {
    ...anApi({ url: "http://127.0.0.1:1", caPem: undefined }),
    get: (path, { query } = {}) => {
      const refused = "sendInitialEvents" in (query ?? {});
      if (refused) throw new ApiError(path, { status: 422, reason: "Invalid" });
      const [body = ""] = bodies.splice(0, 1);
      return Promise.resolve({ status: 200, headers: {}, body: bodyOf([Buffer.from(body)]) });
    },
  };
  const seen = run(api, services);
  await until(() => seen.changes.length >= 5);
  await seen.reflector.stop();
  expect(told(seen.changes)).toEqual(["set a 81", "set a 82", "set b 80", "gone b", "set c 80"]);
});
