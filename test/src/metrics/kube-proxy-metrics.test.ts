// Tests of src/metrics/kube-proxy-metrics.ts, by what Prometheus would read.
import { describe, expect, test } from "@jest/globals";
import { Registry } from "prom-client";
import { networkProgrammingBuckets, syncBuckets } from "../../../src/metrics/buckets.ts";
import { createKubeProxyMetrics, type KubeProxyMetrics } from "../../../src/metrics/kube-proxy-metrics.ts";
import { readExposition, seriesOf } from "./exposition.ts";

/** What is there after `record`. */
async function after(record: (metrics: KubeProxyMetrics) => void) {
  const registry = new Registry();
  record(createKubeProxyMetrics(registry, [4, 6]));
  return readExposition(await registry.metrics());
}

/** Everything at once, so that every metric has a series. */
function recordAll(metrics: KubeProxyMetrics): void {
  metrics.observeSync({ family: 4, scope: "full", durationSeconds: 1, succeededAtSeconds: 100 });
  metrics.observeSync({ family: 4, scope: "partial", durationSeconds: 1, succeededAtSeconds: 101 });
  metrics.setLastQueued(4, 99);
  metrics.observeNetworkProgramming(4, 2);
  metrics.countServiceChanges(1);
  metrics.countEndpointChanges(1);
  metrics.setPendingChanges({ services: 1, endpoints: 1 });
  metrics.countRestoreFailure(4, "partial");
  metrics.setRuleCounts({ family: 4, table: "nat", total: 1, written: 1 });
  metrics.setNoLocalEndpoints(4, "internal", 1);
  metrics.countProbe("healthz", 200);
  metrics.countProbe("livez", 200);
  metrics.observeConntrack(4, 1, 1);
  metrics.setPacketCounts({ invalidDropped: 1, localhostNodePortsAccepted: 1 });
}

// As kube-proxy 1.36 in iptables mode lists them. Source: Kubernetes Metrics reference.
const reference: readonly (readonly [string, string, string, readonly string[]])[] = [
  [
    "conntrack_reconciler_deleted_entries_total",
    "counter",
    "Cumulative conntrack flows deleted by conntrack reconciler",
    ["ip_family"],
  ],
  [
    "conntrack_reconciler_sync_duration_seconds",
    "histogram",
    "ReconcileConntrackFlowsLatency latency in seconds",
    ["ip_family"],
  ],
  [
    "iptables_ct_state_invalid_dropped_packets_total",
    "counter",
    "packets dropped by iptables to work around conntrack problems",
    [],
  ],
  [
    "iptables_localhost_nodeports_accepted_packets_total",
    "counter",
    "Number of packets accepted on nodeports of loopback interface",
    [],
  ],
  [
    "network_programming_duration_seconds",
    "histogram",
    "In Cluster Network Programming Latency in seconds",
    ["ip_family"],
  ],
  ["proxy_healthz_total", "counter", "Cumulative proxy healthz HTTP status", ["code"]],
  ["proxy_livez_total", "counter", "Cumulative proxy livez HTTP status", ["code"]],
  [
    "sync_full_proxy_rules_duration_seconds",
    "histogram",
    "SyncProxyRules latency in seconds for full resyncs",
    ["ip_family"],
  ],
  [
    "sync_partial_proxy_rules_duration_seconds",
    "histogram",
    "SyncProxyRules latency in seconds for partial resyncs",
    ["ip_family"],
  ],
  ["sync_proxy_rules_duration_seconds", "histogram", "SyncProxyRules latency in seconds", ["ip_family"]],
  ["sync_proxy_rules_endpoint_changes_pending", "gauge", "Pending proxy rules Endpoint changes", []],
  ["sync_proxy_rules_endpoint_changes_total", "counter", "Cumulative proxy rules Endpoint changes", []],
  [
    "sync_proxy_rules_iptables_last",
    "gauge",
    "Number of iptables rules written by kube-proxy in last sync",
    ["ip_family", "table"],
  ],
  [
    "sync_proxy_rules_iptables_partial_restore_failures_total",
    "counter",
    "Cumulative proxy iptables partial restore failures",
    ["ip_family"],
  ],
  [
    "sync_proxy_rules_iptables_restore_failures_total",
    "counter",
    "Cumulative proxy iptables restore failures",
    ["ip_family"],
  ],
  [
    "sync_proxy_rules_iptables_total",
    "gauge",
    "Total number of iptables rules owned by kube-proxy",
    ["ip_family", "table"],
  ],
  [
    "sync_proxy_rules_last_queued_timestamp_seconds",
    "gauge",
    "The last time a sync of proxy rules was queued",
    ["ip_family"],
  ],
  [
    "sync_proxy_rules_last_timestamp_seconds",
    "gauge",
    "The last time proxy rules were successfully synced",
    ["ip_family"],
  ],
  [
    "sync_proxy_rules_no_local_endpoints_total",
    "gauge",
    "Number of services with a Local traffic policy and no endpoints",
    ["ip_family", "traffic_policy"],
  ],
  ["sync_proxy_rules_service_changes_pending", "gauge", "Pending proxy rules Service changes", []],
  ["sync_proxy_rules_service_changes_total", "counter", "Cumulative proxy rules Service changes", []],
];

describe("as in kube-proxy", () => {
  test("there are these metrics and no others", async () => {
    const exposed = await after(recordAll);
    expect([...exposed.types].sort()).toEqual(reference.map(([name, type]) => `kubeproxy_${name} ${type}`));
  });

  test.each(reference)("%s is a %s with its help and labels", async (name, type, help, labels) => {
    const exposed = await after(recordAll);
    expect(exposed.help.get(`kubeproxy_${name}`)).toBe(`[ALPHA] ${help}`);
    const of = new RegExp(`^kubeproxy_${name}${type === "histogram" ? "_count" : ""}(\\{|$)`);
    const found = [...exposed.series.keys()].filter((key) => of.test(key));
    expect(found.length).toBeGreaterThan(0);
    for (const key of found) expect([...key.matchAll(/([a-z_]+)=/g)].map(([, label]) => label)).toEqual(labels);
  });

  test.each([
    ["sync_proxy_rules_duration_seconds", syncBuckets],
    ["sync_full_proxy_rules_duration_seconds", syncBuckets],
    ["sync_partial_proxy_rules_duration_seconds", syncBuckets],
    ["conntrack_reconciler_sync_duration_seconds", syncBuckets],
    ["network_programming_duration_seconds", networkProgrammingBuckets],
  ])("%s has its buckets", async (name, buckets) => {
    const exposed = await after(recordAll);
    const keys = Object.keys(seriesOf(exposed, `kubeproxy_${name}_bucket`));
    expect(keys.map((key) => /le="([^"]+)"/.exec(key)?.[1])).toEqual([...buckets.map(String), "+Inf"]);
  });
});

describe("what is recorded", () => {
  test("a sync counts as a sync and as its kind, and only success has a time", async () => {
    const exposed = await after((metrics) => {
      metrics.observeSync({ family: 6, scope: "partial", durationSeconds: 0.005, succeededAtSeconds: 100.5 });
      metrics.observeSync({ family: 6, scope: "full", durationSeconds: 3, succeededAtSeconds: undefined });
    });
    const v6 = '{ip_family="IPv6"}';
    expect(exposed.series.get(`kubeproxy_sync_proxy_rules_duration_seconds_count${v6}`)).toBe(2);
    expect(exposed.series.get(`kubeproxy_sync_proxy_rules_duration_seconds_sum${v6}`)).toBe(3.005);
    expect(exposed.series.get(`kubeproxy_sync_partial_proxy_rules_duration_seconds_sum${v6}`)).toBe(0.005);
    expect(exposed.series.get(`kubeproxy_sync_full_proxy_rules_duration_seconds_sum${v6}`)).toBe(3);
    expect(seriesOf(exposed, "kubeproxy_sync_proxy_rules_last_timestamp_seconds")).toEqual({
      [`kubeproxy_sync_proxy_rules_last_timestamp_seconds${v6}`]: 100.5,
    });
  });

  test.each([
    ["full", 1, 0],
    ["partial", 1, 1],
  ] as const)("a refused restore of a %s sync adds %d, and %d to the partial ones", async (scope, all, partial) => {
    const exposed = await after((metrics) => {
      metrics.countRestoreFailure(4, scope);
    });
    expect(seriesOf(exposed, "kubeproxy_sync_proxy_rules_iptables_restore_failures_total")).toEqual({
      'kubeproxy_sync_proxy_rules_iptables_restore_failures_total{ip_family="IPv4"}': all,
      'kubeproxy_sync_proxy_rules_iptables_restore_failures_total{ip_family="IPv6"}': 0,
    });
    expect(seriesOf(exposed, "kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total")).toEqual({
      'kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total{ip_family="IPv4"}': partial,
      'kubeproxy_sync_proxy_rules_iptables_partial_restore_failures_total{ip_family="IPv6"}': 0,
    });
  });

  test("rule counts are of a table and a family", async () => {
    const exposed = await after((metrics) => {
      metrics.setRuleCounts({ family: 4, table: "nat", total: 70, written: 7 });
      metrics.setRuleCounts({ family: 4, table: "filter", total: 9, written: 0 });
      metrics.setRuleCounts({ family: 4, table: "nat", total: 71, written: 1 });
    });
    expect(seriesOf(exposed, "kubeproxy_sync_proxy_rules_iptables_")).toMatchObject({
      'kubeproxy_sync_proxy_rules_iptables_total{ip_family="IPv4",table="nat"}': 71,
      'kubeproxy_sync_proxy_rules_iptables_total{ip_family="IPv4",table="filter"}': 9,
      'kubeproxy_sync_proxy_rules_iptables_last{ip_family="IPv4",table="nat"}': 1,
      'kubeproxy_sync_proxy_rules_iptables_last{ip_family="IPv4",table="filter"}': 0,
    });
  });

  test("changes add up, and pending ones are what was said last", async () => {
    const exposed = await after((metrics) => {
      metrics.countServiceChanges(2);
      metrics.countServiceChanges(3);
      metrics.countEndpointChanges(7);
      metrics.setPendingChanges({ services: 5, endpoints: 7 });
      metrics.setPendingChanges({ services: 0, endpoints: 1 });
    });
    expect(seriesOf(exposed, "kubeproxy_sync_proxy_rules_service")).toEqual({
      kubeproxy_sync_proxy_rules_service_changes_total: 5,
      kubeproxy_sync_proxy_rules_service_changes_pending: 0,
    });
    expect(seriesOf(exposed, "kubeproxy_sync_proxy_rules_endpoint")).toEqual({
      kubeproxy_sync_proxy_rules_endpoint_changes_total: 7,
      kubeproxy_sync_proxy_rules_endpoint_changes_pending: 1,
    });
  });

  test("the rest goes under its labels", async () => {
    const exposed = await after((metrics) => {
      metrics.setNoLocalEndpoints(6, "external", 3);
      metrics.countProbe("healthz", 503);
      metrics.countProbe("healthz", 503);
      metrics.countProbe("livez", 200);
      metrics.setLastQueued(4, 12.25);
      metrics.observeConntrack(4, 0.5, 11);
      metrics.observeNetworkProgramming(4, 301);
    });
    expect(Object.fromEntries(exposed.series)).toMatchObject({
      'kubeproxy_sync_proxy_rules_no_local_endpoints_total{ip_family="IPv6",traffic_policy="external"}': 3,
      'kubeproxy_proxy_healthz_total{code="503"}': 2,
      'kubeproxy_proxy_livez_total{code="200"}': 1,
      'kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family="IPv4"}': 12.25,
      'kubeproxy_conntrack_reconciler_deleted_entries_total{ip_family="IPv4"}': 11,
      'kubeproxy_conntrack_reconciler_sync_duration_seconds_sum{ip_family="IPv4"}': 0.5,
      'kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv4",le="300"}': 0,
      'kubeproxy_network_programming_duration_seconds_bucket{ip_family="IPv4",le="+Inf"}': 1,
    });
  });

  test("packet counts are absent until they are known, and then as read", async () => {
    expect(seriesOf(await after(() => undefined), "kubeproxy_iptables_")).toEqual({});
    const exposed = await after((metrics) => {
      metrics.setPacketCounts({ invalidDropped: 40 });
      metrics.setPacketCounts({ invalidDropped: 42 });
    });
    expect(seriesOf(exposed, "kubeproxy_iptables_")).toEqual({
      kubeproxy_iptables_ct_state_invalid_dropped_packets_total: 42,
    });
  });
});
