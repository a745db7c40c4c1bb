// The contract that every backend keeps, run with IPVS mode on fake tools. In: random clusters and nodes. Out: what must hold for all of them.
import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { buildModel, type Model } from "../../../rules/model/model.ts";
import { buildIpvs, type IpvsBuild } from "../../../rules/ipvs/build.ts";
import { renderRuleset } from "../../../rules/iptables/text/render-ruleset.ts";
import { renderServers } from "../../../rules/ipvs/render.ts";
import { schedulerNames } from "../../../rules/ipvs/scheduler.ts";
import { emptyState, type IpvsState } from "../../../rules/ipvs/state.ts";
import { diffStates } from "../../../rules/ipvs/steps.ts";
import { entries, values } from "../../../rules/radix/radix.ts";
import { clusterFrom, clusters, foreignRules, histories, objects, views } from "../../make/arbitrary.ts";
import { emptyServers } from "../../make/fake-ipvs.ts";
import { aFakeNode, anIpvsNode, drained, ipvsOf, patient, settle } from "../../make/ipvs.ts";
import { aView } from "../../make/node.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";

// Random clusters take some seconds where other tests run beside.
jest.setTimeout(60_000);

/** All of a state as text, without what the kernel cannot tell. */
function textOf({ sets, ruleset, addresses, servers }: IpvsState) {
  return {
    sets: Object.values(sets.sets)
      .map(({ name, type, entries: held }) => `${name} ${type} ${[...entries(held)].map(({ key }) => key).join(" ")}`)
      .sort(),
    rules: renderRuleset(ruleset),
    device: addresses.device,
    addresses: values(addresses.held).map(({ ip }) => ip),
    servers: renderServers(servers),
  };
}

const foreign = {
  sets: "create cali-1 hash:ip family inet\nadd cali-1 10.0.0.9\ncreate KUBE-OTHER hash:ip family inet\n",
  servers:
    "-A -t 198.51.100.50:443 -s wlc\n-a -t 198.51.100.50:443 -r 10.9.0.1:443 -g -w 1\n-A -t 192.168.0.2:6443 -s rr\n",
};

describe("IPVS mode", () => {
  test("what is built onto an empty kernel reads back as it was built, and applying it again writes nothing", async () => {
    await fc.assert(
      fc.asyncProperty(clusters(), views(), async (cluster, view) => {
        const node = await aFakeNode();
        const { state } = ipvsOf(cluster, view);
        await settle(node, state);
        const found = await node.read(view.family);
        expect(found.problems).toEqual([]);
        expect(textOf(found.state)).toEqual(textOf(state));
        expect(diffStates(found.state, state, patient)).toEqual({ steps: [], draining: new Set() });
      }),
      { numRuns: 12 },
    );
  });

  test("a state does not differ from itself", () => {
    fc.assert(
      fc.property(clusters(), views(), (cluster, view) => {
        const [one, other] = [ipvsOf(cluster, view).state, ipvsOf(cluster, view).state];
        expect(diffStates(one, one, patient).steps).toEqual([]);
        expect(diffStates(one, other, patient).steps).toEqual([]);
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
        expect(textOf(ipvsOf(clusterFrom(shuffled), view).state)).toEqual(
          textOf(ipvsOf(clusterFrom(served), view).state),
        );
      }),
      { numRuns: 12 },
    );
  });

  test("going to another cluster and back ends where it began, with what is others' as it was", async () => {
    await fc.assert(
      fc.asyncProperty(
        clusters(),
        clusters(),
        views(4),
        views(4),
        foreignRules,
        async (a, b, viewA, viewB, foreignRules_) => {
          const node = await aFakeNode({ ...foreign, foreignRules: foreignRules_ });
          const everything = async () => ({
            sets: node.tools
              .sets()
              .split("\n")
              .map((line) => line.replace(/maxelem \d+/, ""))
              .sort(),
            addresses: (JSON.parse(node.tools.addresses()) as { addr_info: { local: string }[] }[])
              .flatMap((each) => each.addr_info.map(({ local }) => local))
              .sort(),
            servers: node.tools.servers().split("\n").sort(),
            rules: await node.rules(4),
          });
          const untouched = { sets: node.tools.sets(), servers: node.tools.servers() };
          await settle(node, ipvsOf(a, viewA).state);
          const began = await everything();
          await settle(node, ipvsOf(b, viewB).state);
          await settle(node, ipvsOf(a, viewA).state);
          expect(await everything()).toEqual(began);
          await settle(node, emptyState(4));
          expect({ sets: node.tools.sets(), servers: node.tools.servers() }).toEqual(untouched);
          expect(node.tools.addresses()).not.toContain("kube-ipvs0");
        },
      ),
      { numRuns: 10 },
    );
  });

  test("a build from the one before equals a build from nothing, and so does the diff between them", () => {
    fc.assert(
      fc.property(histories(), views(), (history, view) => {
        const node = anIpvsNode(view);
        let model: Model | undefined;
        let build: IpvsBuild | undefined;
        for (const cluster of history) {
          model = buildModel(cluster, view, model);
          const before = build;
          build = buildIpvs(model, node, build);
          const whole = buildIpvs(buildModel(cluster, view), node);
          expect(textOf(build.state)).toEqual(textOf(whole.state));
          expect(diffStates(build.state, whole.state, patient).steps).toEqual([]);
          if (before === undefined) continue;
          const between = diffStates(before.state, build.state, patient).steps;
          expect(between).toEqual(diffStates(before.state, whole.state, patient).steps);
        }
      }),
      { numRuns: 12 },
    );
  });

  test("at no moment of an update does a virtual server that is wanted stand without weight, nor a rule without its set", async () => {
    await fc.assert(
      fc.asyncProperty(clusters(), clusters(), views(), async (a, b, view) => {
        const node = await aFakeNode();
        await settle(node, ipvsOf(a, view).state);
        const { state } = ipvsOf(b, view);
        const wanted = renderServers(state.servers);
        const { steps } = diffStates((await node.read(view.family)).state, state, patient);
        await node.write(view.family, steps, () => {
          const empty = emptyServers(node.tools.servers(), view.family);
          expect(empty.filter((key) => wanted.includes(`-A ${key} `))).toEqual([]);
        });
        // What drains is all that is left to do.
        const left = diffStates((await node.read(view.family)).state, state, patient);
        expect(left.steps).toEqual([]);
      }),
      { numRuns: 12 },
    );
  });

  test("an update that breaks off after any step is carried on as if it had not", async () => {
    await fc.assert(
      fc.asyncProperty(clusters(25), clusters(25), views(), fc.nat(7), async (a, b, view, done) => {
        const node = await aFakeNode(foreign);
        await settle(node, ipvsOf(a, view).state);
        const { state } = ipvsOf(b, view);
        const observed = await node.read(view.family);
        const { steps } = diffStates(observed.state, state, { ...drained, others: observed.others });
        await node.write(view.family, steps.slice(0, done));
        await settle(node, state);
        expect(textOf((await node.read(view.family)).state)).toEqual(textOf(state));
      }),
      { numRuns: 12 },
    );
  });

  test("every jump leads to a chain, every set that a rule names is there and no set is spare", () => {
    fc.assert(
      fc.property(clusters(), views(), (cluster, view) => {
        const { ruleset, sets } = ipvsOf(cluster, view).state;
        const text = renderRuleset(ruleset);
        for (const table of Object.values(ruleset.tables)) {
          const names = new Set(values(table.chains).map(({ name }) => name as string));
          const rules = [
            ...table.jumps.map(({ rule }) => rule),
            ...values(table.chains).flatMap(({ rules: all }) => all),
          ];
          const led = rules.flatMap(({ target }) => (target?.kind === "jump" ? [target.chain as string] : []));
          expect(led.filter((name) => !names.has(name))).toEqual([]);
        }
        const named = new Set([...text.matchAll(/--match-set (\S+)/g)].map(([, name]) => name));
        expect([...named].sort()).toEqual(Object.keys(sets.sets).sort());
      }),
      { numRuns: 10 },
    );
  });

  test("both families share a node and do not disturb each other, and the device goes with the last", async () => {
    const cluster = aCluster(
      aService({ clusterIps: ["10.96.0.1", "fd00:96::1"] }),
      aSlice(),
      aSlice({ name: "web-6", addressType: "IPv6", endpoints: ["fd00:1::1"] }),
    );
    const node = await aFakeNode();
    for (const family of [4, 6] as const) await settle(node, ipvsOf(cluster, aView({ family })).state);
    for (const family of [4, 6] as const) {
      const { state } = ipvsOf(cluster, aView({ family }));
      expect(textOf((await node.read(family)).state)).toEqual(textOf(state));
    }
    await settle(node, emptyState(4));
    expect(node.tools.servers()).toBe(
      "-A -t [fd00:96::1]:80 -s rr\n-a -t [fd00:96::1]:80 -r [fd00:1::1]:8080 -m -w 1\n",
    );
    expect(node.tools.sets()).not.toMatch(/^create KUBE-(?!6-)/m);
    await settle(node, emptyState(6));
    expect([node.tools.sets(), node.tools.servers()]).toEqual(["", ""]);
    expect(node.tools.addresses()).not.toContain("kube-ipvs0");
  });

  test.each(schedulerNames)("the scheduler %s is written and reads back", async (name) => {
    const node = await aFakeNode();
    const { state } = ipvsOf(aCluster(aService({ ipvsScheduler: name, affinitySeconds: 60 }), aSlice()));
    await settle(node, state);
    expect(textOf((await node.read(4)).state)).toEqual(textOf(state));
    expect(node.tools.servers()).toContain(`-A -t 10.96.0.1:80 -s ${name} -p 60`);
  });

  test("a change of one endpoint is a few lines in any cluster", () => {
    const cluster = (last: string) =>
      aCluster(
        ...Array.from({ length: 500 }, (_, at) => [
          aService({ name: `s${at}`, clusterIps: [`10.96.${at >> 8}.${at & 255}`] }),
          aSlice({ service: `s${at}`, endpoints: ["10.1.0.1", at === 250 ? last : "10.1.0.2"] }),
        ]).flat(),
      );
    const [one, other] = ["10.1.9.1", "10.1.9.2"].map((last) => ipvsOf(cluster(last)).state);
    if (one === undefined || other === undefined) throw new Error("bug: no states");
    const lines = diffStates(one, other, patient).steps.flatMap(({ tool, changes }) =>
      changes.map(({ kind }) => `${tool} ${kind}`),
    );
    expect(lines).toEqual(["ipset add-entry", "ipvsadm add-real", "ipvsadm edit-real", "ipset delete-entry"]);
  });
});
