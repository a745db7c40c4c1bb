// Tests of src/agent/objects.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { EndpointSlice } from "../../../rules/decode/endpoint-slice.ts";
import type { Service } from "../../../rules/decode/service.ts";
import { entries } from "../../../rules/radix/radix.ts";
import { createObjects, type Objects } from "../../../src/agent/objects.ts";
import type { ObjectChange } from "../../../src/watch/intake.ts";
import { aCidr, aCluster, aService, aSlice, anIp } from "../../make/objects.ts";

const set = <T extends { readonly namespace: string; readonly name: string }>(object: T, triggeredAt?: number) => ({
  kind: "set" as const,
  ...{ key: `${object.namespace}/${object.name}`, version: 7, receivedAt: 100 },
  object,
  ...(triggeredAt === undefined ? {} : { triggeredAt }),
});
const gone = (key: string) => ({ kind: "gone" as const, key, receivedAt: 200 });

/** The cluster as plain data. */
const held = (objects: Objects) => [...entries(objects.cluster())];
const heldOf = (...given: (Service | EndpointSlice)[]) => [...entries(aCluster(...given))];

const web = aService();
const shop = aService({ name: "shop", clusterIps: ["10.96.0.2"] });
const slice = aSlice({ name: "s" });

describe("the cluster is what the last news of each object says", () => {
  type News = { readonly services?: ObjectChange<Service>[]; readonly slices?: ObjectChange<EndpointSlice>[] };
  test.each<[string, readonly News[], readonly (Service | EndpointSlice)[]]>([
    ["nothing", [], []],
    ["a Service and its slice", [{ services: [set(web)] }, { slices: [set(slice)] }], [web, slice]],
    ["the slice first", [{ slices: [set(slice)] }, { services: [set(web)] }], [web, slice]],
    ["a Service that changes", [{ services: [set(web), set(aService({ ports: [81] }))] }], [aService({ ports: [81] })]],
    [
      "a Service that goes keeps its slice",
      [{ services: [set(web)], slices: [set(slice)] }, { services: [gone("default/web")] }],
      [slice],
    ],
    ["a slice that goes", [{ services: [set(web)], slices: [set(slice)] }, { slices: [gone("default/s")] }], [web]],
    ["what goes and was never there", [{ services: [gone("default/web")], slices: [gone("default/s")] }], []],
    [
      "a slice that moves to another Service leaves the one that it was of",
      [{ services: [set(web), set(shop)], slices: [set(slice)] }, { slices: [set({ ...slice, service: "shop" })] }],
      [web, shop, { ...slice, service: "shop" }],
    ],
    [
      "a slice that loses its Service leaves it",
      [{ services: [set(web)], slices: [set(slice)] }, { slices: [set({ ...slice, service: undefined })] }],
      [web],
    ],
    [
      "a slice that gets a Service only later joins it",
      [{ services: [set(web)], slices: [set({ ...slice, service: undefined })] }, { slices: [set(slice)] }],
      [web, slice],
    ],
    [
      "a slice that moves and then goes",
      [{ slices: [set(slice), set({ ...slice, service: "shop" }), gone("default/s")] }, { services: [set(shop)] }],
      [shop],
    ],
    [
      "slices of one name in two namespaces",
      [{ slices: [set(slice), set({ ...slice, namespace: "other" }), gone("default/s")] }],
      [{ ...slice, namespace: "other" }],
    ],
  ])("%s", (_, news, expected) => {
    const objects = createObjects();
    for (const { services = [], slices = [] } of news) {
      objects.services(services);
      objects.slices(slices);
    }
    expect(held(objects)).toEqual(heldOf(...expected));
  });

  const names = fc.constantFrom("a", "b", "c");
  const step = fc.record({
    what: fc.constantFrom("set service", "remove service", "set slice", "set slice", "remove slice"),
    name: names,
    of: fc.option(names, { nil: undefined }),
    ip: fc.constantFrom("10.1.0.1", "10.1.0.2"),
  });
  test("in whatever order things come, move and go", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const objects = createObjects();
        const [services, slices] = [new Map<string, Service>(), new Map<string, EndpointSlice>()];
        for (const { what, name, of, ip } of steps) {
          const [service, moved] = [aService({ name }), aSlice({ name, service: of, endpoints: [ip] })];
          if (what === "set service") objects.services([set(service)]);
          if (what === "set service") services.set(name, service);
          if (what === "remove service") objects.services([gone(`default/${name}`)]);
          if (what === "remove service") services.delete(name);
          if (what === "set slice") objects.slices([set(moved)]);
          if (what === "set slice") slices.set(name, moved);
          if (what === "remove slice") objects.slices([gone(`default/${name}`)]);
          if (what === "remove slice") slices.delete(name);
        }
        expect(held(objects)).toEqual(heldOf(...services.values(), ...slices.values()));
      }),
    );
  });
});

describe("news", () => {
  test("is counted by object, and taken once", () => {
    const objects = createObjects();
    objects.services([set(web), set(shop), gone("default/shop")]);
    objects.slices([set(slice), gone("default/other")]);
    const first = ["default/web", "default/shop"];
    expect(objects.takeNews()).toEqual({ services: 3, slices: 2, triggers: [], first });
    expect(objects.takeNews()).toEqual({ services: 0, slices: 0, triggers: [], first: [] });
  });

  test("names 20 Services", () => {
    const objects = createObjects();
    objects.services(Array.from({ length: 30 }, (_, at) => set(aService({ name: `s${at}` }))));
    expect(objects.takeNews().first).toEqual(Array.from({ length: 20 }, (_, at) => `default/s${at}`));
  });

  test("has the times at which slices of Services changed, by family", () => {
    const objects = createObjects();
    const six = aSlice({ name: "t", addressType: "IPv6", endpoints: ["fd00:1::1"] });
    objects.slices([set(slice, 10), set(six, 20), set(slice, 40)]);
    objects.slices([set(aSlice({ name: "v", service: undefined }), 50), set(aSlice({ name: "w" }))]);
    objects.slices([set(aSlice({ name: "x", addressType: "FQDN", endpoints: [] }), 60)]);
    expect(objects.takeNews().triggers).toEqual([
      { family: 4, at: 10 },
      { family: 6, at: 20 },
      { family: 4, at: 40 },
    ]);
    objects.slices([set(slice, 60)]);
    expect(objects.takeNews().triggers).toEqual([{ family: 4, at: 60 }]);
  });

  test("of what was taken does not change with later news", () => {
    const objects = createObjects();
    objects.slices([set(slice, 10)]);
    const taken = objects.takeNews();
    objects.slices([set(slice, 20)]);
    expect(taken).toEqual({ services: 0, slices: 1, triggers: [{ family: 4, at: 10 }], first: ["default/web"] });
  });
});

test("each change is told of the Service that it is about, of a slice that moves to both", () => {
  const told: unknown[][] = [];
  const objects = createObjects((service, { kind, object, isGone, resourceVersion, triggeredAt, receivedAt }) =>
    told.push([service, kind, object, isGone, resourceVersion, triggeredAt, receivedAt]),
  );
  objects.services([set(web), gone("default/web")]);
  objects.slices([set(slice, 10), set({ ...slice, service: "shop" }), gone("default/s"), gone("default/s")]);
  objects.slices([set(aSlice({ name: "v", service: undefined }), 50)]);
  expect(told).toEqual([
    ["default/web", "Service", "default/web", false, 7, undefined, 100],
    ["default/web", "Service", "default/web", true, undefined, undefined, 200],
    ["default/web", "EndpointSlice", "default/s", false, 7, 10, 100],
    ["default/web", "EndpointSlice", "default/s", false, 7, undefined, 100],
    ["default/shop", "EndpointSlice", "default/s", false, 7, undefined, 100],
    ["default/shop", "EndpointSlice", "default/s", true, undefined, undefined, 200],
  ]);
});

test("a Service's uid is the last one told, and none once it is gone", () => {
  const objects = createObjects();
  objects.services([{ ...set(web), uid: "one" }, set(shop)]);
  objects.services([{ ...set(web), uid: "two" }]);
  expect(["default/web", "default/shop"].map(objects.uidOf)).toEqual(["two", undefined]);
  objects.services([gone("default/web")]);
  expect(objects.uidOf("default/web")).toBeUndefined();
});

test("ServiceCIDRs are all blocks that are there", () => {
  const objects = createObjects();
  const blocks = (name: string, ...cidrs: string[]) => ({
    ...{ kind: "set" as const, key: name, version: 1, receivedAt: 1 },
    object: { name, cidrs: cidrs.map(aCidr) },
  });
  expect(objects.cidrs()).toEqual([]);
  objects.serviceCidrs([blocks("a", "10.96.0.0/16", "fd00:96::/108"), blocks("b", "10.97.0.0/16")]);
  objects.serviceCidrs([blocks("b", "10.98.0.0/16"), gone("c")]);
  expect(objects.cidrs()).toEqual(["10.96.0.0/16", "fd00:96::/108", "10.98.0.0/16"]);
  objects.serviceCidrs([gone("a")]);
  expect(objects.cidrs()).toEqual(["10.98.0.0/16"]);
});

test("a Service that did not change stays the same object", () => {
  const objects = createObjects();
  objects.services([set(web), set(shop)]);
  const before = new Map([...entries(objects.cluster())].map(({ key, value }) => [key, value]));
  objects.services([set(aService({ name: "shop", ports: [81] }))]);
  const same = [...entries(objects.cluster())].map(({ key, value }) => [key, value === before.get(key)]);
  expect(same).toEqual([
    ["default/shop", false],
    ["default/web", true],
  ]);
});

test("the Node is the last one told, and none once it is gone", () => {
  const objects = createObjects();
  const node = { name: "here", zone: "a", podCidrs: [], addresses: [anIp("192.168.0.2")] };
  expect(objects.node()).toBeUndefined();
  objects.nodes([
    { kind: "set", key: "here", version: 1, receivedAt: 1, object: node },
    { kind: "set", key: "here", version: 2, receivedAt: 2, object: { ...node, zone: "b" } },
  ]);
  expect(objects.node()?.zone).toBe("b");
  objects.nodes([gone("here")]);
  expect(objects.node()).toBeUndefined();
});
