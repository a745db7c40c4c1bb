// Tests of rules/iptables/ruleset/build.ts: what a change costs. That its result is right is tested in contract.test.ts and meaning.test.ts.
import { expect, test } from "@jest/globals";
import { buildRuleset } from "../../../../rules/iptables/ruleset/build.ts";
import { setService, setSlice } from "../../../../rules/model/cluster.ts";
import { buildModel } from "../../../../rules/model/model.ts";
import { changes, type Radix } from "../../../../rules/radix/radix.ts";
import { aView, buildOf } from "../../../make/node.ts";
import { aCluster, aService, aSlice } from "../../../make/objects.ts";

const view = aView();
const cluster = aCluster(
  ...Array.from({ length: 300 }, (_, at) => [
    aService({ name: `s${at}`, clusterIps: [`10.96.${at >> 4}.${(at & 15) * 16}`] }),
    aSlice({ service: `s${at}`, endpoints: [{ ip: `10.1.${at >> 8}.${at & 255}`, nodeName: "there" }] }),
  ]).flat(),
);
const before = buildOf(cluster, view);

const changed = <T>(a: Radix<T>, b: Radix<T>) => changes(a, b).map(({ key }) => key);

test("an endpoint that comes makes one Service's chain anew", () => {
  const slice = aSlice({ service: "s7", endpoints: ["10.1.0.7", "10.1.9.9"].map((ip) => ({ ip, nodeName: "there" })) });
  const after = buildRuleset(buildModel(setSlice(cluster, slice), view, before.model), before);
  const names = changed(before.ruleset.tables.nat.chains, after.ruleset.tables.nat.chains).filter((name) =>
    /-[A-Z2-7]{16}$/.test(name),
  );
  expect(names).toHaveLength(1);
  // Its own frontend's rule may be made anew, with the same text; no other is.
  expect(changed(before.trees.services, after.trees.services).filter((key) => key !== "0a600070t0050")).toEqual([]);
  for (const tree of ["nodePorts", "hairpins"] as const) expect(after.trees[tree]).toBe(before.trees[tree]);
});

test("a Service that comes changes one path of one tree", () => {
  const service = aService({ name: "new", clusterIps: ["10.96.3.7"] });
  const slice = aSlice({ service: "new", endpoints: [{ ip: "10.1.200.1", nodeName: "there" }] });
  const after = buildRuleset(buildModel(setSlice(setService(cluster, service), slice), view, before.model), before);
  expect(changed(before.trees.services, after.trees.services)).toEqual(["0a600307t0050"]);
  expect(after.trees.nodePorts).toBe(before.trees.nodePorts);
});

test("a build of another view is begun from nothing", () => {
  const other = aView({ settings: { masqueradeBit: 3 } });
  const after = buildRuleset(buildModel(cluster, other, before.model), before);
  expect(after.ruleset).toEqual(buildOf(cluster, other).ruleset);
});

test("the build before is not changed", () => {
  const copy = structuredClone(before.ruleset);
  buildRuleset(buildModel(aCluster(), view, before.model), before);
  expect(before.ruleset).toEqual(copy);
});
