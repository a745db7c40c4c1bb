// Tests of src/agent/fingerprint.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { buildCluster, setSlice, type Cluster } from "../../../rules/index.ts";
import { values } from "../../../rules/radix/radix.ts";
import { emptyFingerprint, fingerprintOf, renderFingerprint } from "../../../src/agent/fingerprint.ts";
import { histories } from "../../make/arbitrary.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";

const hashOf = (cluster: Cluster, from = emptyFingerprint()) => renderFingerprint(fingerprintOf(cluster, from));

/** The cluster as another node would have it: equal objects, none of them the same, put together at once. */
function copied(cluster: Cluster): Cluster {
  const held = structuredClone(values(cluster));
  const services = held.flatMap(({ service }) => (service === undefined ? [] : [service]));
  return buildCluster(
    services.reverse(),
    held.flatMap(({ slices }) => slices),
  );
}

test("is that of the cluster alone, whatever the way to it", () => {
  fc.assert(
    fc.property(histories(16), (clusters) => {
      let fingerprint = emptyFingerprint();
      for (const cluster of clusters) {
        fingerprint = fingerprintOf(cluster, fingerprint);
        expect(renderFingerprint(fingerprint)).toBe(hashOf(copied(cluster)));
      }
    }),
  );
});

test("the empty cluster's is zeros, also after there was something", () => {
  const full = fingerprintOf(aCluster(aService(), aSlice()), emptyFingerprint());
  expect(hashOf(aCluster(), full)).toBe("0000000000000000");
  expect(renderFingerprint(full)).toMatch(/^[0-9a-f]{16}$/);
});

const [web, slice] = [aService({ selector: { app: "web", tier: "a" } }), aSlice({ endpoints: ["10.1.0.1"] })];
test.each<[string, Cluster]>([
  ["another port", aCluster({ ...web, ...aService({ ports: [81] }), selector: web.selector }, slice)],
  ["another endpoint", aCluster(web, aSlice({ endpoints: ["10.1.0.2"] }))],
  ["an endpoint that is not ready", aCluster(web, aSlice({ endpoints: [{ ip: "10.1.0.1", ready: false }] }))],
  ["one slice more", setSlice(aCluster(web, slice), { ...slice, name: "web-2" })],
  ["no slice", aCluster(web)],
  ["no Service", aCluster(slice)],
])("is another with %s", (_, cluster) => {
  expect(hashOf(cluster)).not.toBe(hashOf(aCluster(web, slice)));
});

test("does not depend on the order in which the server writes a selector", () => {
  const turned = { ...web, selector: { tier: "a", app: "web" } };
  expect(hashOf(aCluster(turned, slice))).toBe(hashOf(aCluster(web, slice)));
});
