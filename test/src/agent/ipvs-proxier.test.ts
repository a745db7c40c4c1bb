// Tests of src/agent/ipvs-proxier.ts over tools in memory.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { causeOfIpvs } from "../../../rules/index.ts";
import { histories, views } from "../../make/arbitrary.ts";
import { aFakeIpvsKernel } from "../../make/fake-ipvs-kernel.ts";
import { aView, rulesetOf } from "../../make/node.ts";
import { anIp } from "../../make/objects.ts";
import { renderScript } from "../../../rules/index.ts";
import { anIpvsProxier, changesLeft, cluster, drainingIn, serve } from "./an-ipvs-proxier.ts";
import { diffRulesets, emptyRuleset, orderChanges } from "../../../rules/index.ts";

describe("a pass", () => {
  test("reads first, and then feeds each tool only what differs, once", async () => {
    const { sync, took, fake } = await anIpvsProxier();
    expect(await sync(cluster("a", "b"))).toMatchObject({ scope: "full", failure: undefined, quarantined: [] });
    const first = took();
    expect([...new Set(first.tools)]).toEqual(["ipset", "iptables", "ip", "ipvsadm"]);
    expect(first.reads).toBe(4);
    const more = await sync(cluster("a", "b", "c"));
    expect(more).toMatchObject({ scope: "partial", batches: 3 });
    expect(new Set(more.changes.flatMap((change) => causeOfIpvs(change).services))).toEqual(new Set(["default/c"]));
    expect(took()).toEqual({ tools: ["ipset", "ip", "ipvsadm"], reads: 0 });
    expect(await sync(cluster("a", "b", "c"))).toMatchObject({ scope: "partial", changes: [], batches: 0 });
    expect(took()).toEqual({ tools: [], reads: 0 });
    expect(await changesLeft(fake, cluster("a", "b", "c"))).toEqual([]);
  });

  test("after any history leaves what a computation from nothing gives, and what drains", async () => {
    await fc.assert(
      fc.asyncProperty(histories(16), views(), views(), fc.nat(8), async (clusters, first, other, turn) => {
        const { sync, fake, clock, proxier } = await anIpvsProxier();
        // Settings are those of a whole life; what KUBE-FIREWALL was there for is not taken back with them.
        const { localhostNodePorts } = first;
        const second = other.family === first.family ? { ...other, localhostNodePorts } : first;
        for (const [at, made] of clusters.entries()) {
          const view = at < turn ? first : second;
          const pass = await sync(made, view);
          expect(pass).toMatchObject({ failure: undefined, scope: at === 0 ? "full" : "partial" });
          // Draining servers of Services that go in one view and stay in the other keep their weight of 0.
          expect(await changesLeft(fake, made, view)).toEqual([]);
          expect(proxier.draining?.().count).toBe(drainingIn(fake).length);
          expect(await proxier.check(true)).toBe("as-written");
        }
        clock.ms = 900_000;
        for (let looks = 0; drainingIn(fake).length > 0 && looks < 3; looks++) await proxier.drain?.();
        expect(drainingIn(fake)).toEqual([]);
        expect(await proxier.check(true)).toBe("as-written");
      }),
      { numRuns: 20 },
    );
  });

  test("that failed leaves the next one to read all", async () => {
    const trouble = { tool: "" };
    const { sync, took, fake } = await anIpvsProxier({
      refuse: (tool) => (tool === trouble.tool ? "Memory allocation problem" : undefined),
    });
    await sync(cluster("a"));
    for (const tool of ["ipset", "ip", "ipvsadm"]) {
      trouble.tool = tool;
      const pass = await sync(cluster("a", "b"));
      expect(pass.quarantined).toEqual([]);
      expect(pass.failure?.message).toBe(`${tool}: Memory allocation problem`);
      trouble.tool = "";
      took();
      expect(await sync(cluster("a"))).toMatchObject({ scope: "full", failure: undefined });
      expect(took().reads).toBe(4);
    }
    expect(await changesLeft(fake, cluster("a"))).toEqual([]);
  });

  test("of a dry run only tells", async () => {
    const { sync, took } = await anIpvsProxier({ writes: false });
    const kinds = new Set((await sync(cluster("a"))).changes.map(({ kind }) => kind));
    expect(kinds).toContain("add-server");
    const next = await sync(cluster("a", "b"));
    expect(next.changes.every((change) => causeOfIpvs(change).services.join() === "default/b")).toBe(true);
    expect(took().tools).toEqual([]);
  });

  test("takes a node over from iptables mode, whose chains go", async () => {
    const rules = renderScript(orderChanges(diffRulesets(emptyRuleset(4), rulesetOf(cluster("a", "b"))), Infinity));
    const { sync, fake, proxier } = await anIpvsProxier({ kernel: { rules: { 4: rules } } });
    expect(await sync(cluster("a", "b"))).toMatchObject({ failure: undefined, left: undefined });
    expect(await fake.rules.readRules(4)).not.toMatch(/KUBE-SVC-[A-Z2-7]{16}/);
    expect(await changesLeft(fake, cluster("a", "b"))).toEqual([]);
    expect(await proxier.check(true)).toBe("as-written");
  });

  test("gives node ports virtual servers at addresses that the node has now", async () => {
    const { sync, fake, node, took } = await anIpvsProxier();
    const made = serve(cluster(), { name: "a", type: "NodePort", ports: [{ nodePort: 30080 }] }, ["10.1.0.1"]);
    const view = aView();
    await sync(made, view);
    expect(fake.tools.servers()).not.toContain("192.168.7.7:30080");
    node.ips = [...node.ips, anIp("192.168.7.7"), anIp("fe80::1")];
    expect(await sync(made, view)).toMatchObject({ scope: "partial" });
    expect(fake.tools.servers()).toContain("-a -t 192.168.7.7:30080 -r 10.1.0.1:8080 -m -w 1");
    took();
    node.ips = [...node.ips, anIp("fe80::2")];
    expect(await sync(made, view)).toMatchObject({ changes: [] });
  });
});

describe("a Service that the kernel refuses", () => {
  const lblc = (name: string) => ({ name, ipvsScheduler: "lblc" });

  test("keeps its last good state, and nobody else is kept from theirs", async () => {
    const { sync, fake, proxier } = await anIpvsProxier({ schedulers: ["rr"] });
    await sync(cluster("a", "b"));
    const ips = ["10.1.0.7"];
    const made = serve(serve(cluster("a", "b", "c"), lblc("a"), ips), lblc("d"), ips);
    const pass = await sync(made);
    expect(pass).toMatchObject({ scope: "full", failure: undefined });
    expect(pass.quarantined.map(({ service }) => service).sort()).toEqual(["default/a", "default/d"]);
    expect(pass.quarantined[0]?.message).toBe(
      "ipvsadm: Scheduler or persistence engine not found; Scheduler or persistence engine not found; Service not defined",
    );
    expect(await changesLeft(fake, cluster("a", "b", "c"))).toEqual([]);
    expect(await sync(serve(made, { name: "e" }, ips))).toMatchObject({ scope: "partial", failure: undefined });
    expect([...proxier.quarantined().keys()].sort()).toEqual(["default/a", "default/d"]);
    expect(await sync(cluster("a", "b", "d"))).toMatchObject({ quarantined: [], failure: undefined });
    expect(await changesLeft(fake, cluster("a", "b", "d"))).toEqual([]);
  });

  test.each([
    ["ipset", "add KUBE-CLUSTER-IP 10.96.0.99,"],
    ["ip", "10.96.0.99/32"],
  ] as const)("is found where %s names the line", async (named, text) => {
    const fake = await aFakeIpvsKernel();
    const judge = (tool: string, script: string) => {
      const line = script.split("\n").findIndex((each) => each.includes(text)) + 1;
      return tool === named && line > 0 ? ({ ok: false, message: `Error in line ${line}`, line } as const) : undefined;
    };
    const strict = {
      ...fake,
      restoreSets: async (script: string) => judge("ipset", script) ?? fake.restoreSets(script),
      changeAddresses: async (script: string) => judge("ip", script) ?? fake.changeAddresses(script),
    };
    const { sync } = await anIpvsProxier({}, strict);
    await sync(cluster("a"));
    expect((await sync(cluster("a", "b", "c"))).quarantined).toMatchObject([{ service: "default/c" }]);
    expect(await changesLeft(fake, cluster("a", "b"))).toEqual([]);
  });
});

describe("draining", () => {
  const two = cluster("a 10.1.0.1 10.1.0.2", "b");
  const one = cluster("a 10.1.0.1", "b");

  test("an endpoint that goes gets no weight, and goes once it is idle", async () => {
    const { sync, fake, took, proxier } = await anIpvsProxier();
    await sync(two);
    expect(await proxier.drain?.()).toBeUndefined();
    fake.connections.set("10.1.0.2:8080", 1);
    await sync(one);
    expect(drainingIn(fake)).toEqual(["10.96.0.97:80 10.1.0.2:8080"]);
    took();
    expect(await proxier.drain?.()).toMatchObject({ changes: [] });
    expect(took()).toEqual({ tools: [], reads: 1 });
    fake.connections.set("10.1.0.2:8080", 0);
    expect(await proxier.drain?.()).toMatchObject({ changes: [{ kind: "delete-real" }] });
    expect(took()).toEqual({ tools: ["ipvsadm"], reads: 1 });
    expect(proxier.draining?.()).toEqual({ count: 0, nextOverMs: undefined });
    expect(await proxier.drain?.()).toBeUndefined();
  });

  test("with its Service takes along what only it needed, after its time, whoever is connected", async () => {
    const { sync, fake, clock, proxier } = await anIpvsProxier({ drainSeconds: 60 });
    await sync(two);
    for (const real of ["10.1.0.1:8080", "10.1.0.2:8080"]) fake.connections.set(real, 3);
    await sync(cluster("b"));
    expect(drainingIn(fake)).toHaveLength(2);
    expect(fake.tools.addresses()).toContain("10.96.0.97");
    clock.ms = 59_000;
    expect(proxier.draining?.()).toEqual({ count: 2, nextOverMs: 1000 });
    await proxier.drain?.();
    expect(drainingIn(fake)).toHaveLength(2);
    clock.ms = 60_000;
    await proxier.drain?.();
    expect(fake.tools.servers() + fake.tools.addresses() + fake.tools.sets()).not.toContain("10.96.0.97");
    expect(await changesLeft(fake, cluster("b"))).toEqual([]);
  });

  test("of one that comes back ends at once, and it keeps its connections", async () => {
    const { sync, fake, proxier } = await anIpvsProxier();
    await sync(two);
    await sync(one);
    const { changes } = await sync(two);
    expect(changes.filter(({ kind }) => kind !== "add-entry")).toMatchObject([
      { kind: "edit-real", real: { weight: 1 } },
    ]);
    expect(drainingIn(fake)).toEqual([]);
    expect(proxier.draining?.().count).toBe(0);
  });

  test("goes on after a restart, with its time anew", async () => {
    const first = await anIpvsProxier({ drainSeconds: 60 });
    await first.sync(two);
    first.fake.connections.set("10.1.0.2:8080", 1);
    await first.sync(one);
    const { sync, fake, clock, proxier, took } = await anIpvsProxier({ drainSeconds: 60 }, first.fake);
    clock.ms = 1_000_000;
    expect(await sync(one)).toMatchObject({ scope: "full", changes: [] });
    expect(took().tools).toEqual([]);
    clock.ms += 59_000;
    await proxier.drain?.();
    expect(drainingIn(fake)).toHaveLength(1);
    clock.ms += 1000;
    await proxier.drain?.();
    expect(drainingIn(fake)).toEqual([]);
  });

  test("is over at once where there is no time for it", async () => {
    const { sync, fake, proxier } = await anIpvsProxier({ drainSeconds: 0 });
    await sync(two);
    fake.connections.set("10.1.0.2:8080", 1);
    await sync(one);
    expect(proxier.draining?.()).toEqual({ count: 1, nextOverMs: 0 });
    await proxier.drain?.();
    expect(await changesLeft(fake, one)).toEqual([]);
    expect(fake.tools.servers()).not.toContain("10.1.0.2");
  });
});

describe("a look at the kernel", () => {
  const made = cluster("a", "b");

  test.each([
    [
      "a set's entry that is gone",
      "delete-entry",
      (fake: Fake) => fake.tools.ipset("del KUBE-CLUSTER-IP 10.96.0.97,tcp:80\n"),
      "add-entry",
    ],
    [
      "a set's entry of somebody else",
      "add",
      (fake: Fake) => fake.tools.ipset("add KUBE-CLUSTER-IP 10.9.9.9,tcp:80\n"),
      "delete-entry",
    ],
    [
      "an address that is gone",
      "ip",
      (fake: Fake) => fake.tools.ip("address del 10.96.0.97/32 dev kube-ipvs0\n"),
      "add-address",
    ],
    [
      "the dummy device that is gone",
      "link",
      (fake: Fake) => fake.tools.ip("link delete kube-ipvs0\n"),
      "create-device",
    ],
    ["a virtual server that is gone", "-D", (fake: Fake) => fake.tools.ipvsadm("-D -t 10.96.0.97:80\n"), "add-server"],
    ["another scheduler", "-E", (fake: Fake) => fake.tools.ipvsadm("-E -t 10.96.0.97:80 -s wlc\n"), "edit-server"],
    [
      "another weight",
      "-e",
      (fake: Fake) => fake.tools.ipvsadm("-e -t 10.96.0.97:80 -r 10.1.0.97:8080 -m -w 7\n"),
      "edit-real",
    ],
    [
      "a real server of somebody else",
      "-a",
      (fake: Fake) => fake.tools.ipvsadm("-a -t 10.96.0.97:80 -r 10.1.0.66:8080 -m -w 1\n"),
      "edit-real",
    ],
    [
      "all virtual servers gone",
      "-C",
      (fake: Fake) => fake.tools.ipvsadm("-D -t 10.96.0.97:80\n-D -t 10.96.0.98:80\n"),
      "add-server",
    ],
    [
      "a chain that is empty",
      "-F",
      (fake: Fake) => fake.rules.restore(4, "*nat\n-F KUBE-LOAD-BALANCER\nCOMMIT\n"),
      "rewrite-chain",
    ],
    ["a jump that is gone", "mangle", (fake: Fake) => emptyChain(fake, "mangle", "PREROUTING"), "insert-jump"],
  ] as const)("sees and repairs %s", async (_, __, spoil, kind) => {
    const { sync, proxier, took, fake } = await anIpvsProxier();
    await sync(made);
    expect(await proxier.check(true)).toBe("as-written");
    await spoil(fake);
    took();
    expect(await proxier.check(true)).toBe("differs");
    const { changes, failure } = await proxier.repair();
    expect(failure).toBeUndefined();
    expect(changes.map((change) => change.kind)).toContain(kind);
    expect(await proxier.check(true)).toBe("as-written");
    expect(await changesLeft(fake, made)).toEqual([]);
    expect((await proxier.repair()).changes).toEqual([]);
    expect(await sync(made)).toMatchObject({ scope: "partial", changes: [] });
  });

  test("knows its virtual servers though somebody has emptied the sets and the device that say whose they are", async () => {
    const { sync, proxier, fake } = await anIpvsProxier();
    await sync(made);
    fake.tools.ipset("flush KUBE-CLUSTER-IP\nflush KUBE-IPVS-IPS\n");
    fake.tools.ip("link delete kube-ipvs0\n");
    expect((await proxier.repair()).failure).toBeUndefined();
    expect(await sync(cluster("a 10.1.0.7"))).toMatchObject({ failure: undefined });
    expect(await changesLeft(fake, cluster("a 10.1.0.7"))).toEqual([]);
  });

  test("leaves virtual servers of others alone, and says where one is in the way", async () => {
    const servers = "-A -t 192.168.0.2:30080 -s wlc\n-a -t 192.168.0.2:30080 -r 10.7.7.7:80 -m -w 5\n";
    const { sync, proxier, fake, warned } = await anIpvsProxier({ servers });
    const with30080 = serve(made, { name: "c", type: "NodePort", ports: [{ nodePort: 30080 }] }, ["10.1.0.1"]);
    await sync(with30080);
    expect(fake.tools.servers()).toContain("-t 192.168.0.2:30080 -r 10.7.7.7:80 -m -w 5");
    expect(warned.join()).toContain("192.168.0.2:30080 has a virtual server that is not ours");
    expect(await proxier.check(true)).toBe("as-written");
  });
});

type Fake = Awaited<ReturnType<typeof aFakeIpvsKernel>>;

async function emptyChain(fake: Fake, table: string, chain: string): Promise<void> {
  const rules = [...(await fake.rules.readRules(4)).matchAll(new RegExp(`^-A (${chain} .*)$`, "gm"))];
  const jump = rules.map(([, rule = ""]) => rule).find((rule) => rule.endsWith("KUBE-PROXY-FIREWALL"));
  const { ok } = await fake.rules.restore(4, `*${table}\n-D ${jump ?? ""}\nCOMMIT\n`);
  expect(ok).toBe(true);
}
