// Tests of src/agent/agent.ts: a fake API server on one side, a kernel in memory on the other.
import { afterEach, describe, expect, test } from "@jest/globals";
import { someSettings } from "../../make/node.ts";
import { anIp } from "../../make/objects.ts";
import { until } from "../watch/harness.ts";
import { rulesIn } from "./a-kernel.ts";
import { anAgent, node, service, sixes, slice, stopAgents } from "./an-agent.ts";

afterEach(stopAgents);

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

  test("is not touched before the Node's podCIDRs are known where they are needed, and follows them", async () => {
    const { server, kernel, start, holds, log } = await anAgent({
      settings: { settings: someSettings({ detectLocal: { mode: "NodeCIDR" } }) },
    });
    start();
    await until(() => log.filter((line) => line.includes("listed")).length === 3);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(kernel.take()).toEqual([]);
    await server.set(node("10.77.0.0/16"));
    await holds("! -s 10.77.0.0/16");
    await server.set(node("10.78.0.0/16"));
    await holds("! -s 10.78.0.0/16");
  });

  test("is written without podCIDRs where the Node has none for too long, and that is told", async () => {
    const { start, holds, log } = await anAgent({
      settings: { settings: someSettings({ detectLocal: { mode: "NodeCIDR" } }), podCidrWaitSeconds: 0.2 },
    });
    start();
    await holds(to("a"));
    expect(log.some((line) => /^warn: Node here has no podCIDRs yet/.test(line))).toBe(true);
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
    const told = log.filter((line) => line.includes("EndpointSlice default/a"));
    expect(told).toEqual([expect.stringMatching(/^error: EndpointSlice default\/a .*last good version stays/)]);
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
    const { start, kernel, log, series, holds } = await anAgent({
      settings: { lookout: { settleMs: 5, watchedMs: 50, unwatchedMs: 50 } },
    });
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
    const { start, kernel, log, holds } = await anAgent({
      settings: { lookout: { settleMs: 5, watchedMs: 50, unwatchedMs: 50 } },
    });
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
      settings: { dryRun: true, refreshMs: 20 },
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

test("the host's addresses are looked at again and again, and a pass where nothing changed costs nothing", async () => {
  let address = "192.168.0.2";
  const { start, holds, lacks, kernel } = await anAgent({
    settings: {
      refreshMs: 50,
      lookout: { settleMs: 5, unwatchedMs: 50 },
      settings: someSettings({ nodePortAddresses: "primary" }),
    },
    objects: [service("a", { type: "NodePort", ports: [{ name: "http", port: 80, nodePort: 30080 }] }), slice("a")],
    localIps: () => [anIp(address)],
  });
  start();
  await holds("-d 192.168.0.2/32");
  await holds("kubernetes postrouting rules", 6);
  kernel.take();
  const seen: string[] = [];
  await until(() => seen.push(...kernel.take()) >= 6);
  expect(new Set(seen)).toEqual(new Set(["scan"]));
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

describe("people who look", () => {
  test("see what changed last, and how long each step took", async () => {
    const triggeredAt = Date.now() + 1000;
    const at = { "endpoints.kubernetes.io/last-change-trigger-time": new Date(triggeredAt).toISOString() };
    const { server, start, holds } = await anAgent();
    const agent = start();
    await holds(to("a"));
    expect([agent.synced(), agent.lastChange("default/a")]).toEqual([true, undefined]);
    await server.set(slice("a", "10.1.0.7", at));
    await until(() => agent.lastChange("default/a")?.pass !== undefined);
    const change = agent.lastChange("default/a");
    expect(change).toMatchObject({ kind: "EndpointSlice", object: "default/a", isGone: false, triggeredAt });
    expect(String(change?.resourceVersion)).toMatch(/^\d+$/);
    expect(change?.pass?.beganAt).toBeGreaterThanOrEqual(change?.receivedAt ?? Infinity);
    expect(change?.pass?.endedAt).toBeGreaterThanOrEqual(change?.pass?.beganAt ?? Infinity);
    expect(agent.history.passes()[0]).toMatchObject({ cause: "1 EndpointSlice changed", services: ["default/a"] });
  });

  test("see repairs, and Services that the kernel refuses", async () => {
    const { server, kernel, start, holds } = await anAgent({
      settings: { lookout: { settleMs: 5, watchedMs: 50, unwatchedMs: 50 } },
      refusal: { lines: /10\.1\.0\.66:/ },
    });
    const agent = start();
    await holds(to("a"));
    await kernel.restore(4, "*nat\n-F KUBE-SERVICES\nCOMMIT\n");
    await until(() => agent.history.passes()[0]?.kind === "repair");
    expect(agent.history.passes()[0]).toMatchObject({ services: ["default/a"], families: [{ result: "good" }] });
    await server.set(slice("a", "10.1.0.66"));
    await until(() => agent.quarantined().has("default/a"));
    expect([...agent.quarantined()]).toEqual([["default/a", expect.stringContaining("refused")]]);
  });

  test("see the cluster's ServiceCIDRs where the server has them", async () => {
    const { server, start, holds, log } = await anAgent({ version: "1.36" });
    await server.set({
      apiVersion: "networking.k8s.io/v1",
      kind: "ServiceCIDR",
      metadata: { name: "kubernetes" },
      spec: { cidrs: ["10.96.0.0/16"] },
    });
    const agent = start();
    await holds(to("a"));
    await until(() => agent.serviceCidrs().length > 0);
    expect(agent.serviceCidrs()).toEqual(["10.96.0.0/16"]);
    expect(log.some((line) => line.includes("servicecidr"))).toBe(false);
  });

  test("see none where it has not, and nothing is logged of that", async () => {
    const { start, holds, log } = await anAgent();
    const agent = start();
    await holds(to("a"));
    await until(() => agent.watches()["servicecidrs"]?.served === false);
    expect(agent.serviceCidrs()).toEqual([]);
    expect(log.some((line) => line.includes("servicecidr"))).toBe(false);
  });
});

test("events about a Service carry its uid", async () => {
  const { server, start, holds, uids } = await anAgent({ refusal: { lines: /10\.1\.0\.66:/ } });
  start();
  await holds(to("a"));
  await server.set(slice("a", "10.1.0.66"));
  await until(() => uids.length > 0);
  expect(uids[0]).toMatch(/^[0-9a-f]{8}-/);
});

test("two agents that know the same have the same hash, and watches are told as they come and go", async () => {
  const [one, other] = [
    await anAgent(),
    await anAgent({ objects: [slice("b"), slice("a"), service("b"), service("a")] }),
  ];
  one.start();
  other.start();
  await one.holds(to("a"));
  await other.holds(to("b"));
  await one.server.set(service("b"), slice("b"));
  await one.holds(to("b"));
  const hash = async ({ series }: typeof one) => (await series()).get("rulewright_model_hash");
  await until(async () => (await hash(one)) !== undefined && (await hash(one)) === (await hash(other)));
  const events = 'rulewright_watch_last_event_timestamp_seconds{resource="services"}';
  expect(Math.abs(((await one.series()).get(events) ?? 0) - Date.now() / 1000)).toBeLessThan(60);
  const nodes = 'rulewright_watch_last_event_timestamp_seconds{resource="nodes"}';
  expect((await one.series()).get(nodes)).toBeGreaterThan(0);
  const restarts = 'rulewright_watch_restarts_total{resource="endpointslices"}';
  expect((await one.series()).get(restarts)).toBe(0);
  await one.server.cutWatches("reset");
  await until(async () => (await one.series()).get(restarts) === 1);
});

test("loopback is routed for node ports once the rules are in force", async () => {
  const { start, kernel, holds } = await anAgent();
  start();
  await holds(to("a"));
  await until(async () => (await kernel.readSysctl("net/ipv4/conf/all/route_localnet")) === "1");
});
