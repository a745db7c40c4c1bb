// Tests of src/health/health-server.ts, over real sockets.
import { afterEach, describe, expect, test } from "@jest/globals";
import { startHealthServer } from "../../../src/health/health-server.ts";
import { createHealthTracker, type HealthTracker } from "../../../src/health/health-tracker.ts";
import { parseBindAddress } from "../../../src/http/bind-address.ts";
import type { Running } from "../../../src/http/listen.ts";
import { ask, codeOf } from "../http/a-client.ts";

let running: Running | undefined;
let seconds = 0;
let probes: string[] = [];
afterEach(async () => {
  await running?.stop();
});

async function start(bind = "0.0.0.0:0"): Promise<{ readonly port: number; readonly tracker: HealthTracker }> {
  seconds = 0;
  probes = [];
  const tracker = createHealthTracker({ timeoutSeconds: 60, now: () => ({ wall: new Date(seconds * 1000), seconds }) });
  const at = parseBindAddress(bind);
  if (at === undefined || at === "off") throw new Error("not an address");
  running = await startHealthServer({ at, tracker, onProbe: (probe, code) => probes.push(`${probe} ${code}`) });
  return { port: running.port, tracker };
}

test.each(["0.0.0.0:0", "[::]:0", ":0"])("on %s both families are answered", async (bind) => {
  const { port } = await start(bind);
  for (const host of ["127.0.0.1", "::1"]) expect((await ask(port, "/healthz", { host })).status).toBe(200);
});

test("on one address the others are not", async () => {
  const { port } = await start("127.0.0.1:0");
  expect(await codeOf(ask(port, "/healthz", { host: "::1" }))).toBe("ECONNREFUSED");
});

test("a sync that does not succeed makes both 503, and one that does makes them 200", async () => {
  const { port, tracker } = await start();
  const statuses = async () => [(await ask(port, "/healthz")).status, (await ask(port, "/livez")).status];
  tracker.queued(4);
  expect(await statuses()).toEqual([200, 200]);
  seconds = 60;
  expect(await statuses()).toEqual([503, 503]);
  tracker.updated(4, tracker.now());
  expect(await statuses()).toEqual([200, 200]);
  tracker.setNode({ deleting: false, taints: ["ToBeDeletedByClusterAutoscaler"] });
  expect(await statuses()).toEqual([503, 200]);
  expect(probes).toEqual(
    ["200 200", "503 503", "200 200", "503 200"].flatMap((pair) => {
      const [healthz = "", livez = ""] = pair.split(" ");
      return [`healthz ${healthz}`, `livez ${livez}`];
    }),
  );
});

test("the body and its headers are kube-proxy's", async () => {
  const { port, tracker } = await start();
  seconds = 5;
  tracker.updated(6, tracker.now());
  seconds = 10.25;
  const got = await ask(port, "/healthz");
  expect(got.text).toBe(
    '{"lastUpdated":"1970-01-01T00:00:10.250Z","currentTime":"1970-01-01T00:00:10.250Z","nodeEligible":true,' +
      '"healthy":true,"status":{"IPv6":{"lastUpdated":"1970-01-01T00:00:05.000Z","healthy":true}}}',
  );
  expect(got.headers).toMatchObject({
    "content-type": "application/json",
    "x-content-type-options": "nosniff",
    "content-length": String(got.body.length),
  });
});

describe("requests", () => {
  test.each([
    ["GET", "/livez", 200],
    ["HEAD", "/healthz", 200],
    ["OPTIONS", "/healthz", 200],
    ["POST", "/healthz", 200],
    ["GET", "/healthz?probe=1", 200],
    ["GET", "/", 404],
    ["GET", "/healthz/", 404],
    ["GET", "/metrics", 404],
  ])("%s %s: %d", async (method, path, status) => {
    const { port } = await start();
    expect((await ask(port, path, { method })).status).toBe(status);
    expect(probes).toHaveLength(status === 200 ? 1 : 0);
  });
});
