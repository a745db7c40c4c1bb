// Tests of src/agent/record.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { renderRuleset, type Change, type TableName, type View } from "../../../rules/index.ts";
import { createProxier, type InForce, type Pass } from "../../../src/agent/proxier.ts";
import { countDrift, countPass } from "../../../src/agent/record.ts";
import { createMetrics, type Metrics } from "../../../src/metrics/metrics.ts";
import { histories, views } from "../../make/arbitrary.ts";
import { aView } from "../../make/node.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";
import { readExposition } from "../metrics/exposition.ts";
import { aKernel, type StrictKernel } from "./a-kernel.ts";

const made = createMetrics({ version: "1", families: [4] });

/** Metrics that keep what they were told last, under names that tell it from others; the rest goes nowhere. */
function someMetrics(): { readonly metrics: Metrics; readonly told: Map<string, unknown> } {
  const told = new Map<string, unknown>();
  const metrics: Metrics = {
    ...made,
    setRuleCounts: ({ family, table, total, written }) => {
      told.set(`${family} ${table} total`, total).set(`${family} ${table} written`, written);
    },
    setRules: (family, rules) => told.set(`${family} rules`, rules),
    observeSync: (sync) => told.set("sync", sync),
    countRestoreFailure: (family, scope) => told.set("failure", `${family} ${scope}`),
    countDrift: ({ family, table, kind, chains }) => told.set(`${family} ${table} ${kind}`, chains),
  };
  return { metrics, told };
}

/** Rules of ours in a table, counted in text. */
function rulesIn(build: InForce | undefined, table: TableName): number {
  const text = build === undefined ? "" : renderRuleset(build.ruleset);
  const section = new RegExp(`^\\*${table}\\n(?:.*\\n)*?COMMIT$`, "m").exec(text)?.[0] ?? "";
  return (section.match(/^-A /gm) ?? []).length;
}

/** Rules in the scripts that were taken since the last time. */
function rulesWritten(kernel: StrictKernel, from: number, table: TableName): number {
  const scripts = kernel.restored.slice(from).filter(({ script }) => script.startsWith(`*${table}\n`));
  return scripts.reduce((sum, { script }) => sum + (script.match(/^-[AI] /gm) ?? []).length, 0);
}

/** Whether a node can change so while an agent runs: its settings stay, and with them whether it has the chain that kubelet shares. */
const isTurnOf = (view: View, other: View) =>
  view.family === other.family && view.localhostNodePorts === other.localhostNodePorts;

describe("rules", () => {
  test("are counted as a full count would, after any history and failures in it", async () => {
    const inputs = fc.tuple(histories(16), views(), views(), fc.nat(6), fc.nat(6));
    await fc.assert(
      fc.asyncProperty(inputs, async ([clusters, view, other, turn, trouble]) => {
        const kernel = aKernel({ naming: "nothing" });
        const proxier = createProxier(kernel);
        const { metrics, told } = someMetrics();
        const { family } = view;
        for (const [at, cluster] of clusters.entries()) {
          const seen = at >= turn && isTurnOf(view, other) ? other : view;
          kernel.refusal.lines = at === trouble ? /^\*nat/ : undefined;
          const from = kernel.restored.length;
          const pass = await proxier.sync({ cluster, view: seen });
          countPass(metrics, { family, pass, seconds: 0, build: proxier.build() });
          if (pass.failure !== undefined) continue;
          const build = proxier.build();
          for (const table of ["nat", "filter"] as const) {
            expect(told.get(`${family} ${table} total`)).toBe(rulesIn(build, table));
            expect(told.get(`${family} ${table} written`)).toBe(rulesWritten(kernel, from, table));
          }
          expect(told.get(`${family} rules`)).toBe(rulesIn(build, "nat") + rulesIn(build, "filter"));
        }
      }),
      { numRuns: 40 },
    );
  });

  test("of both families are counted apart", async () => {
    const { metrics, told } = someMetrics();
    const cluster = aCluster(aService(), aSlice());
    const builds = [];
    for (const family of [4, 6] as const) {
      const proxier = createProxier(aKernel());
      const pass = await proxier.sync({ cluster, view: aView({ family }) });
      countPass(metrics, { family, pass, seconds: 0, build: proxier.build() });
      builds.push(proxier.build());
    }
    const [four, six] = builds;
    expect([told.get("4 nat total"), told.get("6 nat total")]).toEqual([rulesIn(four, "nat"), rulesIn(six, "nat")]);
    expect(rulesIn(four, "nat")).toBeGreaterThan(rulesIn(six, "nat"));
  });
});

test("a jump that is moved is written, and makes no rule more or less", async () => {
  const proxier = createProxier(aKernel());
  const { metrics, told } = someMetrics();
  const pass = await proxier.sync({ cluster: aCluster(aService(), aSlice()), view: aView() });
  const build = proxier.build();
  countPass(metrics, { family: 4, pass, seconds: 0, build });
  const before = told.get("4 nat total");
  const [jump] = build?.ruleset.tables.nat.jumps ?? [];
  if (jump === undefined) throw new Error("bug: no jump");
  const moved: Change = { kind: "move-jump", table: "nat", at: 1, ...jump };
  countPass(metrics, { family: 4, pass: { ...pass, scope: "partial", changes: [moved] }, seconds: 0, build });
  expect([told.get("4 nat total"), told.get("4 nat written"), told.get("4 filter written")]).toEqual([before, 1, 0]);
  countDrift(metrics, 4, [moved, moved]);
  expect(told.get("4 nat move-jump")).toBe(2);
});

describe("a pass", () => {
  const refused = { message: "m", script: "s", namesLine: false, services: [] };
  const aPass = (fields: Partial<Pass>): Pass => ({
    ...{ scope: "partial", changes: [], batches: 0, failure: undefined, left: undefined, quarantined: [] },
    ...fields,
  });
  test.each<[string, Partial<Pass>, string | undefined]>([
    ["that is good", {}, undefined],
    ["that failed", { failure: refused }, "4 partial"],
    ["that failed and had read first", { failure: refused, scope: "full" }, "4 full"],
    ["that left a chain is good", { left: refused }, undefined],
  ])("%s is told so", (_, fields, failure) => {
    const { metrics, told } = someMetrics();
    const pass = aPass(fields);
    countPass(metrics, { family: 4, pass, seconds: 1.5, build: undefined });
    expect(told.get("failure")).toBe(failure);
    const { succeededAtSeconds, ...sync } = told.get("sync") as { readonly succeededAtSeconds: number | undefined };
    expect(sync).toEqual({ family: 4, scope: pass.scope, durationSeconds: 1.5 });
    expect(succeededAtSeconds === undefined).toBe(failure !== undefined);
    if (succeededAtSeconds !== undefined) expect(Math.abs(Date.now() / 1000 - succeededAtSeconds)).toBeLessThan(5);
  });
});

test("drift is counted by table and kind", async () => {
  const proxier = createProxier(aKernel());
  const { changes } = await proxier.sync({ cluster: aCluster(aService(), aSlice()), view: aView() });
  const { metrics, told } = someMetrics();
  countDrift(metrics, 4, changes);
  const count = (table: TableName, kind: Change["kind"]) =>
    changes.filter((change) => "table" in change && change.table === table && change.kind === kind).length;
  expect(Object.fromEntries(told)).toEqual({
    "4 filter create-chain": count("filter", "create-chain"),
    "4 filter insert-jump": count("filter", "insert-jump"),
    "4 nat create-chain": count("nat", "create-chain"),
    "4 nat insert-jump": count("nat", "insert-jump"),
  });
});

test("ends up where Prometheus reads it", async () => {
  const metrics = createMetrics({ version: "1", families: [4] });
  const proxier = createProxier(aKernel());
  const pass = await proxier.sync({ cluster: aCluster(aService(), aSlice()), view: aView() });
  countPass(metrics, { family: 4, pass, seconds: 0.1, build: proxier.build() });
  const { series } = readExposition(await metrics.render());
  const nat = 'kubeproxy_sync_proxy_rules_iptables_total{ip_family="IPv4",table="nat"}';
  expect(series.get(nat)).toBe(rulesIn(proxier.build(), "nat"));
});
