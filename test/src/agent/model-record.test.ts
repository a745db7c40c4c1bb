// Tests of src/agent/model-record.ts.
import { expect, test } from "@jest/globals";
import { createModelRecord } from "../../../src/agent/model-record.ts";
import { modelOf } from "../../make/node.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";

/** A record, and what the metrics were told. */
function aRecord() {
  const [models, dropped]: [object[], (string | number)[][]] = [[], []];
  const record = createModelRecord({
    surroundings: {
      metrics: {
        setModel: (model) => models.push(model),
        setNoLocalEndpoints: (...told) => dropped.push(told),
      },
    },
  });
  return { record, models, dropped };
}

const versions = { services: "1", endpointslices: "2", nodes: "3" };
const cluster = aCluster(aService(), aSlice({ endpoints: ["10.1.0.1", "10.1.0.2"] }));

test("the model is told once all families have it, and again only when it is another", () => {
  const { record, models } = aRecord();
  record.passed(modelOf(cluster));
  expect(models).toEqual([]);
  record.allPassed(cluster, versions);
  record.allPassed(cluster, { ...versions, services: "9" });
  const hash = expect.stringMatching(/^[0-9a-f]{16}$/);
  expect(models).toEqual([{ hash, resourceVersions: versions, services: 1, endpoints: 2 }]);
  record.passed(modelOf(aCluster()));
  record.allPassed(aCluster(), { ...versions, services: "10" });
  expect(models[1]).toEqual({
    ...{ hash: "0000000000000000", services: 0, endpoints: 0 },
    resourceVersions: { ...versions, services: "10" },
  });
});

test("Services without local endpoints are told by policy with each family's model", () => {
  const { record, dropped } = aRecord();
  record.passed(modelOf(aCluster(aService({ internalTrafficPolicy: "Local" }), aSlice())));
  expect(dropped).toEqual([
    [4, "internal", 1],
    [4, "external", 0],
  ]);
});
