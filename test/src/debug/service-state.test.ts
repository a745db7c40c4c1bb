// Tests of src/debug/service-state.ts.
import { expect, test } from "@jest/globals";
import { buildModel, buildRuleset, type Cluster } from "../../../rules/index.ts";
import { serviceState } from "../../../src/debug/service-state.ts";
import { aView } from "../../make/node.ts";
import { aCluster, aService, aSlice, gone, lingering } from "../../make/objects.ts";

const buildOf = (cluster: Cluster) => buildRuleset(buildModel(cluster, aView()));

test("says of each endpoint whether it is used, and if not why", () => {
  const endpoints = [
    { ip: "10.1.0.1" },
    { ip: "10.1.0.2", ready: false, serving: false },
    { ip: "10.1.0.3", ...lingering },
    { ip: "10.1.0.4", ...gone },
  ];
  const state = serviceState([buildOf(aCluster(aService(), aSlice({ endpoints })))], "default/web");
  expect(state).toMatchObject({
    name: "default/web",
    families: [
      {
        family: 4,
        ports: [
          {
            frontends: [{ kind: "cluster-ip", fates: [{ from: "anyone", verdict: "balance", endpoints: 1 }] }],
            endpoints: [
              { ip: "10.1.0.1", used: true },
              { ip: "10.1.0.2", used: false, because: "not ready" },
              { ip: "10.1.0.3", used: false, because: "terminating, and others are ready" },
              { ip: "10.1.0.4", used: false, because: expect.stringContaining("terminating") },
            ],
          },
        ],
        chains: [{ name: expect.stringMatching(/^KUBE-SVC-/) }],
      },
    ],
  });
});

test("a Service that only another family serves is told of that one; one that is not there of none", () => {
  const builds = [buildOf(aCluster(aService()))];
  expect(serviceState(builds, "default/other")).toBeUndefined();
  expect(serviceState([], "default/web")).toBeUndefined();
});
