// Tests of rules/offline/resolve.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { resolve, type OfflineObjects } from "../../../rules/offline/resolve.ts";
import { cidrHolds } from "../../../rules/net/cidr.ts";
import {
  aNode,
  aPod,
  aService,
  aSlice,
  aWorkload,
  anEndpoints,
  cidrs,
  containers,
  objectsOf,
  running,
  someRanges,
} from "./an.ts";

const many: OfflineObjects = objectsOf({
  services: [
    aService({}, { name: "a" }),
    aService({ type: "NodePort", ipFamilyPolicy: "PreferDualStack" }, { name: "b" }),
    aService({ type: "NodePort", ports: [{ port: 80, nodePort: 30000 }] }, { name: "c" }),
    aService({ clusterIP: "None", selector: { app: "db" } }, { name: "d" }),
    aService({ selector: { app: "db" }, ports: [{ port: 1, targetPort: "none" }] }, { name: "e", namespace: "other" }),
    aService({ selector: { app: "db" }, type: "NodePort" }, { name: "f", namespace: "other" }),
    aService({ selector: {} }, { name: "g" }),
  ],
  slices: [
    aSlice({}, { name: "s1", labels: { "kubernetes.io/service-name": "g" } }),
    aSlice({}, { name: "s0", labels: {} }),
  ],
  endpoints: [anEndpoints([{ addresses: [{ ip: "10.3.0.1" }], ports: [{ port: 80 }] }], { name: "c" })],
  nodes: [aNode("n2", "192.168.0.2"), aNode("n1", "192.168.0.1")],
  pods: [aPod("p2"), aPod("p1"), aPod("p3", { status: running("10.1.0.1") })],
  workloads: [
    aWorkload("DaemonSet", { template: { metadata: { labels: { app: "db" } }, spec: {} } }, { namespace: "other" }),
    aWorkload("StatefulSet", { replicas: 2, template: { metadata: { labels: { app: "db" } }, spec: {} } }),
  ],
});

describe("resolve", () => {
  // Ranges so small that most values collide.
  const tight = {
    serviceCidrs: cidrs("10.96.0.0/28", "fd96::/124"),
    podCidrs: cidrs("10.244.0.0/28"),
    nodePorts: { low: 30000, high: 30003 },
  };

  test("gives the same whatever the order of the input is", () => {
    const expected = resolve(many, tight);
    const shuffled = fc.record({
      services: fc.shuffledSubarray([...many.services], { minLength: many.services.length }),
      slices: fc.shuffledSubarray([...many.slices], { minLength: many.slices.length }),
      endpoints: fc.constant(many.endpoints),
      nodes: fc.shuffledSubarray([...many.nodes], { minLength: many.nodes.length }),
      pods: fc.shuffledSubarray([...many.pods], { minLength: many.pods.length }),
      workloads: fc.shuffledSubarray([...many.workloads], { minLength: many.workloads.length }),
    });
    fc.assert(
      fc.property(shuffled, (objects) => {
        expect(resolve(objects, tight)).toEqual(expected);
      }),
    );
  });

  test("sorts by namespace and name, and names every slice once", () => {
    const { services, slices, nodes } = resolve(many, someRanges);
    expect(services.map(({ name }) => name)).toEqual(["a", "b", "c", "d", "g", "e", "f"]);
    expect(nodes.map(({ name }) => name)).toEqual(["n1", "n2"]);
    expect(slices.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual([
      "default/a-made-0",
      "default/b-made-0",
      "default/b-made-1",
      "default/c-made-0",
      "default/d-made-0",
      "default/s0",
      "default/s1",
      "other/f-made-0",
    ]);
  });

  test("makes no value up twice, and none that is given", () => {
    const { services, slices } = resolve(many, tight);
    const ips = services.flatMap(({ clusterIps }) => (clusterIps === "none" ? [] : clusterIps));
    const ports = services.flatMap((service) => service.ports.flatMap(({ nodePort }) => nodePort ?? []));
    expect(new Set(ips).size).toBe(ips.length);
    expect(new Set(ports).size).toBe(ports.length);
    const made = new Set(
      slices.flatMap(({ endpoints }) => endpoints.flatMap((each) => (each.placeholder ? [each.ip] : []))),
    );
    for (const ip of ["10.1.0.1", "10.3.0.1", ...ips]) expect(made.has(ip as never)).toBe(false);
  });

  test("gives a Pod behind two Services one address, listed once", () => {
    const { slices, placeholders } = resolve(
      objectsOf({ services: [aService({}, { name: "a" }), aService({}, { name: "b" })], pods: [aPod("p")] }),
      someRanges,
    );
    expect(slices[0]?.endpoints[0]?.ip).toBe(slices[1]?.endpoints[0]?.ip);
    expect(placeholders.filter(({ object }) => object === "Pod default/p")).toHaveLength(1);
  });

  test("returns a Service as it is where nothing is missing", () => {
    const service = aService({ clusterIP: "10.96.0.1" });
    expect(resolve(objectsOf({ services: [service] }), someRanges).services[0]).toBe(service);
  });

  test("takes made-up endpoints of the Service's families from the pod ranges", () => {
    const { slices } = resolve(
      objectsOf({
        services: [aService({ ipFamilies: ["IPv6"], ports: [{ port: 80, targetPort: "http" }] })],
        workloads: [
          aWorkload("Deployment", {
            template: { metadata: { labels: { app: "web" } }, spec: containers({ name: "http", containerPort: 8080 }) },
          }),
        ],
      }),
      someRanges,
    );
    const [block] = cidrs("fd44::/64");
    expect(slices).toMatchObject([{ addressType: "IPv6", ports: [{ port: 8080 }] }]);
    const ip = slices[0]?.endpoints[0]?.ip;
    expect(block !== undefined && ip !== undefined && cidrHolds(block, ip)).toBe(true);
  });

  test("does not take the name of a given slice", () => {
    const given = aSlice({}, { name: "web-made-0", labels: {} });
    const { slices } = resolve(objectsOf({ services: [aService()], pods: [aPod("p")], slices: [given] }), someRanges);
    expect(slices.map(({ name }) => name)).toEqual(["web-made-0", "web-made-1"]);
  });

  test.each([
    ["cluster IPs", { ...someRanges, serviceCidrs: [] }, ["no-range-for-placeholder"]],
    ["node ports", { ...someRanges, nodePorts: { low: 1, high: 0 } }, ["no-range-for-placeholder"]],
    ["pod addresses", { ...someRanges, podCidrs: [] }, ["no-range-for-placeholder"]],
  ])("reports a missing range of %s", (_, ranges, codes) => {
    const objects = objectsOf({ services: [aService({ type: "NodePort" })], pods: [aPod("p")] });
    const { problems } = resolve(objects, ranges);
    expect([...new Set(problems.map(({ code }) => code))]).toEqual(codes);
    expect(problems.every(({ severity }) => severity === "error")).toBe(true);
  });

  test("stands a hundred thousand endpoints", () => {
    const workloads = Array.from({ length: 13 }, (_, index) =>
      aWorkload("Deployment", { replicas: 10000 }, { name: `w${index}` }),
    );
    const ranges = { ...someRanges, podCidrs: cidrs("10.0.0.0/8") };
    const { slices } = resolve(objectsOf({ services: [aService()], workloads }), ranges);
    expect(slices[0]?.endpoints).toHaveLength(130000);
  });
});
