import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { startApi, type FakeApi } from "./api.ts";
import { aNode, aService, get, told, watch } from "./client.ts";

const services = "/api/v1/services";
let api: FakeApi;

beforeEach(async () => {
  api = await startApi({ tls: false });
});

afterEach(() => api.stop());

describe("a watch", () => {
  test("replays what came after its revision, then goes on", async () => {
    const revision = await api.set(aService("a"));
    await api.set(aService("b"), aNode("n"), aService("a", { labels: { x: "y" } }));
    const { status, next, waiting } = await watch(api, `${services}?resourceVersion=${revision}`);
    expect(status).toBe(200);
    expect(told(await next(2))).toEqual(["ADDED b", "MODIFIED a"]);
    const last = await api.remove("Service", "default", "b");
    const [gone] = await next(1);
    expect(gone).toMatchObject({
      type: "DELETED",
      object: { kind: "Service", apiVersion: "v1", metadata: { name: "b", resourceVersion: String(last) } },
    });
    expect(waiting()).toEqual([]);
  });

  test.each(["", "?resourceVersion=0", "?resourceVersion=&allowWatchBookmarks=true"])(
    "begins with what there is where no revision is given: %s",
    async (query) => {
      await api.set(aService("b"), aService("a"));
      const { next } = await watch(api, `${services}${query}`);
      await api.set(aService("c"));
      expect(told(await next(3))).toEqual(["ADDED a", "ADDED b", "ADDED c"]);
    },
  );

  test("tells those who ask for initial events where they end", async () => {
    const revision = await api.set(aService("a"));
    const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const { next } = await watch(api, `${services}?${query}`);
    const [added, end] = await next(2);
    expect(added).toMatchObject({ type: "ADDED", object: { metadata: { name: "a" } } });
    expect(end).toMatchObject({
      type: "BOOKMARK",
      object: {
        kind: "Service",
        apiVersion: "v1",
        metadata: { resourceVersion: String(revision), annotations: { "k8s.io/initial-events-end": "true" } },
      },
    });
    await api.set(aService("a", { labels: { x: "y" } }));
    expect(told(await next(1))).toEqual(["MODIFIED a"]);
  });

  test("from before the history gets 410 in the stream, which ends", async () => {
    const revision = await api.set(aService("a"));
    await api.set(aService("b"));
    await api.expireHistory();
    const { status, next, ended } = await watch(api, `${services}?resourceVersion=${revision}`);
    const [error] = await next(1);
    expect(status).toBe(200);
    expect(error).toMatchObject({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } });
    expect(await ended).toEqual({ how: "clean", rest: "" });
  });

  test("keeps as long a history as it is told to", async () => {
    const short = await startApi({ tls: false, historyLimit: 10 });
    try {
      for (let at = 0; at < 12; at++) await short.set(aService(`s${at}`));
      const old = await watch(short, `${services}?resourceVersion=2`);
      expect(told(await old.next(1))).toEqual(["ERROR 410"]);
      const recent = await watch(short, `${services}?resourceVersion=12`);
      expect(told(await recent.next(1))).toEqual(["ADDED s11"]);
    } finally {
      await short.stop();
    }
  });

  test("shows an object that leaves its selector as deleted, as it was, and one that enters as added", async () => {
    const selector = encodeURIComponent("!other");
    const { next, waiting } = await watch(api, `${services}?labelSelector=${selector}&resourceVersion=1`);
    await api.set(aService("a", { labels: { mine: "1" } }));
    const left = await api.set(aService("a", { labels: { other: "1" } }));
    await api.set(aService("a", { labels: { other: "2" } }), aService("b", { labels: { other: "1" } }));
    await api.remove("Service", "default", "b");
    await api.set(aService("a"));
    const events = await next(3);
    expect(told(events)).toEqual(["ADDED a", "DELETED a", "ADDED a"]);
    expect(events[1]?.object.metadata).toMatchObject({ labels: { mine: "1" }, resourceVersion: String(left) });
    expect(waiting()).toEqual([]);
  });

  test("of one node is told of that node only", async () => {
    const { next } = await watch(api, "/api/v1/nodes?fieldSelector=metadata.name%3Dme&resourceVersion=1");
    await api.set(aNode("other"), aNode("me"));
    expect(told(await next(1))).toEqual(["ADDED me"]);
  });

  test("ends well after its timeout", async () => {
    const { ended } = await watch(api, `${services}?timeoutSeconds=1&resourceVersion=1`);
    expect(await ended).toEqual({ how: "clean", rest: "" });
    expect(await api.watches()).toEqual([]);
  });

  test("gets bookmarks only where it asked for them", async () => {
    const asked = await watch(api, `${services}?allowWatchBookmarks=true&resourceVersion=1`);
    const silent = await watch(api, `${services}?resourceVersion=1`);
    const revision = await api.set(aNode("n"));
    expect(await api.sendBookmarks()).toBe(1);
    const [bookmark] = await asked.next(1);
    expect(bookmark).toMatchObject({ type: "BOOKMARK", object: { metadata: { resourceVersion: String(revision) } } });
    await api.set(aService("a"));
    expect(told(await silent.next(1))).toEqual(["ADDED a"]);
  });
});

describe("faults of watches", () => {
  const from = `${services}?resourceVersion=1`;

  test.each([
    ["clean", { how: "clean", rest: "" }],
    ["mid-event", { how: "clean", rest: expect.stringMatching(/^\{"type"/) }],
    ["mid-chunk", { how: "broken", rest: expect.stringMatching(/^\{"type"/) }],
    ["reset", { how: "broken", rest: "" }],
  ] as const)("a stream is cut: %s", async (how, ending) => {
    const cut = await watch(api, from);
    const other = await watch(api, "/api/v1/nodes?resourceVersion=1");
    expect(await api.cutWatches(how, "services")).toBe(1);
    expect(await cut.ended).toEqual(ending);
    await api.set(aNode("n"));
    expect(told(await other.next(1))).toEqual(["ADDED n"]);
  });

  test("a stalled stream says nothing and does not end until it is resumed; others go on", async () => {
    const stalled = await watch(api, `${from}&timeoutSeconds=1`);
    expect(await api.stallWatches()).toBe(1);
    await api.set(aService("a"));
    const fresh = await watch(api, from);
    expect(told(await fresh.next(1))).toEqual(["ADDED a"]);
    const late = await Promise.race([stalled.ended, sleep(1300, "nothing")]);
    expect([late, stalled.waiting()]).toEqual(["nothing", []]);
    await api.resumeWatches();
    expect(told(await stalled.next(1))).toEqual(["ADDED a"]);
    expect(await stalled.ended).toEqual({ how: "clean", rest: "" });
  });

  test("events come late, in order, while lists are up to date", async () => {
    const { next, waiting } = await watch(api, from);
    await api.delayEvents(500);
    const set = performance.now();
    await api.set(aService("a"));
    await api.delayEvents(0);
    await api.set(aService("b"));
    expect((await get(api, services)).body.items).toHaveLength(2);
    expect(waiting()).toEqual([]);
    expect(told(await next(2))).toEqual(["ADDED a", "ADDED b"]);
    expect(performance.now() - set).toBeGreaterThan(490);
  });

  test("events come twice", async () => {
    const { next } = await watch(api, from);
    await api.duplicateEvents(2);
    await api.set(aService("a"));
    await api.duplicateEvents(1);
    await api.set(aService("b"));
    expect(told(await next(3))).toEqual(["ADDED a", "ADDED a", "ADDED b"]);
  });

  test("a compaction ends them with 410", async () => {
    const { next, ended } = await watch(api, from);
    expect(await api.expireHistory()).toBe(1);
    expect(told(await next(1))).toEqual(["ERROR 410"]);
    expect(await ended).toEqual({ how: "clean", rest: "" });
  });
});

describe("a restart", () => {
  test("breaks streams, keeps port and objects, and loses the history", async () => {
    const before = await api.set(aService("a"));
    const now = await api.set(aService("b"));
    const broken = await watch(api, `${services}?resourceVersion=${now}`);
    const restarted = api.restart({ downMs: 400 });
    expect(await broken.ended).toEqual({ how: "broken", rest: "" });
    await expect(get(api, services)).rejects.toThrow("ECONNREFUSED");
    await restarted;
    const { body } = await get(api, services);
    expect(body.items).toHaveLength(2);
    expect(body.metadata.resourceVersion).toBe(String(now));
    expect(told(await (await watch(api, `${services}?resourceVersion=${before}`)).next(1))).toEqual(["ERROR 410"]);
    const good = await watch(api, `${services}?resourceVersion=${now}`);
    await api.set(aService("c"));
    expect(told(await good.next(1))).toEqual(["ADDED c"]);
  });

  test("with an older history undoes changes, whose revisions come again and are not told to who has seen them", async () => {
    const kept = await api.set(aService("a"), aService("b"));
    await api.set(aService("a", { labels: { x: "y" } }), aService("c"));
    const seen = await api.remove("Service", "default", "b");
    await api.restart({ history: "older", changes: 3 });
    const { body } = await get(api, services);
    expect(body.metadata.resourceVersion).toBe(String(kept));
    expect(body.items.map(({ metadata }) => metadata)).toMatchObject([{ name: "a", labels: {} }, { name: "b" }]);
    const ahead = await watch(api, `${services}?resourceVersion=${seen}`);
    for (const name of ["d", "e", "f", "g"]) await api.set(aService(name));
    expect(told(await ahead.next(1))).toEqual(["ADDED g"]);
  });

  test("cannot undo more than there was", async () => {
    await expect(api.restart({ history: "older", changes: 7 })).rejects.toThrow("undo 7");
  });

  test("down and up are its halves", async () => {
    await api.down();
    await api.down();
    await expect(get(api, services)).rejects.toThrow("ECONNREFUSED");
    await api.set(aService("a"));
    await api.up();
    expect((await get(api, services)).body.items).toHaveLength(1);
  });
});
