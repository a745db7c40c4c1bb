// Tests of src/http/metrics-server.ts: what kube-proxy's metrics port says.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { gunzipSync } from "node:zlib";
import { textAnswer } from "../../../src/http/answer.ts";
import { createGuard } from "../../../src/http/authorization.ts";
import { metricsRoutes, startMetricsServer } from "../../../src/http/metrics-server.ts";
import type { Running } from "../../../src/http/listen.ts";
import { createMetrics } from "../../../src/metrics/metrics.ts";
import { ask } from "./a-client.ts";

const plain = "text/plain; charset=utf-8";
let running: Running;

beforeAll(async () => {
  const metrics = createMetrics({ version: "1.2.3", families: [4, 6] });
  const told = { metrics, configz: () => ({ mode: "iptables", clusterCIDR: "10.0.0.0/8" }), proxyMode: "iptables" };
  const routes = [...metricsRoutes(told), { path: "/debug/state", answer: () => textAnswer(200, "state") }];
  const guard = createGuard({ authorize: undefined });
  running = await startMetricsServer({ at: { ip: "all", port: 0 }, routes, guard });
});
afterAll(() => running.stop());

describe.each(["127.0.0.1", "::1"])("over %s", (host) => {
  test.each([
    ["/healthz", 200, plain, "ok"],
    ["/healthz?verbose", 200, plain, "ok"],
    ["/proxyMode", 200, plain, "iptables"],
    ["/configz", 200, "application/json", '{"kubeproxy.config.k8s.io":{"mode":"iptables","clusterCIDR":"10.0.0.0/8"}}'],
    ["/debug/state", 200, plain, "state"],
    ["/", 404, plain, "404 page not found\n"],
    ["/livez", 404, plain, "404 page not found\n"],
  ])("%s is %d, %s", async (path, status, type, body) => {
    const got = await ask(running.port, path, { host });
    expect([got.status, got.headers["content-type"], got.text]).toEqual([status, type, body]);
    expect(got.headers["x-content-type-options"]).toBe("nosniff");
    expect((await ask(running.port, path, { host, method: "POST" })).status).toBe(405);
  });
});

test("/metrics is the exposition text, compressed for Prometheus", async () => {
  const got = await ask(running.port, "/metrics", { headers: { "Accept-Encoding": "gzip" } });
  expect(got.headers).toMatchObject({
    "content-type": "text/plain; version=0.0.4; charset=utf-8",
    "content-encoding": "gzip",
  });
  const lines = gunzipSync(got.body).toString().split("\n");
  expect(lines).toContain(`rulewright_build_info{version="1.2.3",node_version="${process.versions.node}"} 1`);
  expect(lines).toContain("# TYPE kubeproxy_sync_proxy_rules_duration_seconds histogram");
});
