// Tests of src/watch/resources.ts against fake API servers of several versions.
import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { setTimeout as after } from "node:timers/promises";
import { endpointSlices, oneNode, serviceCidrs, services } from "../../../src/watch/resources.ts";
import { another, anApi, aServer, aServiceObject, run, stopAll, told, until, watching } from "./harness.ts";

jest.setTimeout(20_000);
afterEach(stopAll);

const aSliceObject = (annotations: Readonly<Record<string, string>>) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name: "web-1", namespace: "default", labels: { "kubernetes.io/service-name": "web" }, annotations },
  addressType: "IPv4",
  ports: [{ name: "", port: 80, protocol: "TCP" }],
  endpoints: [{ addresses: ["10.0.0.1"] }],
});

describe.each(["1.28", "1.31", "1.32", "1.33", "1.36", "1.37"] as const)("with a server of version %s", (version) => {
  test("tells everything there is, then what changes, and of all that once", async () => {
    const fake = await aServer({ version });
    await fake.set(aServiceObject("a"), aServiceObject("b"));
    const seen = run(anApi(fake), services);
    await until(async () => seen.synced.length === 1 && (await fake.watches()).length === 1);
    await fake.set(aServiceObject("c"), aServiceObject("a", 81));
    await fake.remove("Service", "default", "b");
    await until(() => seen.changes.length >= 5);
    expect(told(seen.changes)).toEqual(["set a 80", "set b 80", "set c 80", "set a 81", "gone b"]);
    expect(seen.synced).toEqual([2]);
    expect(seen.waits).toEqual([]);
    expect(seen.reflector.stats()).toMatchObject({ lists: 1, failures: 0, objects: 2, refused: 0, served: true });
  });

  test("asks once for what the server may refuse", async () => {
    const { fake, seen } = await watching(["a"], { version });
    for (let at = 0; at < 3; at++) {
      await another(seen, () => fake.cutWatches("reset"));
    }
    const queries = (await fake.requests()).map(({ query }) => query);
    expect(queries.length).toBeGreaterThanOrEqual(3);
    expect(queries.filter((query) => "sendInitialEvents" in query)).toEqual([]);
    const knowsField = ["1.31", "1.32", "1.33", "1.36", "1.37"].includes(version);
    expect(queries.every((query) => "fieldSelector" in query === knowsField)).toBe(true);
    expect(seen.reflector.stats().lists).toBe(1);
  });
});

test("objects that turn to another proxy are gone, and headless ones do not come, on new servers and old", async () => {
  for (const version of ["1.28", "1.36"] as const) {
    const { fake, seen } = await watching(["a", "b"], { version });
    const other = aServiceObject("a");
    await fake.set({
      ...other,
      metadata: { ...(other["metadata"] as object), labels: { "service.kubernetes.io/service-proxy-name": "other" } },
    });
    await until(() => seen.changes.length > 0);
    expect(told(seen.changes)).toEqual(["gone a"]);
  }
});

describe("other resources", () => {
  test("a server without ServiceCIDRs is asked once, and counts as having none", async () => {
    const fake = await aServer({ version: "1.28" });
    const seen = run(anApi(fake), serviceCidrs);
    await until(() => seen.synced.length === 1);
    await after(50);
    expect(await fake.requests()).toHaveLength(1);
    expect(seen.reflector.stats()).toMatchObject({ served: false, objects: 0, failures: 0 });
  });

  test("a server that does not let us see ServiceCIDRs is asked once, and counts as having none", async () => {
    const fake = await aServer({ version: "1.36" });
    await fake.failNext(9, { status: 403 });
    const seen = run(anApi(fake), serviceCidrs);
    await until(() => seen.synced.length === 1);
    await after(50);
    expect(await fake.requests()).toHaveLength(1);
    expect(seen.reflector.stats().served).toBe(false);
  });

  test("a server that lost its Services for a moment is not taken to have none", async () => {
    const fake = await aServer({ version: "1.28" });
    await fake.set(aServiceObject("a"));
    await fake.failNext(2, { status: 404 });
    const seen = run(anApi(fake), services);
    await until(() => seen.synced.length === 1);
    expect(seen.synced).toEqual([1]);
  });

  test("ServiceCIDRs are told where there are", async () => {
    const fake = await aServer({ version: "1.36" });
    await fake.set({
      apiVersion: "networking.k8s.io/v1",
      kind: "ServiceCIDR",
      metadata: { name: "kubernetes" },
      spec: { cidrs: ["10.96.0.0/16", "fd00:96::/108"] },
    });
    const seen = run(anApi(fake), serviceCidrs);
    await until(() => seen.synced.length === 1);
    expect(seen.objects.get("kubernetes")?.cidrs).toHaveLength(2);
  });

  test("of the Nodes only the one asked for is told", async () => {
    const fake = await aServer();
    for (const name of ["one", "two"])
      await fake.set({ apiVersion: "v1", kind: "Node", metadata: { name, labels: {} }, spec: {}, status: {} });
    const seen = run(anApi(fake), oneNode("two"));
    await until(() => seen.synced.length === 1);
    expect([...seen.objects.keys()]).toEqual(["two"]);
  });

  test("a slice's change says when it was triggered, where the slice does", async () => {
    const fake = await aServer();
    await fake.set(aSliceObject({ "endpoints.kubernetes.io/last-change-trigger-time": "2026-01-02T03:04:05.678Z" }));
    const seen = run(anApi(fake), endpointSlices);
    await until(() => seen.synced.length === 1);
    await fake.set(aSliceObject({}));
    await until(() => seen.changes.length === 2);
    expect(seen.changes[0]).toMatchObject({ triggeredAt: Date.UTC(2026, 0, 2, 3, 4, 5, 678) });
    expect(seen.changes[1]).not.toHaveProperty("triggeredAt");
  });
});
