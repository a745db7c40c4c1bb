// Tests of src/debug/status-route.ts, with an agent beside a fake API server and a kernel in memory.
import { afterEach, expect, test } from "@jest/globals";
import type { Logger } from "winston";
import { startAgent, type Agent } from "../../../src/agent/agent.ts";
import { createNoteTaker } from "../../../src/debug/status-notes.ts";
import { statusRoute } from "../../../src/debug/status-route.ts";
import { decodeStatus } from "../../../src/debug/status-shape.ts";
import { createHealthTracker } from "../../../src/health/health-tracker.ts";
import { createFakeKernel } from "../../../src/kernel/fake.ts";
import { createMetrics } from "../../../src/metrics/metrics.ts";
import { someSettings } from "../../make/node.ts";
import { anIp } from "../../make/objects.ts";
import { anApi, aServer, stopAll, until } from "../watch/harness.ts";

const agents: Agent[] = [];
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
  await stopAll();
});

const service = {
  ...{ apiVersion: "v1", kind: "Service", metadata: { name: "web", namespace: "default" } },
  spec: { clusterIP: "10.96.0.1", ports: [{ name: "http", port: 80, protocol: "TCP" }] },
};
const slice = {
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "web-1", namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4",
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  endpoints: [{ addresses: ["10.1.0.1"] }, { addresses: ["10.1.0.2"] }],
};

test("tells of an agent what it is, what it did and whom it listens to", async () => {
  const server = await aServer({ version: "1.30" });
  await server.set(service, slice);
  const { metrics, notes } = createNoteTaker(createMetrics({ version: "1", families: [4, 6] }));
  const health = createHealthTracker({ timeoutSeconds: 60 });
  const startedAt = Date.now();
  const agent = startAgent(
    {
      ...{ nodeName: "here", settings: someSettings(), families: [4, 6], minSyncPeriodSeconds: 0 },
      ...{ dryRun: false },
    },
    {
      ...{ api: anApi(server), kernel: createFakeKernel(), metrics, health, conntrack: undefined },
      healthPorts: { syncHealthPorts: () => Promise.resolve([]), stop: () => Promise.resolve() },
      log: { error: () => 0, warn: () => 0, info: () => 0, debug: () => 0 } as unknown as Logger,
      ...{ localIps: () => [anIp("192.168.0.2")], print: () => undefined, tell: () => undefined },
    },
  );
  agents.push(agent);
  const { path, answer } = statusRoute({
    ...{ node: "here", version: "1", mode: "iptables", variant: "nft", dryRun: false, server: server.url, startedAt },
    ...{ agent, health, notes },
  });
  const ask = async () => {
    const request = { method: "GET", path, query: new URLSearchParams(), token: undefined, remoteAddress: "::1" };
    const { status, contentType, body } = await answer(request);
    expect([status, contentType]).toEqual([200, "application/json"]);
    const read = decodeStatus(JSON.parse(String(body)));
    if (read === undefined) throw new Error(`no status: ${String(body)}`);
    return read;
  };
  expect(await ask()).toMatchObject({ node: "here", healthy: true, families: [] });
  await until(() => health.health().families.length === 2);
  const found = await ask();
  expect(found).toMatchObject({
    families: [
      { family: 4, healthy: true, services: 1, endpoints: 2 },
      { family: 6, healthy: true, services: 0, endpoints: 0 },
    ],
    lastPass: { number: 1, good: true },
    api: { server: server.url, watches: { services: { objects: 1, refused: 0 }, endpointslices: { objects: 1 } } },
  });
  expect(found.lastFailure).toBeUndefined();
  expect(found.families[0]?.rules).toBeGreaterThan(found.families[1]?.rules ?? Infinity);
  expect(found.lastPass?.changes).toBeGreaterThan(0);

  await server.set({ ...service, spec: { clusterIP: "odd", ports: "no" } });
  await until(() => agent.watches()["services"]?.refused === 1);
  expect((await ask()).api.watches["services"]?.refused).toBe(1);
});
