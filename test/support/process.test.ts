import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { canMakeNamespaces } from "../lab/probe.ts";
import { needTool, runTool } from "../lab/tool.ts";
import { aService, get, told, watch } from "./client.ts";
import { startApiProcess, type ApiProcess, type ProcessSettings } from "./process.ts";
import type { ApiOptions } from "./api.ts";
import { serveParent, type Reply } from "./worker.ts";

jest.setTimeout(30_000); // each test bundles the server and starts a process

const services = "/api/v1/services";
const open: ApiProcess[] = [];

async function start(options: ApiOptions = { tls: false }, settings: ProcessSettings = {}): Promise<ApiProcess> {
  const api = await startApiProcess(options, settings);
  open.push(api);
  return api;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((api) => api.stop()));
});

describe("a server in another process", () => {
  test("takes the same calls", async () => {
    const api = await start();
    expect(await api.set(...Array.from({ length: 2500 }, (_, at) => aService(`s${at}`)))).toBe(2501);
    expect((await get(api, `${services}?limit=1`)).body.metadata.remainingItemCount).toBe(2499);
    const { next, ended } = await watch(api, `${services}?resourceVersion=2501`);
    await api.remove("Service", "default", "s7");
    expect(told(await next(1))).toEqual(["DELETED s7"]);
    expect(await api.watches()).toMatchObject([{ resource: "services" }]);
    expect(await api.cutWatches("mid-event")).toBe(1);
    expect((await ended).how).toBe("clean");
    await api.setAccess({ tokens: ["x"] });
    expect((await get(api, services)).status).toBe(403);
    expect(await api.requests()).toHaveLength(3);
    await api.setAccess({ tokens: undefined });
    await api.restart({ history: "older" });
    expect((await get(api, services)).body.items).toHaveLength(2500);
    expect(await api.objects("Service")).toHaveLength(2500);
  });

  test("throws what a call throws there", async () => {
    const api = await start();
    await expect(api.remove("Service", "default", "a")).rejects.toThrow("default/a");
    expect(await api.set(aService("a"))).toBe(2);
  });

  test("says why it could not start", async () => {
    await expect(start({ address: "192.0.2.1" })).rejects.toThrow("EADDRNOTAVAIL");
    await expect(start({}, { before: ["/no/such/tool"] })).rejects.toThrow("could not be started");
  });

  test("answers nothing while frozen", async () => {
    const api = await start();
    api.freeze();
    const late = get(api, services);
    const first = await Promise.race([late, new Promise((resolve) => setTimeout(resolve, 200, "nothing"))]);
    expect(first).toBe("nothing");
    api.thaw();
    expect((await late).status).toBe(200);
  });

  test("is gone when stopped, frozen or not", async () => {
    const api = await start();
    api.freeze();
    await api.stop();
    await expect(get(api, services)).rejects.toThrow("ECONNREFUSED");
    await expect(api.requests()).rejects.toThrow("has ended");
  });
});

test("a worker that was not started says so", async () => {
  const replies: Reply[] = [];
  await serveParent((reply) => replies.push(reply))({ id: 3, call: "up", arguments: [] });
  expect(replies).toEqual([{ id: 3, error: "bug: called before it was started" }]);
});

const answer = await canMakeNamespaces();
(answer.yes ? test : test.skip)(
  `lives in a namespace${answer.yes ? "" : ` (skipped: ${answer.because})`}`,
  async () => {
    const ip = await needTool("ip");
    const namespace = `rwsupport-${process.pid}`;
    await runTool(ip, ["netns", "add", namespace]);
    try {
      await runTool(ip, ["-n", namespace, "link", "set", "lo", "up"]);
      const api = await start({ tls: false }, { before: [ip, "netns", "exec", namespace] });
      await api.set(aService("a"));
      await expect(get(api, services)).rejects.toThrow("ECONNREFUSED"); // out here nobody listens
      const program = `fetch("${api.url}${services}").then((answer) => answer.json()).then((list) => console.log(list.items.length))`;
      const { stdout } = await runTool(ip, ["netns", "exec", namespace, process.execPath, "-e", program]);
      expect(stdout).toBe("1\n");
      await api.stop();
    } finally {
      await runTool(ip, ["netns", "del", namespace]);
    }
  },
);
