// The metrics that kube-proxy has not, under `rulewright_`. In: a registry, what was built. Out: functions that record.
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { Family, TableName } from "../../rules/index.ts";
import { syncBuckets } from "./buckets.ts";
import { ipFamilyName } from "./ip-family.ts";

/** A table of rules; in IPVS mode also sets, the dummy device and virtual servers. */
export type DriftPlace = TableName | "ipset" | "address" | "ipvs";

/** What in the kernel is not as it was written. */
export type Drift = {
  readonly family: Family;
  readonly table: DriftPlace;
  /** Of a short fixed list, such as the kinds of `Change`: each value is a series. */
  readonly kind: string;
  /** Chains and jumps, or single entries, addresses, servers. */
  readonly chains: number;
};

/** Which state of the cluster the rules in force were made from. */
export type ModelState = {
  /** Hexadecimal; equal on nodes that know the same. At least 12 digits. */
  readonly hash: string;
  /** Of the last list or event, by resource as the API spells it; "" where none came yet. */
  readonly resourceVersions: Readonly<Record<WatchedResource, string>>;
  readonly services: number;
  readonly endpoints: number;
};

/** What is watched, as the API spells it. */
export type WatchedResource = (typeof watchedResources)[number];
export const watchedResources = ["services", "endpointslices", "nodes"] as const;

/** Rulewright's own metrics. */
export type OwnMetrics = {
  readonly countDrift: (drift: Drift) => void;
  /** Services left out because the kernel's tools refuse their rules. */
  readonly setQuarantinedServices: (services: number) => void;
  /** Replaces what was said of the model before, so that there is always one such series. */
  readonly setModel: (model: ModelState) => void;
  /** Rules in force that are ours, in all tables. */
  readonly setRules: (family: Family, rules: number) => void;
  /** In IPVS mode only, as the next. Virtual servers that are wanted. */
  readonly setVirtualServers: (family: Family, servers: number) => void;
  /** Real servers that only wait for the end of their connections. */
  readonly setDraining: (family: Family, servers: number) => void;
  /** A list, event or bookmark came. `atSeconds` is Unix time. */
  readonly setLastEvent: (resource: WatchedResource, atSeconds: number) => void;
  /** A watch ended and was begun anew. */
  readonly countWatchRestart: (resource: WatchedResource) => void;
  /** An object that could not be decoded. `kind` is the API's: `Service`, `EndpointSlice`, `Node`. */
  readonly countRefusedObject: (kind: string) => void;
  /** How long the oldest change of a sync had waited when the sync began. */
  readonly observeQueued: (durationSeconds: number) => void;
  /** How long the next sync is held back, because the last ones took long; 0 where it is not. */
  readonly setBackpressure: (seconds: number) => void;
};

/** Makes the metrics in `registry`. `rulewright_build_info` is set once, here. */
export function createOwnMetrics(registry: Registry, version: string): OwnMetrics {
  const gauge = <T extends string = never>(name: string, help: string, labelNames: readonly T[] = []) =>
    new Gauge<T>({ ...named(registry, name), help, labelNames });
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Counter<T>({ ...named(registry, name), help, labelNames });

  gauge("build_info", "Always 1; the version is in the labels", ["version", "node_version"]).set(
    { version, node_version: process.versions.node },
    1,
  );
  const drift = counter(
    "drift_total",
    "Chains, set entries, addresses and virtual servers found changed by others, and repaired",
    ["table", "kind", "ip_family"],
  );
  const quarantined = gauge("quarantined_services", "Services left out because the kernel's tools refuse their rules");
  const rules = gauge("rules", "Rules in force that are ours", ["ip_family"]);
  const servers = gauge("virtual_servers", "Virtual servers in force that are ours, in mode ipvs", ["ip_family"]);
  const draining = gauge("draining_real_servers", "Real servers that wait for the end of their connections", [
    "ip_family",
  ]);
  const lastEvent = gauge("watch_last_event_timestamp_seconds", "When a watch last brought anything", ["resource"]);
  const restarts = counter("watch_restarts_total", "Watches that ended and were begun anew", ["resource"]);
  const refused = counter("refused_objects_total", "Objects that could not be decoded", ["kind"]);
  const backpressure = gauge("sync_backpressure_seconds", "How long the next sync is held back after slow ones");
  const queued = new Histogram({
    ...named(registry, "sync_queued_duration_seconds"),
    help: "How long the oldest change of a sync had waited when the sync began",
    buckets: [...syncBuckets],
  });
  for (const resource of watchedResources) restarts.inc({ resource }, 0);
  return {
    countDrift: ({ family, table, kind, chains }) => {
      drift.inc({ table, kind, ip_family: ipFamilyName(family) }, chains);
    },
    setQuarantinedServices: (services) => {
      quarantined.set(services);
    },
    setModel: createModel(registry),
    setRules: (family, count) => {
      rules.set({ ip_family: ipFamilyName(family) }, count);
    },
    setVirtualServers: (family, count) => {
      servers.set({ ip_family: ipFamilyName(family) }, count);
    },
    setDraining: (family, count) => {
      draining.set({ ip_family: ipFamilyName(family) }, count);
    },
    setLastEvent: (resource, atSeconds) => {
      lastEvent.set({ resource }, atSeconds);
    },
    countWatchRestart: (resource) => {
      restarts.inc({ resource });
    },
    countRefusedObject: (kind) => {
      refused.inc({ kind });
    },
    observeQueued: (durationSeconds) => {
      queued.observe(durationSeconds);
    },
    setBackpressure: (seconds) => {
      backpressure.set(seconds);
    },
  };
}

function createModel(registry: Registry): OwnMetrics["setModel"] {
  const info = new Gauge({
    ...named(registry, "model_info"),
    help: "Always 1; what the rules in force were made from is in the labels",
    labelNames: ["hash", "services_version", "endpointslices_version", "nodes_version"],
  });
  const hash = new Gauge({
    ...named(registry, "model_hash"),
    help: "First 48 bits of the hash of what the rules in force were made from; nodes that differ know different things",
  });
  const services = new Gauge({ ...named(registry, "services"), help: "Services that rules were made for" });
  const endpoints = new Gauge({ ...named(registry, "endpoints"), help: "Endpoints of those Services, ready or not" });
  return (model) => {
    info.reset();
    info.set(
      {
        hash: model.hash,
        services_version: model.resourceVersions.services,
        endpointslices_version: model.resourceVersions.endpointslices,
        nodes_version: model.resourceVersions.nodes,
      },
      1,
    );
    hash.set(parseInt(model.hash.slice(0, 12), 16));
    services.set(model.services);
    endpoints.set(model.endpoints);
  };
}

function named(registry: Registry, name: string): { name: string; registers: Registry[] } {
  return { name: `rulewright_${name}`, registers: [registry] };
}
