// Tests of src/debug/service-state.ts.
import { expect, test } from "@jest/globals";
import { buildModel, buildRuleset, type Cluster } from "../../../rules/index.ts";
import type { LastChange } from "../../../src/agent/last-changes.ts";
import { serviceState, type ServiceKnowledge } from "../../../src/debug/service-state.ts";
import { aView } from "../../make/node.ts";
import { aCidr, aCluster, aService, aSlice, gone, lingering, type EndpointFields } from "../../make/objects.ts";

const buildOf = (cluster: Cluster) => buildRuleset(buildModel(cluster, aView()));
const nothing: ServiceKnowledge = { lastChange: undefined, quarantined: undefined, serviceCidrs: [] };

test("says of each endpoint whether it is used, and why", () => {
  const endpoints = [
    { ip: "10.1.0.1" },
    { ip: "10.1.0.2", ready: false, serving: false },
    { ip: "10.1.0.3", ...lingering },
    { ip: "10.1.0.4", ...gone },
  ];
  const state = serviceState([buildOf(aCluster(aService(), aSlice({ endpoints })))], "default/web", nothing);
  expect(state).toMatchObject({
    name: "default/web",
    families: [
      {
        family: 4,
        ports: [
          {
            frontends: [{ kind: "cluster-ip", fates: [{ from: "anyone", verdict: "balance", endpoints: 1 }] }],
            endpoints: [
              { ip: "10.1.0.1", used: true, because: "ready" },
              { ip: "10.1.0.2", used: false, because: "not ready" },
              { ip: "10.1.0.3", used: false, because: "terminating, and others are ready" },
              { ip: "10.1.0.4", used: false, because: expect.stringContaining("terminating") },
            ],
          },
        ],
        chains: expect.arrayContaining([{ name: expect.stringMatching(/^KUBE-SVC-/), rules: expect.anything() }]),
      },
    ],
  });
});

const local = { internalTrafficPolicy: "Local" } as const;
test.each<[string, Parameters<typeof aService>[0], readonly EndpointFields[], readonly [boolean, string][]]>([
  ["it alone is left", {}, [{ ip: "10.1.0.1", ...lingering }], [[true, "terminating but serving, and none is ready"]]],
  [
    "hints give it to another zone",
    {},
    [
      { ip: "10.1.0.1", zoneHints: ["zone-a"] },
      { ip: "10.1.0.2", zoneHints: ["zone-b"] },
    ],
    [
      [true, "ready"],
      [false, "topology hints leave it to other nodes"],
    ],
  ],
  [
    "it is not here",
    local,
    [
      { ip: "10.1.0.1", nodeName: "here" },
      { ip: "10.1.0.2", nodeName: "there" },
    ],
    [
      [true, "ready"],
      [false, "on another node, and the traffic policy is Local"],
    ],
  ],
  [
    "none is ready, and it is not here",
    local,
    [
      { ip: "10.1.0.1", nodeName: "here", ...lingering },
      { ip: "10.1.0.2", nodeName: "there", ...lingering },
    ],
    [
      [true, "terminating but serving, and none is ready"],
      [false, "on another node, and the traffic policy is Local"],
    ],
  ],
])("an endpoint is used or not because %s", (_, service, endpoints, expected) => {
  const state = serviceState([buildOf(aCluster(aService(service), aSlice({ endpoints })))], "default/web", nothing);
  const told = expected.map(([used, because]) => ({ used, because }));
  expect(state).toMatchObject({ families: [{ ports: [{ endpoints: told }] }] });
});

test("has the Service's rules in chains that serve others too, and nobody else's", () => {
  const others = [
    aService({ name: "web-2", clusterIps: ["10.96.0.2"] }),
    aService({ name: "we", clusterIps: ["10.96.0.3"] }),
  ];
  const cluster = aCluster(aService(), aSlice(), ...others);
  const state = serviceState([buildOf(cluster)], "default/web", nothing) as {
    readonly families: readonly { readonly sharedRules: readonly { readonly rule: string }[] }[];
  };
  const rules = state.families.flatMap(({ sharedRules }) => sharedRules.map(({ rule }) => rule));
  expect(rules.filter((rule) => rule.includes("-d 10.96.0.1/32"))).not.toEqual([]);
  expect(rules.filter((rule) => /10\.96\.0\.[23]/.test(rule))).toEqual([]);
  const without = serviceState([buildOf(aCluster(aService()))], "default/web", nothing);
  expect(without).toMatchObject({
    families: [{ sharedRules: [{ table: "filter", rule: expect.stringContaining("REJECT") }] }],
  });
});

const change: LastChange = {
  ...{ kind: "EndpointSlice", object: "default/web-1", isGone: false, resourceVersion: 77 },
  ...{ triggeredAt: 1000, receivedAt: 1030, pass: { beganAt: 1034, endedAt: 1100 } },
};
test.each<[string, Partial<LastChange>, object]>([
  [
    "each step where all is known",
    {},
    { resourceVersion: "77", triggerToArrivalMs: 30, arrivalToPassMs: 4, passToKernelMs: 66 },
  ],
  [
    "what is known of one without trigger",
    { triggeredAt: undefined, resourceVersion: undefined },
    { arrivalToPassMs: 4, passToKernelMs: 66 },
  ],
  ["that it waits", { pass: undefined }, { resourceVersion: "77", triggerToArrivalMs: 30, waits: true }],
  [
    "that an object is gone",
    { isGone: true, resourceVersion: undefined, triggeredAt: undefined },
    { gone: true, arrivalToPassMs: 4, passToKernelMs: 66 },
  ],
])("of the last change it says %s", (_, fields, expected) => {
  const known = { ...nothing, lastChange: { ...change, ...fields } };
  const state = serviceState([buildOf(aCluster(aService()))], "default/web", known);
  expect(state).toHaveProperty("lastChange", {
    ...{ object: "EndpointSlice default/web-1", arrivedAt: "1970-01-01T00:00:01.030Z" },
    ...expected,
  });
});

const both = { clusterIps: ["10.96.0.1", "fd00:96::1"] };
test.each<[string, Parameters<typeof aService>[0], Partial<ServiceKnowledge>, readonly RegExp[]]>([
  ["nothing", both, {}, []],
  ["that the kernel refuses it", both, { quarantined: "bad line" }, [/refuses .*: bad line$/]],
  [
    "nothing where its addresses are the cluster's",
    both,
    { serviceCidrs: [aCidr("10.96.0.0/16"), aCidr("fd00:96::/108")] },
    [],
  ],
  [
    "which address is not the cluster's",
    both,
    { serviceCidrs: [aCidr("10.96.0.0/16")] },
    [/^cluster IP fd00:96::1 is in none/],
  ],
])("notes %s", (_, fields, known, expected) => {
  const state = serviceState([buildOf(aCluster(aService(fields)))], "default/web", { ...nothing, ...known });
  const notes = (state as { readonly notes?: readonly string[] }).notes ?? [];
  expect(notes).toEqual(expected.map((each) => expect.stringMatching(each)));
});

test("a Service that is not there is told of by none", () => {
  const builds = [buildOf(aCluster(aService()))];
  expect(serviceState(builds, "default/other", nothing)).toBeUndefined();
  expect(serviceState([], "default/web", nothing)).toBeUndefined();
});
