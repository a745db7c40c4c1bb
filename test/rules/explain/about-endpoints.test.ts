// Tests of rules/explain/about-endpoints.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { aboutEndpoints } from "../../../rules/explain/about-endpoints.ts";
import { servedPort } from "../../../rules/explain/lookup.ts";
import { servicePorts } from "../../../rules/model/model.ts";
import { clusters, views } from "../../make/arbitrary.ts";
import { aService, gone, lingering, type EndpointFields } from "../../make/objects.ts";
import { modelOf } from "../../make/node.ts";
import { aContext, ask, codesOf, endpoints } from "./a-context.ts";

test("counts never exceed what there is, and every verdict but a full balance has a reason", () => {
  fc.assert(
    fc.property(clusters(12), views(), (cluster, view) => {
      const model = modelOf(cluster, view);
      for (const { frontends } of servicePorts(model))
        for (const frontend of frontends) {
          const served = servedPort(model, frontend);
          if (served === undefined) throw new Error("bug: a frontend of the model is not in it");
          for (const { verdict } of frontend.fates) {
            const reasons = aboutEndpoints(served, verdict);
            if (verdict.kind !== "balance") expect(reasons).toHaveLength(1);
            for (const reason of reasons) {
              if ("left" in reason) expect(reason.left).toBeLessThan(reason.of);
              if ("total" in reason) {
                expect(reason.notReady + reason.terminating).toBeLessThanOrEqual(reason.total);
                expect(reason.notReady + reason.terminating).toBeGreaterThan(0);
              }
            }
          }
        }
    }),
    { numRuns: 50 },
  );
});

const codes = (...members: readonly (string | EndpointFields)[]) =>
  codesOf(ask("10.1.0.9", "svc/default/web", aContext([aService(), endpoints(...members)]))).filter(
    (code) => code !== "source-kept",
  );

test("all ready endpoints without hints need no words", () => {
  expect(codes("10.1.0.1", "10.1.0.2")).toEqual(["goes-to"]);
});

test("hints that all are for here need no words", () => {
  const hinted = (ip: string) => ({ ip, zoneHints: ["zone-a"] });
  expect(codes(hinted("10.1.0.1"), hinted("10.1.0.2"))).toEqual(["goes-to"]);
});

test("an endpoint that only terminates is told beside those that are used instead", () => {
  expect(codes({ ip: "10.1.0.1", ...lingering }, { ip: "10.1.0.2", ...gone })).toEqual([
    "terminating-used",
    "some-not-used",
    "goes-to",
  ]);
});

test("the Local policy with all endpoints here leaves all", () => {
  const context = aContext([
    aService({ internalTrafficPolicy: "Local" }),
    endpoints({ ip: "10.1.0.1", nodeName: "here" }),
  ]);
  expect(codesOf(ask("10.1.0.9", "svc/default/web", context))).toEqual(["source-kept", "goes-to"]);
});
