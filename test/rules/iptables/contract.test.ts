// The contract that every backend keeps, run with iptables. In: random clusters and nodes. Out: what must hold for all of them.
import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { buildModel, isServed, servicePorts, type Model } from "../../../rules/model/model.ts";
import type { Cluster } from "../../../rules/model/cluster.ts";
import type { View } from "../../../rules/model/view.ts";
import { buildRuleset, type Build } from "../../../rules/iptables/ruleset/build.ts";
import { emptyRuleset, type Ruleset, type TableName } from "../../../rules/iptables/ruleset/chain.ts";
import { causeOf } from "../../../rules/iptables/diff/cause.ts";
import { diffRulesets } from "../../../rules/iptables/diff/diff.ts";
import { orderChanges } from "../../../rules/iptables/script/order.ts";
import { renderBatch } from "../../../rules/iptables/script/render-script.ts";
import { parseRuleset } from "../../../rules/iptables/text/parse.ts";
import { renderRuleset } from "../../../rules/iptables/text/render-ruleset.ts";
import { get, values } from "../../../rules/radix/radix.ts";
import { createFakeKernel, type FakeKernel } from "../../../src/kernel/fake.ts";
import { apply } from "../../../src/kernel/apply.ts";
import { clusterFrom, clusters, foreignRules, histories, objects, views } from "../../make/arbitrary.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";
import { aView, buildOf, rulesetOf } from "../../make/node.ts";
import { destinations, readDump, walk } from "../../make/walk.ts";

// Random clusters take some seconds where other tests run beside.
jest.setTimeout(60_000);

/** What a backend is to this suite. */
type Backend = {
  readonly name: string;
  readonly build: (model: Model, before?: Build) => Build;
  readonly empty: (family: 4 | 6) => Ruleset;
  readonly render: (ruleset: Ruleset) => string;
  readonly parse: (text: string, family: 4 | 6) => Ruleset;
  /** Scripts in order, each one atomic commit. */
  readonly scripts: (observed: Ruleset, desired: Ruleset, chainsPerBatch: number) => readonly string[];
  readonly apply: (kernel: FakeKernel, desired: Ruleset) => Promise<{ readonly written: number; readonly ok: boolean }>;
};

const iptables: Backend = {
  name: "iptables",
  build: buildRuleset,
  empty: emptyRuleset,
  render: renderRuleset,
  parse: (text, family) => parseRuleset(text, family),
  scripts: (observed, desired, chainsPerBatch) =>
    orderChanges(diffRulesets(observed, desired), chainsPerBatch).map(renderBatch),
  apply: async (kernel, desired) => {
    const { changes, refused, left } = await apply(kernel, desired);
    return { written: changes.length, ok: refused === undefined && (left ?? []).length === 0 };
  },
};

const batchSizes = fc.constantFrom(5, 20, 1000, Infinity);

describe.each([iptables])("$name", (backend) => {
  const desired = (cluster: Cluster, view: View) => backend.build(buildModel(cluster, view)).ruleset;

  async function write(kernel: FakeKernel, wanted: Ruleset, chainsPerBatch = Infinity): Promise<string[]> {
    const { family } = wanted;
    const states: string[] = [];
    const observed = backend.parse(await kernel.readRules(family), family);
    for (const script of backend.scripts(observed, wanted, chainsPerBatch)) {
      expect(await kernel.restore(family, script)).toEqual({ ok: true });
      states.push(await kernel.readRules(family));
    }
    return states;
  }

  test("what is built onto an empty kernel reads back as it was built, and applying it again writes nothing", async () => {
    await fc.assert(
      fc.asyncProperty(clusters(), views(), async (cluster, view) => {
        const kernel = createFakeKernel();
        const wanted = desired(cluster, view);
        expect(await backend.apply(kernel, wanted)).toMatchObject({ ok: true });
        const found = backend.parse(await kernel.readRules(view.family), view.family);
        expect(backend.render(found)).toBe(backend.render(wanted));
        const before = kernel.restored.length;
        expect(await backend.apply(kernel, wanted)).toEqual({ ok: true, written: 0 });
        expect(kernel.restored.length).toBe(before);
      }),
      { numRuns: 20 },
    );
  });

  test("its own text reads back as the same ruleset", () => {
    fc.assert(
      fc.property(clusters(), views(), (cluster, view) => {
        const wanted = desired(cluster, view);
        const text = backend.render(wanted);
        expect(backend.render(backend.parse(text, view.family))).toBe(text);
        expect(backend.scripts(backend.parse(text, view.family), wanted, Infinity)).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  test("a ruleset does not differ from itself", () => {
    fc.assert(
      fc.property(clusters(), views(), (cluster, view) => {
        const wanted = desired(cluster, view);
        expect(backend.scripts(wanted, wanted, Infinity)).toEqual([]);
        expect(backend.scripts(wanted, desired(cluster, view), Infinity)).toEqual([]);
      }),
      { numRuns: 10 },
    );
  });

  test("the order of the input does not matter", () => {
    fc.assert(
      fc.property(objects(), views(), fc.infiniteStream(fc.nat()), (served, view, order) => {
        const shuffled = served
          .map((item) => ({ item, at: Number(order.next().value) }))
          .sort((a, b) => a.at - b.at)
          .map(({ item }) => ({ ...item, slices: [...item.slices].reverse() }));
        expect(backend.render(desired(clusterFrom(shuffled), view))).toBe(
          backend.render(desired(clusterFrom(served), view)),
        );
      }),
      { numRuns: 20 },
    );
  });

  test("every jump has a chain, and every chain that is not fixed has a jump", () => {
    fc.assert(
      fc.property(clusters(), views(), (cluster, view) => {
        const model = buildModel(cluster, view);
        const losers = servicePorts(model).filter((port) => port.frontends.some((one) => !isServed(model, one)));
        const { tables } = backend.build(model).ruleset;
        for (const [name, table] of Object.entries(tables)) {
          const chains = values(table.chains);
          const rules = [...table.jumps.map(({ rule }) => rule), ...chains.flatMap((chain) => chain.rules)];
          const reached = new Set(
            rules.flatMap(({ target }) => (target?.kind === "jump" ? [target.chain as string] : [])),
          );
          const known = chains.map((chain) => chain.name as string);
          expect([...reached].filter((chain) => !known.includes(chain))).toEqual([]);
          // A Service that lost all its addresses of a kind to others keeps its chains, ready for when it wins them.
          const mayBeLoose = new Set(losers.map((port) => port.name as string));
          const loose = chains.filter(
            (chain) => !reached.has(chain.name) && !(chain.owner !== undefined && mayBeLoose.has(chain.owner)),
          );
          const spare = loose.map((chain) => `${name} ${chain.name}`).filter((chain) => !alwaysThere.includes(chain));
          expect(spare).toEqual([]);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("going to another cluster and back ends where it began, byte for byte, over rules of others too", async () => {
    await fc.assert(
      fc.asyncProperty(
        clusters(),
        clusters(),
        fc.tuple(views(4), views(4)),
        foreignRules,
        batchSizes,
        async (a, b, [viewA, viewB], foreign, size) => {
          const kernel = createFakeKernel({ rules: { 4: foreign } });
          await write(kernel, desired(a, viewA));
          const began = await kernel.readRules(4);
          await write(kernel, desired(b, viewB), size);
          await write(kernel, desired(a, viewA), size);
          expect(await kernel.readRules(4)).toBe(began);
        },
      ),
      { numRuns: 12 },
    );
  });

  test("rules of others stay byte for byte while ours come, change and go", async () => {
    await fc.assert(
      fc.asyncProperty(clusters(30), clusters(30), views(4), foreignRules, async (a, b, view, foreign) => {
        const kernel = createFakeKernel({ rules: { 4: foreign } });
        const theirs = others(await kernel.readRules(4));
        await write(kernel, desired(a, view), 20);
        expect(others(await kernel.readRules(4))).toEqual(theirs);
        await write(kernel, desired(b, view), 20);
        expect(others(await kernel.readRules(4))).toEqual(theirs);
        await write(kernel, backend.empty(4), 20);
        expect(others(await kernel.readRules(4))).toEqual(theirs);
      }),
      { numRuns: 12 },
    );
  });

  test("with a kubelet on the node its chain, its rules in it and its jumps stay", async () => {
    await fc.assert(
      fc.asyncProperty(clusters(10), views(4), views(4), async (cluster, first, second) => {
        const kernel = createFakeKernel({ rules: { 4: kubelet } });
        for (const wanted of [desired(cluster, first), desired(cluster, second), backend.empty(4)]) {
          expect(await backend.apply(kernel, wanted)).toMatchObject({ ok: true });
          const text = await kernel.readRules(4);
          for (const line of kubelet.split("\n")) expect(text).toContain(line);
          expect(text.split("\n").filter((line) => line === "-A INPUT -j KUBE-FIREWALL")).toHaveLength(1);
        }
      }),
      { numRuns: 10 },
    );
  });

  test("a build from the one before equals a build from nothing, and what did not change is the same object", () => {
    fc.assert(
      fc.property(histories(), views(), (history, view) => {
        let model: Model | undefined;
        let build: Build | undefined;
        for (const cluster of history) {
          const next = buildModel(cluster, view, model);
          const before = build;
          build = backend.build(next, build);
          expect(backend.render(build.ruleset)).toBe(backend.render(desired(cluster, view)));
          if (before !== undefined) expectUnchangedChainsShared(before, build);
          model = next;
        }
      }),
      { numRuns: 20 },
    );
  });

  test("no batch ever leads to a missing chain, whatever its size, and all together do all", async () => {
    await fc.assert(
      fc.asyncProperty(clusters(), clusters(), views(), batchSizes, async (a, b, view, size) => {
        const kernel = createFakeKernel();
        await write(kernel, desired(a, view), size);
        await write(kernel, desired(b, view), size);
        const found = backend.parse(await kernel.readRules(view.family), view.family);
        expect(backend.render(found)).toBe(backend.render(desired(b, view)));
        await write(kernel, backend.empty(view.family), size);
        expect(ourChains(await kernel.readRules(view.family))).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });

  test("a Service that does not change is served after every batch", async () => {
    const steady = [
      aService({ name: "steady", namespace: "zz", clusterIps: ["10.96.12.34"] }),
      aSlice({ service: "steady", namespace: "zz", endpoints: ["10.200.0.1", "10.200.0.2"] }),
    ];
    const view = aView();
    const packet = { from: "10.1.2.3", to: "10.96.12.34", protocol: "tcp", port: 80 } as const;
    const served = (text: string) => destinations(walk(readDump(text), { table: "nat", chain: "PREROUTING" }, packet));
    await fc.assert(
      fc.asyncProperty(objects(), objects(), batchSizes, async (a, b, size) => {
        const kernel = createFakeKernel();
        const withSteady = (list: typeof a) =>
          aCluster(...steady, ...list.flatMap(({ service, slices }) => [service, ...slices]));
        await write(kernel, desired(withSteady(a), view));
        for (const text of await write(kernel, desired(withSteady(b), view), size)) {
          expect(served(text)).toEqual(["10.200.0.1:8080", "10.200.0.2:8080"]);
        }
      }),
      { numRuns: 20 },
    );
  });
});

describe("one change in a cluster of 400 Services", () => {
  const services = Array.from({ length: 400 }, (_, at) => [
    aService({ name: `svc${at}`, clusterIps: [`10.96.${at >> 4}.${(at & 15) * 16}`] }),
    aSlice({ service: `svc${at}`, endpoints: [{ ip: `10.1.${at >> 8}.${at & 255}`, nodeName: "there" }] }),
  ]);
  const before = buildOf(aCluster(...services.flat()));

  test("an endpoint that comes rewrites only its Service's chain", () => {
    const grown = aSlice({
      service: "svc77",
      endpoints: ["10.1.0.77", "10.1.9.9"].map((ip) => ({ ip, nodeName: "there" })),
    });
    const cluster = aCluster(...services.flat().map((object) => (object.name === grown.name ? grown : object)));
    const changes = diffRulesets(before.ruleset, rulesetOf(cluster));
    expect(changes.map((change) => [change.kind, causeOf(change).services])).toEqual([
      ["rewrite-chain", ["default/svc77"]],
    ]);
  });

  test("a Service that comes rewrites one dispatch chain, or splits it", () => {
    const added = [
      aService({ name: "new", clusterIps: ["10.96.3.7"] }),
      aSlice({ service: "new", endpoints: [{ ip: "10.1.200.200", nodeName: "there" }] }),
    ];
    const changes = diffRulesets(before.ruleset, rulesetOf(aCluster(...services.flat(), ...added)));
    expect(changes.filter((change) => causeOf(change).services.includes("default/new"))).not.toEqual([]);
    // Its own chain and the leaf that it is in; a leaf that was full becomes one for each half of it.
    expect(changes.length).toBeLessThanOrEqual(3);
  });
});

/** Chains of Service ports that are equal in text must be the very same object. */
function expectUnchangedChainsShared(before: Build, after: Build): void {
  for (const name of ["nat", "filter"] satisfies TableName[]) {
    for (const chain of values(after.ruleset.tables[name].chains)) {
      const old = get(before.ruleset.tables[name].chains, chain.name);
      if (chain.owner === undefined || old === undefined || old === chain) continue;
      // A new object is right only where its Service's objects changed.
      const key = chain.owner.replace(/:.*/, "");
      expect([chain.owner, get(before.model.cluster, key) === get(after.model.cluster, key)]).toEqual([
        chain.owner,
        false,
      ]);
    }
  }
}

/** What kubelet writes (and a rule that somebody put into its chain), in the order of a dump. */
const kubelet = `*mangle
:KUBE-IPTABLES-HINT - [0:0]
:KUBE-KUBELET-CANARY - [0:0]
COMMIT
*filter
:KUBE-FIREWALL - [0:0]
-A INPUT -j KUBE-FIREWALL
-A OUTPUT -j KUBE-FIREWALL
-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
-A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP
COMMIT
`;

/** Chains that stand there although nothing may lead to them: without masquerading, or with no address for node ports. */
const alwaysThere = ["nat KUBE-MARK-MASQ", "nat KUBE-NODEPORTS"];

function ourChains(text: string): string[] {
  const own = /^:(KUBE-\S+)/gm;
  return [...text.matchAll(own)].map(([, name = ""]) => name);
}

/** The lines of a dump that speak of no chain of ours. */
function others(text: string): string[] {
  const ours = /^(:|-A )KUBE-(?!OTHERS)|^-A (PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING).*-j KUBE-(?!OTHERS)/;
  return text.split("\n").filter((line) => !ours.test(line));
}
