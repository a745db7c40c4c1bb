// Tests of src/debug/status-notes.ts.
import { expect, test } from "@jest/globals";
import { createNoteTaker } from "../../../src/debug/status-notes.ts";
import { createMetrics } from "../../../src/metrics/metrics.ts";

function aNoteTaker() {
  const inner = createMetrics({ version: "1", families: [4, 6] });
  let now = 1000;
  const { metrics, notes } = createNoteTaker(inner, () => now);
  return {
    ...{ inner, metrics, notes },
    at: (ms: number) => {
      now = ms;
    },
  };
}

test("notes nothing before anything is told", () => {
  expect(aNoteTaker().notes()).toEqual({
    rules: { 4: undefined, 6: undefined },
    drift: { chains: 0, lastAt: undefined },
  });
});

test("keeps the newest of rules, and the sum of drift", () => {
  const { metrics, notes, at } = aNoteTaker();
  metrics.setRules(4, 10);
  metrics.setRules(6, 3);
  metrics.setRules(4, 12);
  metrics.countDrift({ family: 4, table: "nat", kind: "rewrite-chain", chains: 2 });
  at(2000);
  metrics.countDrift({ family: 6, table: "filter", kind: "insert-jump", chains: 1 });
  at(3000);
  metrics.setRules(6, 3);
  expect(notes()).toEqual({
    rules: { 4: 12, 6: 3 },
    drift: { chains: 3, lastAt: 2000 },
  });
});

test("what was read does not change", () => {
  const { metrics, notes } = aNoteTaker();
  const early = notes();
  metrics.setRules(4, 10);
  expect(early.rules[4]).toBeUndefined();
});

test("the metrics are told all of it", async () => {
  const { inner, metrics } = aNoteTaker();
  metrics.setRules(4, 10);
  metrics.setLastEvent("services", 5);
  metrics.countRefusedObject("Service");
  metrics.countDrift({ family: 4, table: "nat", kind: "rewrite-chain", chains: 2 });
  metrics.setQuarantinedServices(4);
  const text = await inner.render();
  for (const line of [
    'rulewright_rules{ip_family="IPv4"} 10',
    'rulewright_watch_last_event_timestamp_seconds{resource="services"} 5',
    'rulewright_refused_objects_total{kind="Service"} 1',
    'rulewright_drift_total{table="nat",kind="rewrite-chain",ip_family="IPv4"} 2',
    "rulewright_quarantined_services 4",
  ])
    expect(text).toContain(line);
});
