// Tests of src/agent/agent.ts: a fake API server on one side, a kernel in memory on the other.
import { afterEach, describe, expect, test } from "@jest/globals";
import type { Logger } from "winston";
import { startAgent, type Agent, type AgentSettings } from "../../../src/agent/agent.ts";
import type { HealthPorts } from "../../../src/health/health-ports.ts";
import { createHealthTracker } from "../../../src/health/health-tracker.ts";
import { createMetrics } from "../../../src/metrics/metrics.ts";
import { someSettings } from "../../make/node.ts";
import type { Ip } from "../../../rules/index.ts";
import { anIp } from "../../make/objects.ts";
import type { ApiObject } from "../../support/store.ts";
import { readExposition } from "../metrics/exposition.ts";
import { anApi, aServer, stopAll, until } from "../watch/harness.ts";
import { aKernel, rulesIn, type Refusal } from "./a-kernel.ts";

const agents: Agent[] = [];
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
  await stopAll();
});

const service = (name: string, spec: object = {}): ApiObject => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name, namespace: "default" },
  spec: { clusterIP: `10.96.0.${name.charCodeAt(0)}`, ports: [{ name: "http", port: 80, protocol: "TCP" }], ...spec },
});
const slice = (name: string, ip = `10.1.0.${name.charCodeAt(0)}`, annotations: object = {}): ApiObject => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name, namespace: "default", labels: { "kubernetes.io/service-name": name }, annotations },
  addressType: ip.includes(":") ? "IPv6" : "IPv4",
  ports: [{ name: "http", port: 8080, protocol: "TCP" }],
  endpoints: [{ addresses: [ip], nodeName: "here", conditions: { ready: true } }],
});
const node = (podCIDR: string): ApiObject => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name: "here" },
  spec: { podCIDR },
  status: { addresses: [{ type: "InternalIP", address: "192.168.0.2" }] },
});
const sixes = { clusterIP: "fd00:96::1", ipFamilies: ["IPv6"] };

type Given = {
  readonly settings?: Partial<AgentSettings>;
  readonly refusal?: Partial<Refusal>;
  readonly objects?: readonly ApiObject[];
  readonly localIps?: () => readonly Ip[];
};

/** An agent on the node `here`, and all that it says and does. */
async function anAgent({
  localIps = () => ["192.168.0.2", "127.0.0.1"].map(anIp),
  settings = {},
  refusal = {},
  objects = [service("a"), slice("a")],
}: Given = {}) {
  const server = await aServer({ version: "1.30" });
  if (objects.length > 0) await server.set(...objects);
  const kernel = aKernel(refusal);
  const metrics = createMetrics({ version: "1", families: [4, 6] });
  const health = createHealthTracker({ timeoutSeconds: 60 });
  const log: string[] = [];
  const printed: string[] = [];
  const events: string[] = [];
  const ports: [number, number][][] = [];
  const healthPorts: HealthPorts = {
    syncHealthPorts: (wanted) => {
      ports.push([...wanted].map(([port, { localEndpoints }]) => [port, localEndpoints]));
      return Promise.resolve([]);
    },
    stop: () => Promise.resolve(),
  };
  const keep = (level: string) => (text: string) => log.push(`${level}: ${text}`);
  const start = () => {
    const agent = startAgent(
      {
        ...{ nodeName: "here", settings: someSettings(), families: [4, 6], minSyncPeriodSeconds: 0 },
        ...{ repairSeconds: 3600, dryRun: false },
        ...settings,
      },
      {
        ...{ api: anApi(server), kernel, metrics, health, healthPorts },
        log: { error: keep("error"), warn: keep("warn"), info: keep("info"), debug: () => 0 } as unknown as Logger,
        localIps,
        print: (text) => printed.push(text),
        tell: ({ reason, regarding }) => events.push(`${reason} ${regarding.kind} ${regarding.name}`),
        conntrack: undefined,
      },
    );
    agents.push(agent);
    return agent;
  };
  return {
    ...{ server, kernel, health, log, printed, ports, start },
    series: async () => readExposition(await metrics.render()).series,
    /** Waits until the rules of a family hold that text, or do not. */
    holds: (text: string, family: 4 | 6 = 4) => until(async () => (await rulesIn(kernel, family)).includes(text)),
    lacks: (text: string, family: 4 | 6 = 4) => until(async () => !(await rulesIn(kernel, family)).includes(text)),
  };
}

const to = (name: string) => `--to-destination 10.1.0.${name.charCodeAt(0)}:8080`;

describe("the kernel", () => {
  test.each(["services", "endpointslices"])("is not touched before all %s are listed", async (resource) => {
    const { server, kernel, start, holds, log } = await anAgent();
    await server.failNext(1, { slowMs: 400 }, { resource });
    start();
    const other = resource === "services" ? "endpointslices" : "services";
    await until(() => log.some((line) => line === `info: ${other}: listed`));
    expect(kernel.take()).toEqual([]);
    await holds(to("a"));
    expect(log.filter((line) => line.includes("listed")).length).toBeGreaterThanOrEqual(2);
  });

  test("follows what comes, changes and goes, in both families", async () => {
    const { server, start, holds, lacks } = await anAgent({
      objects: [service("a"), slice("a"), service("s", sixes), slice("s", "fd00:1::5")],
    });
    start();
    await holds(to("a"));
    await holds("[fd00:1::5]:8080", 6);
    await server.set(slice("a", "10.1.0.7"), service("b"), slice("b"));
    await holds("10.1.0.7:8080");
    await holds(to("b"));
    await lacks(to("a"));
    await server.remove("Service", "default", "b");
    await lacks("default/b");
    await server.remove("EndpointSlice", "default", "s");
    await lacks("[fd00:1::5]:8080", 6);
  });

  test("follows the Node", async () => {
    const { server, start, holds } = await anAgent({
      settings: { settings: someSettings({ detectLocal: { mode: "NodeCIDR" } }) },
    });
    start();
    await holds(to("a"));
    await server.set(node("10.77.0.0/16"));
    await holds("! -s 10.77.0.0/16");
    await server.set(node("10.78.0.0/16"));
    await holds("! -s 10.78.0.0/16");
  });

  test("of one family that fails does not keep the other from being served, and is served once it works", async () => {
    const lines = /--to-destination 10\.1\./;
    const { start, kernel, log, holds, health } = await anAgent({
      refusal: { lines, naming: "nothing" },
      objects: [service("a"), slice("a"), service("s", sixes), slice("s", "fd00:1::5")],
    });
    start();
    await holds("[fd00:1::5]:8080", 6);
    expect(log.some((line) => line.startsWith("error: IPv4: a batch was refused"))).toBe(true);
    expect(health.health().families.map(({ lastUpdated }) => lastUpdated === undefined)).toContain(false);
    kernel.refusal.lines = undefined;
    await holds(to("a"));
  });

  test("is left as it is by stop, and after it nothing is done", async () => {
    const { server, kernel, start, holds } = await anAgent();
    const agent = start();
    await holds(to("a"));
    await agent.stop();
    kernel.take();
    await server.set(service("b"), slice("b"));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(kernel.take()).toEqual([]);
    expect(await rulesIn(kernel)).toContain(to("a"));
  });
});

describe("objects that cannot be used", () => {
  test("are told and counted; others are served, and their last good state stays", async () => {
    const { server, start, holds, log, series, kernel } = await anAgent();
    start();
    await holds(to("a"));
    await server.set({ ...slice("a"), endpoints: [{ addresses: ["nonsense"] }] }, service("b"), slice("b"));
    await holds(to("b"));
    expect(await rulesIn(kernel)).toContain(to("a"));
    expect(log.some((line) => /^error: EndpointSlice default\/a .*last good version stays/.test(line))).toBe(true);
    expect((await series()).get('rulewright_refused_objects_total{kind="EndpointSlice"}')).toBeGreaterThan(0);
    await server.set(slice("a", "10.1.0.7"));
    await holds("10.1.0.7:8080");
  });

  test("since the kernel refuses their rules are told and counted, until they are better", async () => {
    const { server, start, holds, log, series } = await anAgent({ refusal: { lines: /10\.1\.0\.66:/ } });
    start();
    await holds(to("a"));
    await server.set(slice("a", "10.1.0.66"), service("b"), slice("b"));
    await holds(to("b"));
    await until(() => log.some((line) => line.startsWith("error: Service default/a: the kernel refuses its rules")));
    await until(async () => (await series()).get("rulewright_quarantined_services") === 1);
    await server.set(slice("a", "10.1.0.7"));
    await holds("10.1.0.7:8080");
    await until(async () => (await series()).get("rulewright_quarantined_services") === 0);
  });
});

describe("rules that others change", () => {
  const spoil = "*nat\n-F KUBE-SERVICES\nCOMMIT\n";
  test("are repaired, and that is told and counted", async () => {
    const { start, kernel, log, series, holds } = await anAgent({ settings: { repairSeconds: 0.05 } });
    start();
    await holds(to("a"));
    const good = await rulesIn(kernel);
    await kernel.restore(4, spoil);
    await until(async () => (await rulesIn(kernel)) === good);
    await until(() => log.some((line) => /^warn: IPv4: rules were not as written, and were repaired/.test(line)));
    const drift = 'rulewright_drift_total{ip_family="IPv4",kind="rewrite-chain",table="nat"}';
    expect((await series()).get(drift)).toBe(1);
  });

  test("and cannot be repaired are told, and tried again", async () => {
    const { start, kernel, log, holds } = await anAgent({ settings: { repairSeconds: 0.05 } });
    start();
    await holds(to("a"));
    const good = await rulesIn(kernel);
    Object.assign(kernel.refusal, { lines: /^:KUBE-SERVICES/, naming: "nothing" });
    await kernel.restore(4, "*nat\n-F KUBE-POSTROUTING\n-F KUBE-MARK-MASQ\nCOMMIT\n");
    kernel.refusal.lines = /^:KUBE-POSTROUTING/;
    await until(() => log.some((line) => line.startsWith("error: IPv4: the repair was refused")));
    kernel.refusal.lines = undefined;
    await until(async () => (await rulesIn(kernel)) === good);
  });
});

describe("a dry run", () => {
  test("writes nothing, opens no port, and prints what each pass would change", async () => {
    const local = { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 32000 };
    const { server, start, kernel, printed, ports } = await anAgent({
      settings: { dryRun: true, repairSeconds: 0.02 },
      objects: [service("a", local), slice("a")],
    });
    start();
    await until(() => printed.some((text) => text.includes("default/a")));
    await server.set(slice("a", "10.1.0.7"));
    await until(() => printed.some((text) => text.includes("10.1.0.7:8080 is new")));
    expect(printed.every((text) => /^IPv[46]: would be /.test(text))).toBe(true);
    expect(new Set(kernel.take())).toEqual(new Set(["read"]));
    expect(ports).toEqual([]);
    expect(await kernel.readSysctl("net/ipv4/conf/all/route_localnet")).toBeUndefined();
  });
});

test("the host's addresses are looked at again with each repair, and a pass where nothing changed costs nothing", async () => {
  let address = "192.168.0.2";
  const { start, holds, lacks, kernel } = await anAgent({
    settings: { repairSeconds: 0.05, settings: someSettings({ nodePortAddresses: "primary" }) },
    objects: [service("a", { type: "NodePort", ports: [{ name: "http", port: 80, nodePort: 30080 }] }), slice("a")],
    localIps: () => [anIp(address)],
  });
  start();
  await holds("-d 192.168.0.2/32");
  await holds("kubernetes postrouting rules", 6);
  kernel.take();
  const seen: string[] = [];
  await until(() => seen.push(...kernel.take()) >= 6);
  expect(new Set(seen)).toEqual(new Set(["read"]));
  address = "192.168.0.3";
  await holds("-d 192.168.0.3/32");
  await lacks("-d 192.168.0.2/32");
});

test("health-check ports follow the endpoints on this node", async () => {
  const local = { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 32000 };
  const { server, start, ports } = await anAgent({ objects: [service("a", local), slice("a")] });
  start();
  await until(() => ports.at(-1)?.[0]?.[1] === 1);
  expect(ports.at(-1)).toEqual([[32000, 1]]);
  await server.remove("EndpointSlice", "default", "a");
  await until(() => ports.at(-1)?.[0]?.[1] === 0);
  await server.remove("Service", "default", "a");
  await until(() => ports.at(-1)?.length === 0);
});

test("only changes from after its start say how long they take to arrive", async () => {
  const at = (ms: number) => ({ "endpoints.kubernetes.io/last-change-trigger-time": new Date(ms).toISOString() });
  const { server, start, holds, series } = await anAgent({
    objects: [service("a"), slice("a", "10.1.0.6", at(Date.now() - 3_600_000))],
  });
  start();
  await holds("10.1.0.6:8080");
  await server.set(slice("a", "10.1.0.7", at(Date.now() + 1000)));
  await holds("10.1.0.7:8080");
  const name = 'kubeproxy_network_programming_duration_seconds_count{ip_family="IPv4"}';
  await until(async () => ((await series()).get(name) ?? 0) > 0);
  expect((await series()).get(name)).toBe(1);
});

test("loopback is routed for node ports once the rules are in force", async () => {
  const { start, kernel, holds } = await anAgent();
  start();
  await holds(to("a"));
  await until(async () => (await kernel.readSysctl("net/ipv4/conf/all/route_localnet")) === "1");
});
