// Tests of rules/model/model.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { buildModel, isServed, servicePorts, type Model } from "../../../rules/model/model.ts";
import { entries, get } from "../../../rules/radix/radix.ts";
import { clusterFrom, histories, objects, views } from "../../make/arbitrary.ts";
import { aCluster, aService, aSlice, type ServiceFields } from "../../make/objects.ts";
import { aView, modelOf } from "../../make/node.ts";

/** What a model says, without what is only kept to make the next one. */
const said = (model: Model) => ({
  services: [...entries(model.services)],
  vips: [...entries(model.vips.winners)],
  nodePorts: [...entries(model.nodePorts.winners)],
  healthPorts: [...entries(model.healthPorts.winners)],
});

test("is the same whatever the order of the input", () => {
  fc.assert(
    fc.property(objects(30), views(), (served, view) => {
      const turned = [...served].reverse().map((one) => ({ ...one, slices: [...one.slices].reverse() }));
      expect(said(buildModel(clusterFrom(turned), view))).toEqual(said(buildModel(clusterFrom(served), view)));
    }),
    { numRuns: 40 },
  );
});

test("built from the one before is the same as from nothing, and Services that did not change are the same objects", () => {
  fc.assert(
    fc.property(histories(30), views(), (history, view) => {
      let model: Model | undefined;
      for (const cluster of history) {
        const next = buildModel(cluster, view, model);
        expect(said(next)).toEqual(said(buildModel(cluster, view)));
        const was = model;
        const madeAnew = [...entries(next.services)].filter(
          ({ key, value }) =>
            was !== undefined && get(was.cluster, key) === get(cluster, key) && get(was.services, key) !== value,
        );
        expect(madeAnew).toEqual([]);
        model = next;
      }
    }),
    { numRuns: 40 },
  );
});

test("another view is begun from nothing", () => {
  const cluster = aCluster(aService(), aSlice());
  const before = buildModel(cluster, aView());
  expect(said(buildModel(cluster, aView({ family: 6 }), before))).toEqual(
    said(buildModel(cluster, aView({ family: 6 }))),
  );
});

describe("conflicts", () => {
  const winnerOf = (...services: ServiceFields[]) => {
    const model = modelOf(aCluster(...services.map((fields) => aService(fields))));
    const served = servicePorts(model).flatMap((port) => port.frontends.filter((one) => isServed(model, one)));
    return served.map((one) => `${one.service} ${one.kind} ${one.ip ?? one.port}`);
  };
  const [a, b] = [
    { name: "a", clusterIps: ["10.96.0.1"] },
    { name: "b", clusterIps: ["10.96.0.2"] },
  ];

  test("a cluster IP goes before another Service's external IP", () => {
    expect(winnerOf({ ...a, externalIps: ["10.96.0.2"] }, b)).toEqual([
      "default/a cluster-ip 10.96.0.1",
      "default/b cluster-ip 10.96.0.2",
    ]);
  });

  test("of two external IPs the first by name has it", () => {
    const shared = { externalIps: ["192.0.2.1"] };
    expect(winnerOf({ ...b, ...shared }, { ...a, ...shared })).toEqual([
      "default/a cluster-ip 10.96.0.1",
      "default/a external-ip 192.0.2.1",
      "default/b cluster-ip 10.96.0.2",
    ]);
  });

  test("an external IP goes before a load-balancer address", () => {
    const found = winnerOf(
      { ...a, type: "LoadBalancer", loadBalancerIps: ["192.0.2.1"] },
      { ...b, externalIps: ["192.0.2.1"] },
    );
    expect(found).toContain("default/b external-ip 192.0.2.1");
    expect(found).not.toContain("default/a load-balancer-ip 192.0.2.1");
  });

  test("one node port of two protocols is no conflict, of one it is", () => {
    const at = (protocol: "TCP" | "UDP") => ({
      type: "NodePort" as const,
      ports: [{ port: 80, nodePort: 30080, protocol }],
    });
    const nodePorts = (list: string[]) => list.filter((text) => text.includes("node-port"));
    expect(nodePorts(winnerOf({ ...a, ...at("TCP") }, { ...b, ...at("UDP") }))).toHaveLength(2);
    expect(nodePorts(winnerOf({ ...a, ...at("TCP") }, { ...b, ...at("TCP") }))).toEqual(["default/a node-port 30080"]);
  });

  test("who lost gets it when the winner goes", () => {
    const shared = { externalIps: ["192.0.2.1"] };
    const view = aView();
    const first = buildModel(aCluster(aService({ ...a, ...shared }), aService({ ...b, ...shared })), view);
    const next = buildModel(aCluster(aService({ ...b, ...shared })), view, first);
    expect([...entries(next.vips.winners)].map(({ value }) => value.service)).toEqual(["default/b", "default/b"]);
  });
});

describe("health-check ports", () => {
  const portsOf = (fields: ServiceFields) =>
    [...entries(modelOf(aCluster(aService(fields))).healthPorts.winners)].map(({ value }) => value);
  const checked = { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 32000 } as const;
  test.each<[string, ServiceFields, unknown[]]>([
    ["LoadBalancer and Local: yes, endpoints or not", checked, [{ service: "default/web", port: 32000 }]],
    ["NodePort: no", { ...checked, type: "NodePort" }, []],
    ["Cluster policy: no", { ...checked, externalTrafficPolicy: "Cluster" }, []],
    ["without a port: no", { ...checked, healthCheckNodePort: undefined }, []],
    ["headless: no", { ...checked, clusterIps: "none" }, []],
  ])("%s", (_, fields, expected) => {
    expect(portsOf(fields)).toEqual(expected);
  });
});
