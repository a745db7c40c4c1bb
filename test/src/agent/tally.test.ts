// Tests of src/agent/tally.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { buildModel, type Cluster, type Model } from "../../../rules/index.ts";
import { entries, values } from "../../../rules/radix/radix.ts";
import { createTally } from "../../../src/agent/tally.ts";
import { histories } from "../../make/arbitrary.ts";
import { aView, modelOf } from "../../make/node.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";

/** Counted from nothing. */
function counted(models: readonly Model[]) {
  const names = models.flatMap(({ services }) => [...entries(services)].map(({ key }) => key));
  const endpoints = models.flatMap(({ services, cluster, view }) =>
    [...entries(cluster)]
      .filter(({ key }) => values(services).some((service) => service.key === key))
      .flatMap(({ value }) => value.slices)
      .filter(({ addressType }) => addressType === `IPv${view.family}`)
      .flatMap((slice) => slice.endpoints),
  );
  return { services: new Set(names).size, endpoints: endpoints.length };
}

test("Services and endpoints are counted as a full count would, after any history, in both families", () => {
  const views = ([4, 6] as const).map((family) => aView({ family }));
  const other = aView({ settings: { masqueradeAll: true } });
  fc.assert(
    fc.property(histories(12), fc.nat(8), (clusters, turn) => {
      const tally = createTally();
      let models: Model[] = [];
      for (const [at, cluster] of clusters.entries()) {
        models = views.map((view, which) =>
          buildModel(cluster, at === turn && which === 0 ? other : view, models[which]),
        );
        for (const model of models) tally.passed(model);
        expect({ services: tally.services(), endpoints: tally.endpoints() }).toEqual(counted(models));
      }
    }),
  );
});

const local = { type: "NodePort", ports: [{ port: 80, nodePort: 30080 }] } as const;
const [here, there] = ["here", "there"].map((nodeName) => aSlice({ endpoints: [{ ip: "10.1.0.1", nodeName }] }));
test.each<[string, Cluster, { readonly internal: number; readonly external: number }]>([
  ["Cluster, and endpoints elsewhere", aCluster(aService(local), there ?? aSlice()), { internal: 0, external: 0 }],
  [
    "internal Local, and endpoints elsewhere",
    aCluster(aService({ internalTrafficPolicy: "Local" }), there ?? aSlice()),
    { internal: 1, external: 0 },
  ],
  [
    "external Local, and endpoints elsewhere",
    aCluster(aService({ ...local, externalTrafficPolicy: "Local" }), there ?? aSlice()),
    { internal: 0, external: 1 },
  ],
  [
    "both Local, and endpoints elsewhere",
    aCluster(aService({ ...local, internalTrafficPolicy: "Local", externalTrafficPolicy: "Local" }), there ?? aSlice()),
    { internal: 1, external: 1 },
  ],
  [
    "both Local, and an endpoint here",
    aCluster(aService({ ...local, internalTrafficPolicy: "Local", externalTrafficPolicy: "Local" }), here ?? aSlice()),
    { internal: 0, external: 0 },
  ],
  [
    "both Local, and no endpoint anywhere",
    aCluster(aService({ ...local, internalTrafficPolicy: "Local", externalTrafficPolicy: "Local" })),
    { internal: 0, external: 0 },
  ],
])("Service ports without local endpoints are counted: policy %s", (_, cluster, expected) => {
  const tally = createTally();
  tally.passed(modelOf(cluster));
  expect(tally.noLocalEndpoints(4)).toEqual(expected);
  expect(tally.noLocalEndpoints(6)).toEqual({ internal: 0, external: 0 });
  tally.passed(modelOf(aCluster()));
  expect(tally.noLocalEndpoints(4)).toEqual({ internal: 0, external: 0 });
});
