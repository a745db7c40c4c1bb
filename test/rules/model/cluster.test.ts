// Tests of rules/model/cluster.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  buildCluster,
  emptyCluster,
  removeService,
  removeSlice,
  serviceKey,
  setService,
  setSlice,
} from "../../../rules/model/cluster.ts";
import { entries, get } from "../../../rules/radix/radix.ts";
import { clusterFrom, objects } from "../../make/arbitrary.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";

test("built at once or object by object in any order is the same", () => {
  fc.assert(
    fc.property(objects(20), fc.boolean(), (served, slicesFirst) => {
      let cluster = emptyCluster();
      for (const { service, slices } of [...served].reverse()) {
        if (!slicesFirst) cluster = setService(cluster, service);
        for (const slice of [...slices].reverse()) cluster = setSlice(cluster, slice);
        if (slicesFirst) cluster = setService(cluster, service);
      }
      expect(cluster).toEqual(clusterFrom(served));
    }),
    { numRuns: 50 },
  );
});

test("with everything removed again is empty", () => {
  fc.assert(
    fc.property(objects(20), fc.boolean(), (served, slicesFirst) => {
      let cluster = clusterFrom(served);
      for (const { service, slices } of served) {
        if (!slicesFirst) cluster = removeService(cluster, service.namespace, service.name);
        cluster = slices.reduce(removeSlice, cluster);
        if (slicesFirst) cluster = removeService(cluster, service.namespace, service.name);
      }
      expect(cluster).toEqual(emptyCluster());
    }),
    { numRuns: 50 },
  );
});

test("a change of one Service leaves all others the same objects", () => {
  const before = aCluster(...Array.from({ length: 50 }, (_, at) => aService({ name: `s${at}` })));
  const after = setSlice(before, aSlice({ service: "s7" }));
  const changed = [...entries(after)].filter(({ key, value }) => get(before, key) !== value).map(({ key }) => key);
  expect(changed).toEqual(["default/s7"]);
});

test("a slice of no Service is left out", () => {
  const slice = aSlice({ service: undefined });
  expect(buildCluster([], [slice])).toEqual(emptyCluster());
  expect([setSlice, removeSlice].map((change) => change(emptyCluster(), slice))).toEqual([
    emptyCluster(),
    emptyCluster(),
  ]);
});

test("slices stay when their Service goes, and wait for it to come", () => {
  const slice = aSlice();
  const alone = removeService(aCluster(aService(), slice), "default", "web");
  expect(get(alone, serviceKey("default", "web"))).toEqual({ slices: [slice] });
  expect(setService(alone, aService())).toEqual(aCluster(aService(), slice));
});

test("a slice that comes again takes the place of the one before", () => {
  const newer = aSlice({ endpoints: ["10.1.0.9"] });
  expect(setSlice(aCluster(aService(), aSlice()), newer)).toEqual(aCluster(aService(), newer));
});

test("removing what is not there changes nothing", () => {
  const cluster = aCluster(aService());
  expect(removeSlice(cluster, aSlice({ service: "other" }))).toEqual(cluster);
  expect(removeService(cluster, "default", "other")).toEqual(cluster);
});
