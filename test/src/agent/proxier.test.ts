// Tests of src/agent/proxier.ts on a kernel in memory.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { causeOfIpvs, chainOf, setService, type Cluster, type View } from "../../../rules/index.ts";
import { createProxier, type Proxier } from "../../../src/agent/proxier.ts";
import { foreignRules, histories, views } from "../../make/arbitrary.ts";
import { aView } from "../../make/node.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";
import { aKernel, rulesIn, rulesOf, type Naming, type Refusal } from "./a-kernel.ts";

const view = aView();

/** Services a, b, ... at 10.96.0.1, 10.96.0.2, ...; a name with an address after it has that endpoint. */
const cluster = (...services: string[]): Cluster =>
  aCluster(
    ...services.flatMap((text) => {
      const [name = "", ip = `10.1.0.${name.charCodeAt(0)}`] = text.split(" ");
      const clusterIps = [`10.96.0.${name.charCodeAt(0)}`];
      return [aService({ name, clusterIps }), aSlice({ service: name, endpoints: [ip] })];
    }),
  );

/** The endpoint that the kernel does not take. */
const bad = "10.66.0.66";
const badLine = /--to-destination 10\.66\./;

/** A proxier that has made `cluster("a", "b", "c")`, and is refused what `refusal` says from then on. */
async function running(refusal: Partial<Refusal> = {}, variant: "nft" | "legacy" = "nft") {
  const kernel = aKernel({}, { variant });
  const proxier = createProxier(kernel);
  await proxier.sync({ cluster: cluster("a", "b", "c"), view });
  Object.assign(kernel.refusal, refusal);
  kernel.take();
  return { kernel, proxier, sync: (...services: string[]) => proxier.sync({ cluster: cluster(...services), view }) };
}

/** The chain that kubelet uses too stays, whether it is wanted or not. */
const withoutShared = (rules: string) => rules.replace(/^.*KUBE-FIREWALL.*\n/gm, "");
/** Commits are by table. */
const natOf = (rules: string) => /^\*nat\n(?:.*\n)*?COMMIT$/m.exec(rules)?.[0];

const held = (proxier: Proxier) => [...proxier.quarantined().keys()].sort();

describe("a pass", () => {
  test("reads first, and then writes only what differs", async () => {
    const kernel = aKernel();
    const proxier = createProxier(kernel);
    expect(proxier.build()).toBeUndefined();
    expect(await proxier.sync({ cluster: cluster("a", "b"), view })).toMatchObject({ scope: "full", quarantined: [] });
    expect(kernel.take()).toEqual(["read", "write", "write"]);
    const second = await proxier.sync({ cluster: cluster("a", "b 10.1.0.7"), view });
    expect(second).toMatchObject({ scope: "partial", failure: undefined, batches: 1 });
    expect(kernel.take()).toEqual(["write"]);
    expect(second.changes.flatMap((change) => causeOfIpvs(change).services)).toEqual(["default/b"]);
    expect(await rulesIn(kernel)).toBe(rulesOf(cluster("a", "b 10.1.0.7")));
  });

  test("asks nothing of the kernel where nothing differs from the last", async () => {
    const { kernel, sync } = await running();
    expect(await sync("a", "b", "c")).toMatchObject({ scope: "partial", changes: [], batches: 0 });
    expect(kernel.take()).toEqual([]);
  });

  test("of a new proxier writes nothing where another one has left all as it should be", async () => {
    const { kernel } = await running();
    const next = await createProxier(kernel).sync({ cluster: cluster("a", "b", "c"), view });
    expect(next).toMatchObject({ scope: "full", changes: [], failure: undefined });
    expect(kernel.take()).toEqual(["read"]);
  });

  test("with another view of the node makes all of it so", async () => {
    const { kernel, proxier } = await running();
    const other = aView({ settings: { masqueradeBit: 3, masqueradeAll: true } });
    expect(await proxier.sync({ cluster: cluster("a", "b"), view: other })).toMatchObject({ scope: "partial" });
    expect(await rulesIn(kernel)).toBe(rulesOf(cluster("a", "b"), other));
  });

  const anHistory = fc.tuple(histories(24), views(4), views(4), fc.nat(8), foreignRules);
  test("after any history leaves what a full computation gives, and rules of others alone", async () => {
    await fc.assert(
      fc.asyncProperty(anHistory, async ([clusters, first, second, turn, foreign]) => {
        const kernel = aKernel({}, { rules: { 4: foreign } });
        const others = (text: string) =>
          text.split("\n").filter((line) => /^-A/.test(line) && !/KUBE-(?!OTHERS)/.test(line));
        const before = others(await kernel.readRules(4));
        const proxier = createProxier(kernel);
        for (const [at, now] of clusters.entries()) {
          const seen: View = at < turn ? first : second;
          const pass = await proxier.sync({ cluster: now, view: seen });
          expect(pass).toMatchObject({ failure: undefined, left: undefined, scope: at === 0 ? "full" : "partial" });
          expect(withoutShared(await rulesIn(kernel))).toBe(withoutShared(rulesOf(now, seen)));
        }
        expect(others(await kernel.readRules(4))).toEqual(before);
        // Its own first one; the others are this test's.
        expect(kernel.take().filter((what) => what === "read")).toHaveLength(1 + clusters.length + 2);
      }),
      { numRuns: 40 },
    );
  });
});

describe("after a pass that failed", () => {
  test.each<[string, Partial<Refusal>]>([
    ["since a batch was refused", { lines: /^\*nat/, naming: "nothing" }],
    ["since the tool could not be run", { lines: /^\*nat/, throws: true }],
  ])("%s, the next reads first", async (_, refusal) => {
    const { kernel, proxier, sync } = await running(refusal);
    const failed = await sync("a", "d").catch(() => undefined);
    expect(failed?.failure?.namesLine ?? false).toBe(false);
    expect(await rulesIn(kernel)).toBe(rulesOf(cluster("a", "b", "c")));
    // Somebody else was at it too.
    await kernel.restore(4, "*filter\n-F KUBE-FORWARD\nCOMMIT\n");
    Object.assign(kernel.refusal, { lines: undefined, throws: false });
    kernel.take();
    expect(await sync("a", "d")).toMatchObject({ scope: "full", failure: undefined });
    expect(kernel.take()[0]).toBe("read");
    expect(await rulesIn(kernel)).toBe(rulesOf(cluster("a", "d")));
    expect(held(proxier)).toEqual([]);
  });

  test("what was good last is what build tells", async () => {
    const { proxier, sync } = await running({ lines: /^\*nat/, naming: "nothing" });
    const before = proxier.build();
    await sync("a");
    expect(proxier.build()).toBe(before);
  });
});

describe("a Service whose rules the kernel refuses", () => {
  const namings: readonly [Naming, "nft" | "legacy"][] = [
    ["line", "nft"],
    ["commit", "nft"],
    ["commit", "legacy"],
  ];
  const rows: readonly (readonly [string, readonly string[], readonly string[], readonly string[]])[] = [
    ["one that changes", ["a", `b ${bad}`, "c 10.1.0.9"], ["default/b"], ["a", "b", "c 10.1.0.9"]],
    ["one that is new", ["a", "b", "c", `d ${bad}`, "e"], ["default/d"], ["a", "b", "c", "e"]],
    ["two of several", [`a ${bad}`, "d", "e", `f ${bad}`, "g"], ["default/a", "default/f"], ["a", "d", "e", "g"]],
    ["all that change", [`a ${bad}`, `b ${bad}`, "c"], ["default/a", "default/b"], ["a", "b", "c"]],
    ["the only one", ["a", "b", `c ${bad}`], ["default/c"], ["a", "b", "c"]],
  ];
  describe.each(namings)("is found where the tool names the %s (%s)", (naming, variant) => {
    test.each(rows)("%s: its last good rules stay, others go on", async (_, services, expected, inForce) => {
      const { kernel, proxier, sync } = await running({ lines: badLine, naming }, variant);
      const pass = await sync(...services);
      expect(pass.failure).toBeUndefined();
      expect(pass.quarantined.map(({ service }) => service).sort()).toEqual(expected);
      expect(held(proxier)).toEqual(expected);
      expect(await rulesIn(kernel)).toBe(rulesOf(cluster(...inForce)));
    });

    test("at the start: it has no rules, others have", async () => {
      const kernel = aKernel({ lines: badLine, naming }, { variant });
      const proxier = createProxier(kernel);
      const pass = await proxier.sync({ cluster: cluster("a", `b ${bad}`, "c", `d ${bad}`, "e"), view });
      expect(pass.failure).toBeUndefined();
      expect(held(proxier)).toEqual(["default/b", "default/d"]);
      expect(await rulesIn(kernel)).toBe(rulesOf(cluster("a", "c", "e")));
    });

    test("in a chain that several share: only it", async () => {
      const { kernel, proxier, sync } = await running(
        { lines: /^-A KUBE-SERVICES -d 10\.96\.0\.100\//, naming },
        variant,
      );
      await sync("a", "b", "c", "d", "e");
      expect(held(proxier)).toEqual(["default/d"]);
      expect(await rulesIn(kernel)).toBe(rulesOf(cluster("a", "b", "c", "e")));
    });
  });

  test("is not tried again while it stays as it is, and others are served meanwhile", async () => {
    const { kernel, proxier } = await running({ lines: badLine });
    const first = cluster("a", `b ${bad}`);
    expect((await proxier.sync({ cluster: first, view })).quarantined).toHaveLength(1);
    const more = setService(first, aService({ name: "e", clusterIps: ["10.96.0.9"] }));
    kernel.take();
    expect(await proxier.sync({ cluster: more, view })).toMatchObject({ failure: undefined, quarantined: [] });
    expect(kernel.take()).not.toContain("refused");
    expect(held(proxier)).toEqual(["default/b"]);
    expect(await rulesIn(kernel)).toContain('"default/e ');
  });

  test.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ["comes back when it changes for the better", ["a", "b 10.1.0.9"], [], ["a", "b 10.1.0.9"]],
    ["stays out when it changes for no better", ["a", `b 10.66.0.1`], ["default/b"], ["a", "b"]],
    ["goes when it is deleted", ["a"], [], ["a"]],
    ["comes back as it was", ["a", "b"], [], ["a", "b"]],
  ])("%s", async (_, services, expected, inForce) => {
    const { kernel, proxier, sync } = await running({ lines: badLine });
    await sync("a", `b ${bad}`);
    expect(held(proxier)).toEqual(["default/b"]);
    expect((await sync(...services)).failure).toBeUndefined();
    expect(held(proxier)).toEqual(expected);
    expect(await rulesIn(kernel)).toBe(rulesOf(cluster(...inForce)));
  });

  test("is told with what the tool said", async () => {
    const { proxier, sync } = await running({ lines: badLine });
    const { quarantined } = await sync("a", `b ${bad}`);
    expect(quarantined).toEqual([{ service: "default/b", message: expect.stringMatching(/^refused at line \d+$/) }]);
    expect(proxier.quarantined().get("default/b")).toBe(quarantined[0]?.message);
  });
});

describe("nobody is quarantined", () => {
  test.each<[string, Partial<Refusal>, "nft" | "legacy"]>([
    ["for trouble that names no line", { lines: badLine, naming: "nothing" }, "nft"],
    ["for a line that is everybody's", { lines: /^-A KUBE-MARK-MASQ/, naming: "line" }, "nft"],
    ["where all is refused", { lines: /^COMMIT/, naming: "line" }, "nft"],
    ["where all is refused in one commit", { lines: /^COMMIT/, naming: "line" }, "legacy"],
  ])("%s", async (_, refusal, variant) => {
    const { kernel, proxier, sync } = await running(refusal, variant);
    const pass = await proxier.sync({
      cluster: cluster("a", `b ${bad}`, "d"),
      view: aView({ settings: { masqueradeBit: 3 } }),
    });
    expect(pass.failure).toBeDefined();
    expect(pass.quarantined).toEqual([]);
    expect(held(proxier)).toEqual([]);
    expect(natOf(await rulesIn(kernel))).toBe(natOf(rulesOf(cluster("a", "b", "c"))));
    kernel.refusal.lines = undefined;
    expect(await sync("a", "d")).toMatchObject({ scope: "full", failure: undefined });
    expect(await rulesIn(kernel)).toBe(rulesOf(cluster("a", "d")));
  });

  test.each<Naming>(["line", "commit", "nothing"])(
    "where a new proxier is refused everything, and what is there stays: %s",
    async (naming) => {
      const { kernel } = await running({ lines: /^:KUBE-SERVICES/, naming });
      const proxier = createProxier(kernel);
      const { failure, quarantined } = await proxier.sync({ cluster: cluster("a", "d", "e"), view });
      expect([failure === undefined, quarantined, held(proxier)]).toEqual([false, [], []]);
      expect(await rulesIn(kernel)).toBe(rulesOf(cluster("a", "b", "c")));
    },
  );

  test("where rules of others keep a chain of ours from being deleted; all else is made so", async () => {
    const { kernel } = await running();
    const chain = /^-A (KUBE-SVC-\S+) .*"default\/b /m.exec(await kernel.readRules(4))?.[1] ?? "";
    await kernel.restore(4, `*nat\n:others - [0:0]\n-A others -j ${chain}\nCOMMIT\n`);
    const proxier = createProxier(kernel);
    const pass = await proxier.sync({ cluster: cluster("a", "c", "d"), view });
    expect(pass).toMatchObject({ failure: undefined, quarantined: [], left: { services: ["default/b"] } });
    expect(await kernel.readRules(4)).toContain(`-A others -j ${chain}`);
    const lines = (text: string) => text.split("\n").filter((line) => !line.includes(chain));
    expect(lines(await rulesIn(kernel))).toEqual(lines(rulesOf(cluster("a", "c", "d"))));
    await kernel.restore(4, "*nat\n-F others\n-X others\nCOMMIT\n");
    expect((await proxier.repair()).failure).toBeUndefined();
    expect(await rulesIn(kernel)).toBe(rulesOf(cluster("a", "c", "d")));
  });
});

describe("repair", () => {
  const svc = (rules: string) => /^-A (KUBE-SVC-\S+) .*"default\/b /m.exec(rules)?.[1] ?? "";
  const nat = (...lines: string[]) => ["*nat", ...lines, "COMMIT", ""].join("\n");
  test.each<[string, (rules: string) => string, readonly string[]]>([
    ["a deleted rule", (rules) => nat(`-D ${svc(rules)} 1`), ["rewrite-chain"]],
    [
      "an edited rule",
      (rules) => nat(`-D ${svc(rules)} 2`, `-A ${svc(rules)} -p tcp -j DNAT --to-destination 10.9.9.9:80`),
      ["rewrite-chain"],
    ],
    ["a rule that was added", (rules) => nat(`-I ${svc(rules)} 1 -j RETURN`), ["rewrite-chain"]],
    [
      "a deleted jump",
      () => nat('-D PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES'),
      ["insert-jump"],
    ],
    ["a chain of ours that nobody wants", () => nat(":KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]"), ["delete-chain"]],
    ["an emptied chain in the filter table", () => "*filter\n-F KUBE-FORWARD\nCOMMIT\n", ["rewrite-chain"]],
  ])("puts right %s, and tells what was wrong", async (_, spoil, kinds) => {
    const { kernel, proxier } = await running();
    const good = await rulesIn(kernel);
    expect(await kernel.restore(4, spoil(await kernel.readRules(4)))).toEqual({ ok: true });
    expect(await rulesIn(kernel)).not.toBe(good);
    const { changes, failure } = await proxier.repair();
    expect([changes.map(({ kind }) => kind), failure]).toEqual([kinds, undefined]);
    expect(await rulesIn(kernel)).toBe(good);
    expect(await proxier.repair()).toEqual({ changes: [], failure: undefined });
  });

  test("puts right a flushed nat table", async () => {
    const { kernel, proxier } = await running();
    const good = await rulesIn(kernel);
    const text = await kernel.readRules(4);
    const names = [...(natOf(text) ?? "").matchAll(/^:(\S+)/gm)].map(([, name]) => name ?? "");
    const ours = names.filter((name) => name.startsWith("KUBE-"));
    await kernel.restore(4, nat(...names.map((name) => `-F ${name}`), ...ours.map((name) => `-X ${name}`)));
    expect(await rulesIn(kernel)).not.toContain("*nat");
    const { changes } = await proxier.repair();
    expect(new Set(changes.flatMap((change) => ("table" in change ? chainOf(change) : [])))).toEqual(
      new Set([...ours, "PREROUTING", "OUTPUT", "POSTROUTING"]),
    );
    expect(await rulesIn(kernel)).toBe(good);
  });

  test("leaves rules of others, and ends with what a pass after it can build on", async () => {
    const { kernel, proxier, sync } = await running();
    await kernel.restore(4, nat(":others - [0:0]", "-I PREROUTING 1 -j others", "-F KUBE-SERVICES"));
    await proxier.repair();
    kernel.take();
    expect(await sync("a", "b")).toMatchObject({ scope: "partial" });
    expect(await rulesIn(kernel)).toBe(rulesOf(cluster("a", "b")));
    expect(await kernel.readRules(4)).toContain("-A PREROUTING -j others");
  });

  test("does nothing before the first good pass", async () => {
    const { kernel } = await running();
    expect(await createProxier(kernel).repair()).toEqual({ changes: [], failure: undefined });
    expect(kernel.take()).toEqual([]);
  });

  test.each([true, false])(
    "that fails is told, and the next pass reads first; the tool could not be run: %s",
    async (throws) => {
      const { kernel, proxier, sync } = await running();
      await kernel.restore(4, nat("-F KUBE-SERVICES"));
      Object.assign(kernel.refusal, { lines: /^:KUBE-SERVICES/, naming: "nothing", throws });
      const failed = await proxier.repair().catch(() => ({ failure: "thrown" }));
      expect(failed.failure).toBeDefined();
      Object.assign(kernel.refusal, { lines: undefined, throws: false });
      expect(await sync("a", "b", "c")).toMatchObject({ scope: "full", failure: undefined });
      expect(await rulesIn(kernel)).toBe(rulesOf(cluster("a", "b", "c")));
    },
  );

  test("keeps the last good rules of a Service that is quarantined", async () => {
    const { kernel, proxier, sync } = await running({ lines: badLine });
    await sync("a", `b ${bad}`);
    await kernel.restore(4, nat(`-F ${svc(await kernel.readRules(4))}`));
    expect((await proxier.repair()).failure).toBeUndefined();
    expect(await rulesIn(kernel)).toBe(rulesOf(cluster("a", "b")));
  });
});

describe("a dry run", () => {
  test("writes nothing, tells the changes once, and then what is new", async () => {
    const { kernel } = await running();
    const before = await kernel.readRules(4);
    const dry = createProxier(kernel, { writes: false });
    const first = await dry.sync({ cluster: cluster("a", "b"), view });
    expect(first).toMatchObject({ scope: "full", batches: 0, failure: undefined });
    expect(first.changes.map(({ kind }) => kind)).toContain("delete-chain");
    const second = await dry.sync({ cluster: cluster("a", "b 10.1.0.7"), view });
    expect(second.changes.flatMap((change) => causeOfIpvs(change).services)).toEqual(["default/b"]);
    expect(await dry.repair()).toEqual({ changes: [], failure: undefined });
    expect(await kernel.readRules(4)).toBe(before);
    expect(kernel.take()).not.toContain("write");
  });
});
