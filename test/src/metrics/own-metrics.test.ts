// Tests of src/metrics/own-metrics.ts, by what Prometheus would read.
import { expect, test } from "@jest/globals";
import { Registry } from "prom-client";
import { createOwnMetrics, type OwnMetrics } from "../../../src/metrics/own-metrics.ts";
import { readExposition, seriesOf } from "./exposition.ts";

async function after(record: (metrics: OwnMetrics) => void) {
  const registry = new Registry();
  record(createOwnMetrics(registry, "1.2.3"));
  return readExposition(await registry.metrics());
}

const aModel = {
  hash: "0123456789abcdef0123",
  resourceVersions: { services: "10", endpointslices: "20", nodes: "" },
  services: 3,
  endpoints: 7,
};

test("what was built is there from the start", async () => {
  const exposed = await after(() => undefined);
  expect(seriesOf(exposed, "rulewright_build_info")).toEqual({
    [`rulewright_build_info{node_version="${process.versions.node}",version="1.2.3"}`]: 1,
  });
  expect(seriesOf(exposed, "rulewright_watch_restarts_total")).toEqual({
    'rulewright_watch_restarts_total{resource="services"}': 0,
    'rulewright_watch_restarts_total{resource="endpointslices"}': 0,
    'rulewright_watch_restarts_total{resource="nodes"}': 0,
  });
});

test("what is recorded goes under its labels", async () => {
  const exposed = await after((metrics) => {
    metrics.countDrift({ family: 4, table: "nat", kind: "rewrite-chain", chains: 2 });
    metrics.countDrift({ family: 4, table: "nat", kind: "rewrite-chain", chains: 3 });
    metrics.countDrift({ family: 6, table: "filter", kind: "create-chain", chains: 1 });
    metrics.setQuarantinedServices(4);
    metrics.setRules(6, 900);
    metrics.countDrift({ family: 4, table: "ipvs", kind: "edit-real", chains: 1 });
    metrics.setVirtualServers(6, 30);
    metrics.setDraining(4, 2);
    metrics.setLastEvent("services", 55.5);
    metrics.countWatchRestart("nodes");
    metrics.countRefusedObject("EndpointSlice");
    metrics.observeQueued(0.3);
    metrics.setBackpressure(1.5);
  });
  expect(Object.fromEntries(exposed.series)).toMatchObject({
    'rulewright_drift_total{ip_family="IPv4",kind="rewrite-chain",table="nat"}': 5,
    'rulewright_drift_total{ip_family="IPv6",kind="create-chain",table="filter"}': 1,
    rulewright_quarantined_services: 4,
    'rulewright_rules{ip_family="IPv6"}': 900,
    'rulewright_drift_total{ip_family="IPv4",kind="edit-real",table="ipvs"}': 1,
    'rulewright_virtual_servers{ip_family="IPv6"}': 30,
    'rulewright_draining_real_servers{ip_family="IPv4"}': 2,
    'rulewright_watch_last_event_timestamp_seconds{resource="services"}': 55.5,
    'rulewright_watch_restarts_total{resource="nodes"}': 1,
    'rulewright_refused_objects_total{kind="EndpointSlice"}': 1,
    rulewright_sync_queued_duration_seconds_sum: 0.3,
    rulewright_sync_backpressure_seconds: 1.5,
  });
});

test("of the model only the last is told", async () => {
  const exposed = await after((metrics) => {
    metrics.setModel(aModel);
    metrics.setModel({ ...aModel, hash: "ffffffffffffffff", services: 2, endpoints: 0 });
  });
  expect(seriesOf(exposed, "rulewright_model_info")).toEqual({
    'rulewright_model_info{endpointslices_version="20",hash="ffffffffffffffff",nodes_version="",services_version="10"}': 1,
  });
  expect(exposed.series.get("rulewright_services")).toBe(2);
  expect(exposed.series.get("rulewright_endpoints")).toBe(0);
});

test("the hash as a number is its first 48 bits, exactly", async () => {
  const exposed = await after((metrics) => {
    metrics.setModel({ ...aModel, hash: "fffffffffffe1234" });
  });
  expect(exposed.series.get("rulewright_model_hash")).toBe(0xfffffffffffe);
});
