// Tests of src/agent/agent.ts in IPVS mode: a fake API server on one side, tools in memory on the other.
import { afterEach, expect, test } from "@jest/globals";
import { defaultScheduler } from "../../../rules/index.ts";
import { aFakeIpvsKernel, type FakeIpvsKernelOptions } from "../../make/fake-ipvs-kernel.ts";
import { someSettings } from "../../make/node.ts";
import { until } from "../watch/harness.ts";
import { anAgent, service, sixes, slice, stopAgents } from "./an-agent.ts";

afterEach(stopAgents);

const ipvsMode = { ipvs: { scheduler: defaultScheduler, excludeCidrs: [] } };
const quick = { drainLooks: { soonMs: 5, laterMs: 5 } };
const seldom = { drainLooks: { soonMs: 3_600_000, laterMs: 3_600_000 } };
const real = (name: string, weight = 1) =>
  `-a -t 10.96.0.${name.charCodeAt(0)}:80 -r 10.1.0.${name.charCodeAt(0)}:8080 -m -w ${weight}`;

async function anIpvsAgent(
  settings: NonNullable<Parameters<typeof anAgent>[0]>["settings"] = {},
  options: FakeIpvsKernelOptions = {},
) {
  const fake = await aFakeIpvsKernel(options);
  const objects = [service("a"), slice("a"), service("s", sixes), slice("s", "fd00:1::5")];
  const made = await anAgent({ settings: { ...ipvsMode, ...seldom, ...settings }, ipvs: fake, objects });
  const serves = (line: string) => until(() => fake.tools.servers().includes(line));
  const servesNot = (line: string) => until(() => !fake.tools.servers().includes(line));
  return { fake, serves, servesNot, ...made };
}

test("both families follow the cluster; what goes drains, is counted, and goes", async () => {
  const { fake, server, start, serves, servesNot, series } = await anIpvsAgent(quick);
  const agent = start();
  await serves(real("a"));
  await serves("-a -t [fd00:96::1]:80 -r [fd00:1::5]:8080 -m -w 1");
  expect(fake.tools.addresses()).toContain("fd00:96::1");
  await server.set(service("b"), slice("b"));
  await serves(real("b"));
  fake.connections.set("10.1.0.98:8080", 2);
  await server.remove("Service", "default", "b");
  await serves(real("b", 0));
  await until(() => agent.draining() === 1);
  const now = await series();
  expect(now.get('rulewright_draining_real_servers{ip_family="IPv4"}')).toBe(1);
  expect(now.get('rulewright_virtual_servers{ip_family="IPv4"}')).toBe(1);
  expect(now.get('kubeproxy_sync_proxy_rules_iptables_total{ip_family="IPv4",table="mangle"}')).toBeGreaterThan(0);
  fake.connections.clear();
  await servesNot("10.96.0.98");
  await until(() => agent.draining() === 0 && !fake.tools.sets().includes("10.96.0.98"));
});

test("a restart in the midst of draining writes nothing, and drains on", async () => {
  const { fake, server, start, serves, servesNot } = await anIpvsAgent(quick);
  const first = start();
  await server.set(service("b"), slice("b"));
  await serves(real("b"));
  fake.connections.set("10.1.0.98:8080", 2);
  await server.remove("Service", "default", "b");
  await serves(real("b", 0));
  await until(() => first.draining() === 1);
  await first.stop();
  const written = fake.written.length;
  const second = start();
  await until(() => second.draining() === 1);
  expect(fake.written.slice(written)).toEqual([]);
  fake.connections.clear();
  await servesNot("10.96.0.98");
});

test("what others change of each kind is repaired within the usual look, told and counted", async () => {
  const { fake, start, serves, series, reasons, log } = await anIpvsAgent({
    lookout: { settleMs: 5, unwatchedMs: 20 },
  });
  start();
  await serves(real("a"));
  // The first look finds all well, so what follows is not its doing.
  await until(() => log.filter((line) => /IPv6: .* virtual servers added/.test(line)).length === 1);
  fake.tools.ipset("del KUBE-CLUSTER-IP 10.96.0.97,tcp:80\n");
  fake.tools.ip("address del 10.96.0.97/32 dev kube-ipvs0\n");
  fake.tools.ipvsadm("-e -t 10.96.0.97:80 -r 10.1.0.97:8080 -m -w 5\n");
  await fake.rules.restore(
    4,
    "*nat\n-F KUBE-LOAD-BALANCER\nCOMMIT\n*filter\n-F KUBE-NODE-PORT\nCOMMIT\n*mangle\n-F KUBE-NO-LOCAL\nCOMMIT\n",
  );
  await serves(real("a"));
  await until(() => reasons.includes("RulesDrifted Node here"));
  const counted = await series();
  for (const [table, kind] of [
    ["ipset", "add-entry"],
    ["address", "add-address"],
    ["ipvs", "edit-real"],
    ["nat", "rewrite-chain"],
    ["filter", "rewrite-chain"],
    ["mangle", "rewrite-chain"],
  ] as const)
    expect(counted.get(`rulewright_drift_total{ip_family="IPv4",kind="${kind}",table="${table}"}`)).toBe(1);
  const told = log.find((line) => line.startsWith("warn: IPv4: rules were not as written, and were repaired"));
  expect(told).toContain("10.1.0.97:8080");
});

test("a Service that the kernel refuses is told at it, and counted", async () => {
  const { server, start, serves, series, reasons, uids } = await anIpvsAgent({}, { schedulers: ["rr"] });
  const agent = start();
  await serves(real("a"));
  const annotations = { "rulewright.dev/ipvs-scheduler": "lblc" };
  const refused = { ...service("q"), metadata: { name: "q", namespace: "default", annotations } };
  await server.set(refused, slice("q"), service("r"), slice("r"));
  await serves(real("r"));
  await until(() => agent.quarantined().has("default/q"));
  expect(reasons).toContain("RulesRefused Service q");
  expect(uids).toHaveLength(1);
  await until(async () => (await series()).get("rulewright_quarantined_services") === 1);
});

test("an agent of iptables mode takes away what IPVS mode left, once its rules are in force", async () => {
  const { fake, start, serves, log } = await anIpvsAgent();
  const first = start();
  await serves(real("a"));
  await serves("fd00:96::1");
  await first.stop();
  const next = await anAgent({ settings: quick, ipvs: fake });
  next.start();
  await until(() => next.log.includes("info: nothing is left of IPVS mode"));
  expect(fake.tools.servers() + fake.tools.sets()).toBe("");
  expect(await fake.rules.readRules(4)).toContain("--to-destination 10.1.0.97:8080");
  expect(log.filter((line) => line.startsWith("error"))).toEqual([]);
});

test("a dry run prints each pass's changes and feeds no tool", async () => {
  const { fake, server, start, printed } = await anIpvsAgent({ dryRun: true });
  start();
  await until(() => printed.join("").includes("-A -t 10.96.0.97:80 -s rr"));
  await server.set(service("b"), slice("b"));
  await until(() => printed.join("").includes("-A -t 10.96.0.98:80 -s rr"));
  expect(fake.written).toEqual([]);
});

test("loopback addresses are not routed, since no virtual server takes anything from them", async () => {
  const { fake, start, serves } = await anIpvsAgent(
    { settings: someSettings({ localhostNodePorts: true }) },
    { kernel: { sysctls: { "net/ipv4/conf/all/route_localnet": "0" } } },
  );
  start();
  await serves("fd00:96::1");
  expect(await fake.rules.readSysctl("net/ipv4/conf/all/route_localnet")).toBe("0");
});
