// Tests of src/debug/status.ts.
import { describe, expect, test } from "@jest/globals";
import type { FamilyRecord, PassRecord } from "../../../src/agent/history.ts";
import { decodeStatus } from "../../../src/debug/status-shape.ts";
import { buildStatus, type StatusFacts } from "../../../src/debug/status.ts";
import { ipvsOf } from "../../make/ipvs.ts";
import { aView, buildOf } from "../../make/node.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";
import { before, noon } from "./a-status.ts";

const cluster = aCluster(
  aService({ name: "web", clusterIps: ["10.96.0.1"], ports: [80] }),
  aSlice({ name: "web-1", service: "web", endpoints: ["10.1.0.1", "10.1.0.2"] }),
  aService({ name: "idle", clusterIps: ["10.96.0.2"] }),
);
const seconds = (before: number) => noon - before * 1000;

function facts(fields: Partial<StatusFacts> = {}): StatusFacts {
  return {
    ...{
      node: "node-7",
      version: "0.1.0",
      mode: "iptables",
      variant: "nft",
      dryRun: false,
      server: "https://10.0.0.1:6443",
    },
    ...{ now: noon, startedAt: seconds(3600), standing: undefined, lastFailed: undefined, quarantined: new Map() },
    health: {
      healthy: true,
      lastUpdated: new Date(seconds(3)),
      families: [{ family: 4, healthy: true, lastUpdated: new Date(seconds(3)) }],
    },
    builds: [buildOf(cluster)],
    draining: 0,
    passes: [],
    notes: { rules: { 4: 21, 6: undefined }, drift: { chains: 0, lastAt: undefined } },
    watches: {},
    ...fields,
  };
}

function aFamily(fields: Partial<FamilyRecord> = {}): FamilyRecord {
  return { family: 4, scope: "partial", changes: 0, batches: 0, seconds: 0, result: "good", ...fields };
}

function aPass(fields: Partial<PassRecord> = {}): PassRecord {
  return {
    ...{ number: 1, kind: "pass", cause: "first pass", startedAt: seconds(9), seconds: 0.5, services: [] },
    families: [aFamily()],
    ...fields,
  };
}

test("is what the command reads", () => {
  const status = buildStatus(facts({ passes: [aPass()], quarantined: new Map([["a/b", "no"]]) }));
  expect(decodeStatus(JSON.parse(JSON.stringify(status)))).toEqual(status);
});

describe("families", () => {
  test("say what is in force, and since when", () => {
    expect(buildStatus(facts()).families).toEqual([
      { family: 4, healthy: true, lastGoodPassAt: before(3), services: 2, endpoints: 2, rules: 21 },
    ]);
  });

  test("are told where one was never written and is overdue", () => {
    const health = {
      ...{ healthy: false, lastUpdated: undefined },
      families: [{ family: 6 as const, healthy: false, lastUpdated: undefined }],
    };
    const { healthy, families } = buildStatus(facts({ builds: [], health }));
    expect([healthy, families]).toEqual([false, [{ family: 6, healthy: false, services: 0, endpoints: 0 }]]);
  });

  test("count an endpoint once where it serves the cluster and this node, and each of one kind", () => {
    const local = { ip: "10.1.0.1", nodeName: "here" };
    const service = aService({
      ...{ type: "NodePort", externalTrafficPolicy: "Local", clusterIps: ["10.96.0.1"] },
      ports: [{ port: 80, nodePort: 30080 }],
    });
    const build = buildOf(aCluster(service, aSlice({ endpoints: [local, "10.1.0.2"] })), aView());
    const [port] = build.model.services.kind === "leaf" ? (build.model.services.entries[0]?.value.ports ?? []) : [];
    expect([port?.clusterEndpoints.length, port?.localEndpoints.length]).toEqual([2, 1]);
    expect(buildStatus(facts({ builds: [build] })).families[0]?.endpoints).toBe(2);
  });

  test("count anew what changed", () => {
    const other = buildOf(aCluster(aService(), aSlice({ endpoints: ["10.1.0.1"] })));
    const count = (builds: StatusFacts["builds"]) => buildStatus(facts({ builds })).families[0]?.endpoints;
    const { builds } = facts();
    expect([count(builds), count([other]), count(builds)]).toEqual([2, 1, 2]);
  });
});

describe("the last pass", () => {
  test("is the newest that is no repair, all families taken together", () => {
    const passes = [
      aPass({ number: 3, kind: "repair" }),
      aPass({ number: 2, cause: "1 Service changed", families: [aFamily({ changes: 2 }), aFamily({ changes: 3 })] }),
      aPass(),
    ];
    expect(buildStatus(facts({ passes })).lastPass).toEqual({
      ...{ number: 2, at: before(9), cause: "1 Service changed", changes: 5, seconds: 0.5, good: true },
    });
  });

  test("is not good where one family failed", () => {
    const families = [aFamily(), aFamily({ family: 6, result: "failed" })];
    expect(buildStatus(facts({ passes: [aPass({ families })] })).lastPass?.good).toBe(false);
  });

  test("is absent where there was none", () => {
    expect(buildStatus(facts())).not.toHaveProperty("lastPass");
  });
});

describe("the last failure", () => {
  const batch = (at: number) => ({ at: seconds(at), family: 4 as const, message: "batch", script: "" });
  const pass = (at: number) =>
    aPass({
      startedAt: seconds(at),
      families: [aFamily(), aFamily({ family: 6, result: "failed", message: "pass" })],
    });
  test.each([
    ["none", undefined, undefined, undefined],
    ["a refused batch", batch(5), undefined, { at: before(5), family: 4, message: "batch" }],
    ["a refused batch rather than its pass", batch(5), pass(6), { at: before(5), family: 4, message: "batch" }],
    ["a later pass that failed otherwise", batch(5), pass(4), { at: before(4), family: 6, message: "pass" }],
    ["a pass that failed, with no batch refused", undefined, pass(4), { at: before(4), family: 6, message: "pass" }],
  ])("is %s", (_, lastFailed, failed, expected) => {
    const passes = failed === undefined ? [aPass()] : [aPass(), failed];
    expect(buildStatus(facts({ lastFailed, passes })).lastFailure).toEqual(expected);
  });
});

test("names the first five quarantined Services, and counts all", () => {
  const quarantined = new Map(["a", "b", "c", "d", "e", "f", "g"].map((name) => [`x/${name}`, `no ${name}`]));
  const told = buildStatus(facts({ quarantined })).quarantined;
  expect(told.count).toBe(7);
  expect(told.first.map(({ service }) => service)).toEqual(["x/a", "x/b", "x/c", "x/d", "x/e"]);
  expect(told.first[0]?.message).toBe("no a");
});

test.each([
  [undefined, true],
  [{ deleting: false, taints: [] }, true],
  [{ deleting: true, taints: [] }, false],
])("of the Node %j load balancers may send here: %p", (standing, eligible) => {
  expect(buildStatus(facts({ standing })).eligible).toBe(eligible);
});

test("says what was noted", () => {
  const drift = { chains: 3, lastAt: seconds(60) };
  const status = buildStatus(facts({ notes: { ...facts().notes, drift } }));
  expect(status.drift).toEqual({ chains: 3, lastAt: before(60) });
});

test("says how each watch goes, but for what the server has not", () => {
  const stats = {
    lists: 1,
    watches: 1,
    failures: 3,
    failing: true,
    refusals: 9,
    resourceVersion: undefined,
    objects: 7,
    refused: 2,
  };
  const status = buildStatus(
    facts({
      watches: {
        services: { ...stats, lastEventAt: seconds(2), served: true },
        endpointslices: { ...stats, lastEventAt: undefined, served: true },
        servicecidrs: { ...stats, lastEventAt: undefined, served: false },
      },
    }),
  );
  expect(status.api).toEqual({
    server: "https://10.0.0.1:6443",
    watches: {
      services: { lastEventAt: before(2), objects: 7, refused: 2, failures: 3, failing: true },
      endpointslices: { objects: 7, refused: 2, failures: 3, failing: true },
    },
  });
});

test("in IPVS mode virtual servers are counted, and what drains", () => {
  const { state, node, model } = ipvsOf(cluster);
  const { ruleset } = state;
  const status = buildStatus(facts({ mode: "ipvs", builds: [{ model, ruleset, ipvs: { state, node } }], draining: 3 }));
  expect(status).toMatchObject({ mode: "ipvs", draining: 3, families: [{ family: 4, virtualServers: 1 }] });
  expect(buildStatus(facts())).not.toHaveProperty("draining");
});
