// The dashboard asks for nothing that the agent does not have.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import * as z from "zod";
import { createMetrics } from "../../src/metrics/metrics.ts";
import { deploy } from "./manifests.ts";

const target = z.object({ refId: z.string(), expr: z.string(), legendFormat: z.string() });
const panel = z.object({
  id: z.number(),
  title: z.string(),
  description: z.string().min(1),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  targets: z.array(target).min(1),
});
const dashboard = z
  .object({ uid: z.literal("rulewright"), schemaVersion: z.number(), panels: z.array(panel).min(1) })
  .parse(JSON.parse(readFileSync(join(deploy, "monitoring", "dashboard.json"), "utf8")));

/** By metric: its labels, those of its samples and those that any metric may have. Histograms under their three names. */
async function exposed(): Promise<Map<string, string>> {
  const text = await createMetrics({ version: "1", families: [4, 6] }).render();
  const types = new Map<string, string>();
  for (const [, name = "", type = ""] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm))
    for (const suffix of type === "histogram" ? ["_bucket", "_sum", "_count"] : [""]) types.set(name + suffix, type);
  return types;
}

/** Names followed by a selector: everything else is a function, a label or a keyword. */
function metricsIn(expr: string): string[] {
  return [...expr.matchAll(/([a-zA-Z_:][\w:]*)\{/g)].map(([, name = ""]) => name);
}

const targets = dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })));

test.each(targets)("$title: every metric is one of the agent's ($expr)", async ({ expr }) => {
  const known = await exposed();
  const names = metricsIn(expr);
  expect(names.length).toBeGreaterThan(0);
  expect(names.filter((name) => !known.has(name))).toEqual([]);
  // No metric goes without the choice of nodes, and none is therefore missed above.
  expect(expr.match(/\b(?:kubeproxy|rulewright|process|nodejs)_\w+/g)).toEqual(names);
});

test.each(targets)("$title: counters are looked at by their growth ($expr)", async ({ title, expr }) => {
  const known = await exposed();
  const counters = metricsIn(expr).filter((name) => known.get(name) !== "gauge");
  // "Since the agents started" is what the value of a counter says.
  if (counters.length === 0 || title === "Objects refused") expect(expr).not.toMatch(/\b(?:rate|increase)\(/);
  else for (const name of counters) expect(expr).toMatch(new RegExp(`\\b(?:rate|increase)\\(${name}\\{`));
});

describe("panels", () => {
  test("are told apart by id and title", () => {
    for (const field of ["id", "title"] as const)
      expect(new Set(dashboard.panels.map((each) => each[field])).size).toBe(dashboard.panels.length);
  });

  test("do not lie on each other", () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});
