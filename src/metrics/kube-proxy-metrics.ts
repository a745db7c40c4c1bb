// The metrics that kube-proxy has, by its names. In: a registry, the families served. Out: functions that record.
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Family, TableName } from "../../rules/index.ts";
import { networkProgrammingBuckets, syncBuckets } from "./buckets.ts";
import { ipFamilyName } from "./ip-family.ts";

/** Whether a sync looked at everything or only at what had changed. */
export type SyncScope = "full" | "partial";

/** One sync of one family, however it ended. */
export type Sync = {
  readonly family: Family;
  readonly scope: SyncScope;
  readonly durationSeconds: number;
  /** Unix time at which it succeeded; undefined where it failed. */
  readonly succeededAtSeconds: number | undefined;
};

/** How many rules of a table are ours, and how many of them the last sync wrote. */
export type RuleCounts = {
  readonly family: Family;
  readonly table: TableName;
  readonly total: number;
  readonly written: number;
};

/** kube-proxy's metrics, under `kubeproxy_`. Names, types, labels and buckets as of 1.33 to 1.36. Source: reference "Kubernetes Metrics". */
export type KubeProxyMetrics = {
  readonly observeSync: (sync: Sync) => void;
  /** A sync was asked for. `atSeconds` is Unix time. */
  readonly setLastQueued: (family: Family, atSeconds: number) => void;
  /**
   * From each EndpointSlice's annotation `endpoints.kubernetes.io/last-change-trigger-time` to rules in force. Times from before this
   * process started are for the caller to leave out.
   */
  readonly observeNetworkProgramming: (family: Family, durationSeconds: number) => void;
  readonly countServiceChanges: (changes: number) => void;
  readonly countEndpointChanges: (changes: number) => void;
  /** Changes seen and not yet in force. */
  readonly setPendingChanges: (pending: { readonly services: number; readonly endpoints: number }) => void;
  /** A refused iptables-restore. One of a partial sync counts as both kinds, as in kube-proxy. */
  readonly countRestoreFailure: (family: Family, scope: SyncScope) => void;
  readonly setRuleCounts: (counts: RuleCounts) => void;
  /** How many Services have that traffic policy `Local` and no endpoint on this node. A gauge, in spite of its name. */
  readonly setNoLocalEndpoints: (family: Family, policy: "internal" | "external", services: number) => void;
  /** An answer of `/healthz` or `/livez`. */
  readonly countProbe: (probe: "healthz" | "livez", code: number) => void;
  /** One clean-up of conntrack entries that lead to endpoints no longer there. */
  readonly observeConntrack: (family: Family, durationSeconds: number, deletedEntries: number) => void;
  /** Packets of rules that have a counter, since the rules were made; a metric is absent until its count is known. */
  readonly setPacketCounts: (packets: {
    readonly invalidDropped?: number;
    readonly localhostNodePortsAccepted?: number;
  }) => void;
};

/** Makes the metrics in `registry`. Failure counters begin at 0 for each of `families`, so that the first failure shows as a rise. */
export function createKubeProxyMetrics(registry: Registry, families: readonly Family[]): KubeProxyMetrics {
  const { observeConntrackDuration, ...durations } = createDurations(registry);
  const changes = createChanges(registry);
  const rules = createRules(registry, families);
  const probes = {
    healthz: createProbe(registry, "healthz"),
    livez: createProbe(registry, "livez"),
  };
  const deletedEntries = new Counter({
    ...named(registry, "conntrack_reconciler_deleted_entries_total"),
    help: "[ALPHA] Cumulative conntrack flows deleted by conntrack reconciler",
    labelNames: ["ip_family"],
  });
  for (const family of families) deletedEntries.inc(ofFamily(family), 0);
  const setPacketCounts = createPacketCounts(registry);
  return {
    ...durations,
    ...changes,
    ...rules,
    countProbe: (probe, code) => {
      probes[probe].inc({ code });
    },
    observeConntrack: (family, durationSeconds, deleted) => {
      observeConntrackDuration(family, durationSeconds);
      deletedEntries.inc(ofFamily(family), deleted);
    },
    setPacketCounts,
  };
}

function createDurations(registry: Registry) {
  const histogram = (name: string, help: string, buckets: readonly number[]) =>
    new Histogram({
      ...named(registry, name),
      help: `[ALPHA] ${help}`,
      labelNames: ["ip_family"],
      buckets: [...buckets],
    });
  const all = histogram("sync_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds", syncBuckets);
  const scoped = {
    full: histogram(
      "sync_full_proxy_rules_duration_seconds",
      "SyncProxyRules latency in seconds for full resyncs",
      syncBuckets,
    ),
    partial: histogram(
      "sync_partial_proxy_rules_duration_seconds",
      "SyncProxyRules latency in seconds for partial resyncs",
      syncBuckets,
    ),
  };
  const programming = histogram(
    "network_programming_duration_seconds",
    "In Cluster Network Programming Latency in seconds",
    networkProgrammingBuckets,
  );
  const conntrack = histogram(
    "conntrack_reconciler_sync_duration_seconds",
    "ReconcileConntrackFlowsLatency latency in seconds",
    syncBuckets,
  );
  const timestamp = (name: string, help: string) =>
    new Gauge({ ...named(registry, name), help: `[ALPHA] ${help}`, labelNames: ["ip_family"] });
  const lastSuccess = timestamp(
    "sync_proxy_rules_last_timestamp_seconds",
    "The last time proxy rules were successfully synced",
  );
  const lastQueued = timestamp(
    "sync_proxy_rules_last_queued_timestamp_seconds",
    "The last time a sync of proxy rules was queued",
  );
  return {
    observeSync: ({ family, scope, durationSeconds, succeededAtSeconds }: Sync) => {
      all.observe(ofFamily(family), durationSeconds);
      scoped[scope].observe(ofFamily(family), durationSeconds);
      if (succeededAtSeconds !== undefined) lastSuccess.set(ofFamily(family), succeededAtSeconds);
    },
    setLastQueued: (family: Family, atSeconds: number) => {
      lastQueued.set(ofFamily(family), atSeconds);
    },
    observeNetworkProgramming: (family: Family, durationSeconds: number) => {
      programming.observe(ofFamily(family), durationSeconds);
    },
    observeConntrackDuration: (family: Family, durationSeconds: number) => {
      conntrack.observe(ofFamily(family), durationSeconds);
    },
  };
}

/** These four have no family: a Service is one object, whatever its families. */
function createChanges(registry: Registry) {
  const total = (object: "Service" | "Endpoint") =>
    new Counter({
      ...named(registry, `sync_proxy_rules_${object.toLowerCase()}_changes_total`),
      help: `[ALPHA] Cumulative proxy rules ${object} changes`,
    });
  const pending = (object: "Service" | "Endpoint") =>
    new Gauge({
      ...named(registry, `sync_proxy_rules_${object.toLowerCase()}_changes_pending`),
      help: `[ALPHA] Pending proxy rules ${object} changes`,
    });
  const [services, endpoints] = [total("Service"), total("Endpoint")];
  const [pendingServices, pendingEndpoints] = [pending("Service"), pending("Endpoint")];
  return {
    countServiceChanges: (count: number) => {
      services.inc(count);
    },
    countEndpointChanges: (count: number) => {
      endpoints.inc(count);
    },
    setPendingChanges: (counts: { readonly services: number; readonly endpoints: number }) => {
      pendingServices.set(counts.services);
      pendingEndpoints.set(counts.endpoints);
    },
  };
}

function createRules(registry: Registry, families: readonly Family[]) {
  const failures = new Counter({
    ...named(registry, "sync_proxy_rules_iptables_restore_failures_total"),
    help: "[ALPHA] Cumulative proxy iptables restore failures",
    labelNames: ["ip_family"],
  });
  const partialFailures = new Counter({
    ...named(registry, "sync_proxy_rules_iptables_partial_restore_failures_total"),
    help: "[ALPHA] Cumulative proxy iptables partial restore failures",
    labelNames: ["ip_family"],
  });
  const total = new Gauge({
    ...named(registry, "sync_proxy_rules_iptables_total"),
    help: "[ALPHA] Total number of iptables rules owned by kube-proxy",
    labelNames: ["table", "ip_family"],
  });
  const written = new Gauge({
    ...named(registry, "sync_proxy_rules_iptables_last"),
    help: "[ALPHA] Number of iptables rules written by kube-proxy in last sync",
    labelNames: ["table", "ip_family"],
  });
  const noLocal = new Gauge({
    ...named(registry, "sync_proxy_rules_no_local_endpoints_total"),
    help: "[ALPHA] Number of services with a Local traffic policy and no endpoints",
    labelNames: ["traffic_policy", "ip_family"],
  });
  for (const family of families) {
    failures.inc(ofFamily(family), 0);
    partialFailures.inc(ofFamily(family), 0);
  }
  return {
    countRestoreFailure: (family: Family, scope: SyncScope) => {
      failures.inc(ofFamily(family));
      if (scope === "partial") partialFailures.inc(ofFamily(family));
    },
    setRuleCounts: (counts: RuleCounts) => {
      const labels = { table: counts.table, ...ofFamily(counts.family) };
      total.set(labels, counts.total);
      written.set(labels, counts.written);
    },
    setNoLocalEndpoints: (family: Family, policy: "internal" | "external", services: number) => {
      noLocal.set({ traffic_policy: policy, ...ofFamily(family) }, services);
    },
  };
}

function createProbe(registry: Registry, probe: "healthz" | "livez"): Counter<"code"> {
  return new Counter({
    ...named(registry, `proxy_${probe}_total`),
    help: `[ALPHA] Cumulative proxy ${probe} HTTP status`,
    labelNames: ["code"],
  });
}

function createPacketCounts(registry: Registry): KubeProxyMetrics["setPacketCounts"] {
  const unregistered = (name: string, help: string) =>
    new Counter({ name: `kubeproxy_${name}`, help: `[ALPHA] ${help}`, registers: [] });
  const invalid = unregistered(
    "iptables_ct_state_invalid_dropped_packets_total",
    "packets dropped by iptables to work around conntrack problems",
  );
  const localhost = unregistered(
    "iptables_localhost_nodeports_accepted_packets_total",
    "Number of packets accepted on nodeports of loopback interface",
  );
  const set = (counter: Counter, packets: number | undefined) => {
    if (packets === undefined) return;
    registry.registerMetric(counter);
    // A count read elsewhere is the whole value, and a Counter can only be added to.
    counter.reset();
    counter.inc(packets);
  };
  return ({ invalidDropped, localhostNodePortsAccepted }) => {
    set(invalid, invalidDropped);
    set(localhost, localhostNodePortsAccepted);
  };
}

function ofFamily(family: Family): { readonly ip_family: string } {
  return { ip_family: ipFamilyName(family) };
}

function named(registry: Registry, name: string): { name: string; registers: Registry[] } {
  return { name: `kubeproxy_${name}`, registers: [registry] };
}
