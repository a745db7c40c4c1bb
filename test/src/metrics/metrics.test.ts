// Tests of src/metrics/metrics.ts.
import { expect, test } from "@jest/globals";
import { createMetrics } from "../../../src/metrics/metrics.ts";
import { readExposition } from "./exposition.ts";

const settings = { version: "1.2.3", families: [4] } as const;

test("the text holds kube-proxy's metrics, ours, and the process's", async () => {
  const metrics = createMetrics(settings);
  const { types, series } = readExposition(await metrics.render());
  expect(metrics.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(types).toEqual(
    expect.arrayContaining([
      "kubeproxy_sync_proxy_rules_duration_seconds histogram",
      "rulewright_build_info gauge",
      "process_cpu_seconds_total counter",
      "process_resident_memory_bytes gauge",
      "process_open_fds gauge",
      "nodejs_eventloop_lag_seconds gauge",
      "nodejs_gc_duration_seconds histogram",
    ]),
  );
  expect(series.get("process_resident_memory_bytes")).toBeGreaterThan(1_000_000);
});

test("only the families served begin at 0", async () => {
  const { series } = readExposition(await createMetrics(settings).render());
  const name = "kubeproxy_sync_proxy_rules_iptables_restore_failures_total";
  expect([...series.keys()].filter((key) => key.startsWith(name))).toEqual([`${name}{ip_family="IPv4"}`]);
});

test("two of them know nothing of each other", async () => {
  const [one, other] = [createMetrics(settings), createMetrics(settings)];
  one.countServiceChanges(5);
  const count = "kubeproxy_sync_proxy_rules_service_changes_total";
  expect(readExposition(await one.render()).series.get(count)).toBe(5);
  expect(readExposition(await other.render()).series.get(count)).toBe(0);
});
