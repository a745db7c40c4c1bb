// Tests of src/debug/debug-routes.ts, through the table of routes.
import { expect, test } from "@jest/globals";
import { buildModel, buildRuleset, emptyRuleset, renderRuleset } from "../../../rules/index.ts";
import { createHistory } from "../../../src/agent/history.ts";
import type { LastChange } from "../../../src/agent/last-changes.ts";
import { debugRoutes } from "../../../src/debug/debug-routes.ts";
import { createGuard } from "../../../src/http/authorization.ts";
import { routeHandler } from "../../../src/http/routes.ts";
import { createFakeKernel } from "../../../src/kernel/fake.ts";
import { applyState } from "../../../src/ipvs/apply-state.ts";
import { apply } from "../../../src/kernel/apply.ts";
import { aFakeIpvsKernel } from "../../make/fake-ipvs-kernel.ts";
import { ipvsOf } from "../../make/ipvs.ts";
import { aView } from "../../make/node.ts";
import { aCidr, aCluster, anIp, aService, aSlice } from "../../make/objects.ts";

const build = buildRuleset(buildModel(aCluster(aService(), aSlice({ endpoints: ["10.1.0.1"] })), aView()));
const node = { localIps: [anIp("192.168.0.2")], interfaces: [], routeLocalnet: true };

const change: LastChange = {
  ...{ kind: "Service", object: "default/web", isGone: false, resourceVersion: 5 },
  ...{ triggeredAt: undefined, receivedAt: 0, pass: undefined },
};

/** A client on this host asks an agent whose kernel holds `ruleset`. */
async function ask(target: string, { ruleset = build.ruleset, remoteAddress = "127.0.0.1" } = {}) {
  const kernel = createFakeKernel();
  await apply(kernel, ruleset);
  const history = createHistory();
  history.failed({ at: 0, family: 4, message: "refused", script: "" });
  const routes = debugRoutes({
    ...{ builds: () => [build], kernel, node: () => node, history },
    lastChange: (service) => (service === "default/web" ? change : undefined),
    quarantined: () => new Map([["default/web", "bad line"]]),
    serviceCidrs: () => [aCidr("10.96.0.0/16")],
  });
  const [path = "", query = ""] = target.split("?");
  const request = { method: "GET", path, query: new URLSearchParams(query), token: undefined, remoteAddress };
  const { status, body } = await routeHandler(routes, createGuard({ authorize: undefined }))(request);
  return { status, body: String(body) };
}

test("/debug/plan is what is in force as the agent holds it", async () => {
  expect(await ask("/debug/plan")).toEqual({
    status: 200,
    body: `# for iptables-restore --noflush\n${renderRuleset(build.ruleset)}`,
  });
});

test("/debug/rules is what the kernel has", async () => {
  const { body } = await ask("/debug/rules");
  expect(body).toContain("--to-destination 10.1.0.1:80");
  expect((await ask("/debug/rules", { ruleset: emptyRuleset(4) })).body).not.toContain("10.1.0.1");
});

test("/debug/diff is what the two differ in", async () => {
  expect(await ask("/debug/diff")).toEqual({ status: 200, body: "IPv4: no change\n" });
  expect((await ask("/debug/diff", { ruleset: emptyRuleset(4) })).body).toMatch(/^IPv4: \d+ chains created/);
});

test("/debug/services/NAMESPACE/NAME is one Service", async () => {
  const { status, body } = await ask("/debug/services/default/web");
  expect(status).toBe(200);
  expect(JSON.parse(body)).toMatchObject({
    ...{ name: "default/web", lastChange: { object: "Service default/web" } },
    notes: [expect.stringContaining("bad line")],
  });
  expect((await ask("/debug/services/default/other")).status).toBe(404);
});

test("/debug/history is what the agent did last", async () => {
  const { status, body } = await ask("/debug/history");
  expect([status, JSON.parse(body)]).toMatchObject([200, { passes: [], lastFailedBatch: { message: "refused" } }]);
});

test("/debug/explain follows a packet", async () => {
  const { status, body } = await ask("/debug/explain?from=10.1.0.9&to=svc/default/web");
  expect([status, body]).toEqual([200, expect.stringContaining("10.1.0.1:80")]);
});

test.each([
  ["from=nobody&to=svc/default/web", 400],
  ["from=node&to=there", 400],
  ["", 400],
  ["from=node&to=svc/default/other", 404],
])("/debug/explain?%s is refused", async (query, status) => {
  expect((await ask(`/debug/explain?${query}`)).status).toBe(status);
});

test("off the loopback nobody sees any of it without being let in", async () => {
  for (const path of ["/debug/plan", "/debug/rules", "/debug/diff", "/debug/history", "/debug/services/default/web"])
    expect((await ask(path, { remoteAddress: "192.0.2.9" })).status).toBe(403);
});

test("in IPVS mode they are about sets, addresses and virtual servers too", async () => {
  const { state, node: ipvsNode, model } = ipvsOf(aCluster(aService(), aSlice({ endpoints: ["10.1.0.1"] })));
  const ipvs = await aFakeIpvsKernel();
  await applyState(ipvs, state, { drained: "idle", excludeCidrs: [] });
  const routes = debugRoutes({
    ...{ builds: () => [{ model, ruleset: state.ruleset, ipvs: { state, node: ipvsNode } }] },
    ...{ kernel: ipvs.rules, ipvs, node: () => node, history: createHistory(), lastChange: () => undefined },
    ...{ quarantined: () => new Map<string, string>(), serviceCidrs: () => [] },
  });
  const get = async (target: string) => {
    const [path = "", query = ""] = target.split("?");
    const asked = { method: "GET", path, query: new URLSearchParams(query), token: undefined, remoteAddress: "::1" };
    return String((await routeHandler(routes, createGuard({ authorize: undefined }))(asked)).body);
  };
  const plan = await get("/debug/plan");
  expect(plan).toMatch(/^# for ipset restore\ncreate KUBE-/);
  expect(plan).toMatch(
    /# for ipvsadm --restore\n-A -t 10\.96\.0\.1:80 -s rr\n-a -t 10\.96\.0\.1:80 -r 10\.1\.0\.1:8080 -m -w 1\n$/,
  );
  expect(await get("/debug/rules")).toMatch(/-A -t 10\.96\.0\.1:80 -s rr\n-a -t /);
  expect(await get("/debug/diff")).toBe("IPv4: no change\n");
  expect(JSON.parse(await get("/debug/services/default/web"))).toMatchObject({
    families: [
      {
        virtualServers: [{ ip: "10.96.0.1", protocol: "TCP", port: 80, scheduler: "rr", servers: ["10.1.0.1:8080"] }],
        setEntries: expect.arrayContaining([{ set: "KUBE-CLUSTER-IP", entry: "10.96.0.1,tcp:80" }]),
      },
    ],
  });
  expect(await get("/debug/explain?from=10.1.0.9&to=svc/default/web")).toContain("10.1.0.1:8080");
});
