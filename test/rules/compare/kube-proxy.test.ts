// Our plan treats every packet as kube-proxy's rules do. In: golden cases, dumps of a real kube-proxy, random models. Out: no difference.
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { compareRulesets, type Comparison } from "../../../rules/compare/compare.ts";
import { applyToDump } from "../../../rules/compare/graft.ts";
import { diffRulesets } from "../../../rules/iptables/diff/diff.ts";
import { buildRuleset } from "../../../rules/iptables/ruleset/build.ts";
import { ownedByUsOrKubeProxy, parseRuleset } from "../../../rules/iptables/text/parse.ts";
import { buildModel, servicePorts, type Model } from "../../../rules/model/model.ts";
import type { Ip } from "../../../rules/net/ip.ts";
import type { TraceNode } from "../../../rules/trace/packet.ts";
import { buildTracer } from "../../../rules/trace/trace.ts";
import { buildDesired } from "../../../src/desired/desired.ts";
import { findCases } from "../../../src/golden/find.ts";
import { loadCase } from "../../../src/golden/load.ts";
import { toDesiredOptions } from "../../../src/golden/render.ts";
import { clusters, views } from "../../make/arbitrary.ts";
import { renderKubeProxyLayout } from "../../make/kube-proxy-layout.ts";
import { anIp } from "../../make/objects.ts";
import { aFirewall, endpointsHere, lines, node as someNode } from "./a-tracer.ts";
import { desireSample, readSample, sampleNames } from "./samples.ts";

/** The dump against what applying our plan would make of it. */
function compareWithPlan(text: string, model: Model, node: TraceNode): Comparison {
  const { family } = model.view;
  const firewall = aFirewall(text, family);
  const changes = diffRulesets(parseRuleset(text, family, ownedByUsOrKubeProxy), buildRuleset(model).ruleset);
  const planned = { ...firewall, dump: applyToDump(firewall.dump, changes) };
  const sides = { a: buildTracer(firewall, node), b: buildTracer(planned, node) };
  return compareRulesets(sides, { endpointsHere: endpointsHere(model) });
}

/** A node with the addresses that are known of it, and some where none are. */
function nodeWith(localIps: readonly Ip[]): TraceNode {
  const known = localIps.filter((ip) => !ip.startsWith("127.") && ip !== "::1");
  return { ...someNode, localIps: known.length > 0 ? known : ["192.0.2.1", "2001:db8::1"].map(anIp) };
}

const golden = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "golden");
// In IPVS mode kube-proxy has faults that ours has not.
const cases = (await findCases([golden]))
  .map((folder) => ({ name: relative(golden, folder.path), folder }))
  .filter(({ folder }) => !folder.files.has("ipvs.rules") && !folder.files.has("ipvs6.rules"));

describe("the layout of kube-proxy and our plan over it", () => {
  test.each(cases)("golden case $name", async ({ folder }) => {
    const loaded = await loadCase(folder);
    const { builds, node } = buildDesired(loaded, toDesiredOptions(loaded.node));
    expect(builds.length).toBeGreaterThan(0);
    for (const { model } of builds) {
      const found = compareWithPlan(renderKubeProxyLayout(model), model, nodeWith(node.localIps));
      expect(lines(found)).toEqual([]);
      // Each frontend from the node and from elsewhere, and the node itself.
      const frontends = servicePorts(model).flatMap((port) => port.frontends);
      expect(found.classes).toBeGreaterThan(new Set(frontends.map(({ ip, port }) => `${ip} ${port}`)).size * 2);
    }
  });

  test("any cluster and node", () => {
    fc.assert(
      fc.property(clusters(24), views(), (cluster, view) => {
        const model = buildModel(cluster, view);
        expect(lines(compareWithPlan(renderKubeProxyLayout(model), model, someNode))).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });
});

describe("rules of a real kube-proxy and our plan over them", () => {
  // Its rules that count with nfacct treat nobody differently: packets to 127.0.0.0/8 go on to the same chain.
  test.each(sampleNames.flatMap((name) => ([4, 6] as const).map((family) => ({ name, family }))))(
    "$name, IPv$family",
    async ({ name, family }) => {
      const { builds, node } = await desireSample(name, family);
      const [build] = builds;
      if (build === undefined) throw new Error("bug: one family gives one build");
      const found = compareWithPlan(await readSample(name, family), build.model, nodeWith(node.localIps));
      expect(lines(found)).toEqual([]);
      expect(found.classes).toBeGreaterThan(30);
    },
  );
});
