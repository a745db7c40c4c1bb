// Tests of src/agent/pass.ts: passes over a kernel in memory, without an API server. With one: agent.test.ts.
import { describe, expect, test } from "@jest/globals";
import type { Logger } from "winston";
import { createHistory } from "../../../src/agent/history.ts";
import { createLastChanges } from "../../../src/agent/last-changes.ts";
import { createViews } from "../../../src/agent/node-view.ts";
import { createObjects } from "../../../src/agent/objects.ts";
import { createPasses } from "../../../src/agent/pass.ts";
import { createProxier } from "../../../src/agent/proxier.ts";
import type { AgentSettings, Work } from "../../../src/agent/work.ts";
import type { Event } from "../../../src/events/event.ts";
import { createHealthTracker } from "../../../src/health/health-tracker.ts";
import { createMetrics } from "../../../src/metrics/metrics.ts";
import type { Api } from "../../../src/watch/api.ts";
import { someSettings } from "../../make/node.ts";
import { aService, aSlice, anIp } from "../../make/objects.ts";
import { readExposition } from "../metrics/exposition.ts";
import { aKernel } from "./a-kernel.ts";

const startedAt = Date.now() - 1000;
const set = <T extends { readonly namespace: string; readonly name: string }>(object: T, more: object = {}) => ({
  ...{ kind: "set" as const, key: `${object.namespace}/${object.name}`, version: 7, receivedAt: startedAt },
  object,
  ...more,
});
const web = aService({ clusterIps: ["10.96.0.1", "fd00:96::1"] });
const four = aSlice({ name: "four", ports: [80], endpoints: ["10.1.0.1", "10.1.0.2"] });
const six = aSlice({ name: "six", addressType: "IPv6", ports: [80], endpoints: ["fd00:1::1"] });

/** What passes work on, with `default/web` in it, and all that they do. */
function aPlace({ dryRun = false } = {}) {
  const kernel = aKernel();
  const metrics = createMetrics({ version: "1", families: [4, 6] });
  const lastChanges = createLastChanges();
  const history = createHistory();
  const objects = createObjects(lastChanges.changed);
  const settings: AgentSettings = {
    ...{ nodeName: "here", settings: someSettings(), families: [4, 6], minSyncPeriodSeconds: 0 },
    ...{ dryRun },
  };
  const [events, owed, log]: [Event[], string[], string[]] = [[], [], []];
  const keep = (text: string) => log.push(text);
  const work: Work = {
    settings,
    surroundings: {
      ...{ api: {} as Api, kernel, metrics, conntrack: undefined },
      health: createHealthTracker({ timeoutSeconds: 60 }),
      healthPorts: {
        syncHealthPorts: () =>
          Promise.resolve([{ service: "default/web", port: 32000, code: "EADDRINUSE", text: "is taken" }]),
        stop: () => Promise.resolve(),
      },
      log: { error: keep, warn: keep, info: keep, debug: keep } as unknown as Logger,
      localIps: () => [anIp("192.168.0.2")],
      print: () => undefined,
      tell: (event) => events.push(event),
    },
    ...{ objects, history, lastChanges, startedAt },
    proxiers: ([4, 6] as const).map((family) => ({ family, proxier: createProxier(kernel, { writes: !dryRun }) })),
    views: createViews(settings.settings),
    allowLoopback: () => Promise.resolve(),
    flows: {
      passed: (_, { view }) => owed.push(`IPv${view.family}`),
      pay: () => Promise.resolve(),
    },
    resourceVersions: () => ({ services: "10", endpointslices: "20", nodes: "" }),
  };
  const run = createPasses(work);
  objects.services([set(web, { uid: "the-uid" })]);
  objects.slices([set(four), set(six)]);
  return {
    ...{ kernel, history, objects, lastChanges, events, owed, log },
    pass: (waitedSeconds = 0) => run(() => waitedSeconds),
    series: async (name: string) => (await readSeries(metrics)).get(name),
  };
}

async function readSeries(metrics: ReturnType<typeof createMetrics>) {
  return readExposition(await metrics.render()).series;
}

describe("the history", () => {
  test("has why, what and how for each family of each pass that did something", async () => {
    const { history, objects, pass, lastChanges } = aPlace();
    await pass();
    await pass();
    objects.slices([set({ ...four, endpoints: four.endpoints.slice(1) })]);
    await pass();
    expect(history.passes()).toMatchObject([
      {
        ...{ number: 3, kind: "pass", cause: "1 EndpointSlice changed", services: ["default/web"] },
        families: [
          { family: 4, scope: "partial", batches: 1, result: "good" },
          { family: 6, scope: "partial", changes: 0, result: "good" },
        ],
      },
      { number: 1, cause: "first pass", services: ["default/web"], families: [{ scope: "full" }, { scope: "full" }] },
    ]);
    expect(history.totals()).toMatchObject({ passes: 3, failedPasses: 0 });
    expect(lastChanges.of("default/web")?.pass?.endedAt).toBeGreaterThanOrEqual(startedAt);
  });

  test("has passes that failed with the tool's words, and the batch", async () => {
    const { history, objects, pass, kernel, lastChanges } = aPlace();
    await pass();
    Object.assign(kernel.refusal, { lines: /10\.1\.0\.9/, naming: "nothing" });
    objects.slices([set(aSlice({ ...four, endpoints: ["10.1.0.9"] }))]);
    expect(await pass()).toBe(false);
    expect(lastChanges.of("default/web")?.pass).toBeUndefined();
    expect(history.lastFailed()).toMatchObject({
      family: 4,
      message: "refused",
      script: expect.stringContaining("10.1.0.9"),
    });
    expect(history.passes()[0]?.families).toMatchObject([{ result: "failed", message: "refused" }, { result: "good" }]);
    kernel.refusal.lines = undefined;
    expect(await pass()).toBe(true);
    expect(history.passes()[0]).toMatchObject({
      cause: "1 EndpointSlice changed, again after a failure",
      services: ["default/web"],
    });
  });

  test("has Services that are held back in a pass that is good all the same", async () => {
    const { history, objects, pass, kernel, events } = aPlace();
    await pass();
    kernel.refusal.lines = /10\.1\.0\.9/;
    objects.slices([set(aSlice({ ...four, endpoints: ["10.1.0.9"] }))]);
    expect(await pass()).toBe(true);
    expect(history.passes()[0]?.families[0]).toMatchObject({
      result: "good",
      message: expect.stringMatching(/^default\/web stays as it was: /),
    });
    expect(history.lastFailed()).toMatchObject({ family: 4, script: "" });
    const refused = events.find(({ reason }) => reason === "RulesRefused");
    expect(refused?.regarding).toMatchObject({ kind: "Service", namespace: "default", name: "web", uid: "the-uid" });
  });

  test("says where it was the node that changed", async () => {
    const { history, objects, pass } = aPlace();
    await pass();
    const node = { name: "here", zone: "b", podCidrs: [], addresses: [anIp("192.168.0.9")] };
    objects.nodes([{ kind: "set", key: "here", version: 1, receivedAt: 1, object: node }]);
    objects.slices([set({ ...four, endpoints: [] })]);
    await pass();
    expect(history.passes()[0]?.cause).toBe("1 EndpointSlice changed, the node changed");
  });
});

describe("metrics", () => {
  const programmed = (family: 4 | 6) =>
    `kubeproxy_network_programming_duration_seconds_count{ip_family="IPv${family}"}`;

  test("have the time of each slice's change under its family, once that family has it", async () => {
    const { objects, pass, kernel, series } = aPlace();
    await pass();
    const triggeredAt = Date.now() - 10;
    Object.assign(kernel.refusal, { lines: /10\.1\.0\.9/, naming: "nothing" });
    objects.slices([set(aSlice({ ...four, endpoints: ["10.1.0.9"] }), { triggeredAt }), set(six, { triggeredAt })]);
    objects.slices([set(six, { triggeredAt: startedAt - 1 })]);
    await pass();
    expect([await series(programmed(4)), await series(programmed(6))]).toEqual([undefined, 1]);
    kernel.refusal.lines = undefined;
    await pass();
    expect([await series(programmed(4)), await series(programmed(6))]).toEqual([1, 1]);
  });

  test("have what the rules were made from", async () => {
    const { pass, series, objects } = aPlace();
    await pass(0.25);
    expect(await series("rulewright_services")).toBe(1);
    expect(await series("rulewright_endpoints")).toBe(3);
    const hash = await series("rulewright_model_hash");
    expect(hash).toBeGreaterThan(0);
    expect(await series("rulewright_sync_queued_duration_seconds_sum")).toBe(0.25);
    objects.slices([set({ ...four, endpoints: [] })]);
    await pass();
    expect(await series("rulewright_endpoints")).toBe(1);
    objects.slices([set(four)]);
    await pass();
    expect(await series("rulewright_model_hash")).toBe(hash);
  });

  test("have Services whose policy is Local and that have no endpoint here", async () => {
    const { pass, series, objects } = aPlace();
    objects.services([set({ ...web, internalTrafficPolicy: "Local" as const })]);
    await pass();
    const noLocal = (policy: string, family: 4 | 6) =>
      `kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family="IPv${family}",traffic_policy="${policy}"}`;
    expect(await series(noLocal("internal", 4))).toBe(1);
    expect(await series(noLocal("external", 6))).toBe(0);
  });
});

test("events about health-check ports carry the Service's uid", async () => {
  const { pass, events } = aPlace();
  await pass();
  expect(events.map(({ reason, regarding }) => [reason, regarding.uid])).toEqual([
    ["FailedToStartServiceHealthcheck", "the-uid"],
  ]);
});

test.each([
  [false, ["IPv4", "IPv6"], 1],
  [true, [], undefined],
])(
  "dry run %s: connections to endpoints that go are owed %j, and programming is told %j times",
  async (dryRun, due, times) => {
    const { pass, owed, series, objects } = aPlace({ dryRun });
    objects.slices([set(six, { triggeredAt: Date.now() })]);
    await pass();
    expect(owed).toEqual(due);
    expect(await series('kubeproxy_network_programming_duration_seconds_count{ip_family="IPv6"}')).toBe(times);
  },
);
