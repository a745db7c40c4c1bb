// Tests of rules/conntrack/stale.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { owe } from "../../../rules/conntrack/owed.ts";
import { staleFlows } from "../../../rules/conntrack/stale.ts";
import { targetsOf } from "../../../rules/conntrack/targets.ts";
import { buildModel, isServed, servicePorts, type Model } from "../../../rules/model/model.ts";
import { hostPort, ipFromDigits, type Ip } from "../../../rules/net/ip.ts";
import { clusters, histories, views } from "../../make/arbitrary.ts";
import { aView, modelOf, type ViewFields } from "../../make/node.ts";
import { aCidr, aCluster, aService, aSlice, gone } from "../../make/objects.ts";
import { aFlow, circumstances, type FlowFields } from "./harness.ts";

const port = { name: "dns", protocol: "UDP" as const, port: 53, nodePort: 30053 };
const slicePort = { name: "dns", protocol: "UDP" as const, port: 5353 };
const service = aService({
  type: "LoadBalancer",
  ports: [port],
  clusterIps: ["10.96.0.10", "fd00:96::10"],
  externalIps: ["192.0.2.1"],
  loadBalancerIps: ["192.0.2.2"],
});
const [alive, dead] = ["10.1.0.1:5353", "10.1.0.2:5353"];
const slice = aSlice({ ports: [slicePort], endpoints: ["10.1.0.1", { ip: "10.1.0.2", ...gone }] });

const served = (fields: ViewFields = {}) => modelOf(aCluster(service, slice), aView(fields));
const isStale = (flow: FlowFields, model: Model = served(), given = circumstances()) =>
  staleFlows([aFlow(flow)], model, given).length === 1;

describe("a flow to a frontend", () => {
  test.each([
    "10.96.0.10:53",
    "192.0.2.1:53",
    "192.0.2.2:53",
    "192.168.0.2:30053",
    "172.16.0.2:30053",
    "127.0.0.1:30053",
  ])("(%s) is stale where a dead endpoint, another port or somebody unknown answers it, or nobody can", (to) => {
    expect(isStale({ to, by: dead })).toBe(true);
    expect(isStale({ to, by: "10.1.0.1:53" })).toBe(true);
    expect(isStale({ to, by: "10.1.0.77:5353" })).toBe(true);
    expect(isStale({ to })).toBe(true);
  });

  test.each(["10.96.0.10:53", "192.0.2.1:53", "192.168.0.2:30053", "127.8.9.1:30053"])(
    "(%s) is left where an endpoint that serves answers it",
    (to) => {
      expect(isStale({ to, by: alive })).toBe(false);
    },
  );

  test.each<[string, FlowFields]>([
    ["TCP", { to: "10.96.0.10:53", by: dead, protocol: "TCP" }],
    ["SCTP unless it is asked for", { to: "10.96.0.10:53", by: dead, protocol: "SCTP" }],
    ["another zone", { to: "10.96.0.10:53", by: dead, zone: 5 }],
    ["the other family", { to: "[fd00:96::10]:53", by: "[fd00:1::2]:5353" }],
    ["another port of the cluster IP", { to: "10.96.0.10:54", by: dead }],
    ["an endpoint that is asked itself", { to: dead }],
    ["another address with the number of the node port", { to: "8.8.8.8:30053", by: dead }],
    ["another node's node port", { to: "192.168.0.3:30053", by: dead }],
    ["the Service's port on the node", { to: "192.168.0.2:53", by: dead }],
    ["the node port's number on the cluster IP", { to: "10.96.0.10:30053", by: dead }],
  ])("is left: %s", (_, flow) => {
    expect(isStale(flow)).toBe(false);
  });

  test("of SCTP is stale where that is asked for", () => {
    const model = modelOf(
      aCluster(aService({ ports: [{ protocol: "SCTP", port: 53 }] }), aSlice({ ports: [{ protocol: "SCTP" }] })),
    );
    const flow: FlowFields = { to: "10.96.0.1:53", by: dead, protocol: "SCTP" };
    expect(isStale(flow, model, circumstances({ tracked: ["UDP", "SCTP"] }))).toBe(true);
    expect(isStale(flow, model)).toBe(false);
  });

  test("of IPv6 is judged by the IPv6 model", () => {
    const six = aSlice({ addressType: "IPv6", ports: [slicePort], endpoints: ["fd00:1::1"] });
    const model = modelOf(aCluster(service, six), aView({ family: 6 }));
    expect(isStale({ to: "[fd00:96::10]:53", by: "[fd00:1::2]:5353" }, model)).toBe(true);
    expect(isStale({ to: "[fd00:96::10]:53", by: "[fd00:1::1]:5353" }, model)).toBe(false);
    expect(isStale({ to: "[fd00:192::2]:30053", by: "[fd00:1::2]:5353" }, model)).toBe(true);
    expect(isStale({ to: "[::1]:30053", by: "[fd00:1::2]:5353" }, model)).toBe(false);
  });
});

describe("node ports", () => {
  test.each([
    [
      "an address that nodePortAddresses leaves out",
      { nodePortAddresses: [aCidr("172.16.0.0/16")] },
      "192.168.0.2:30053",
      false,
    ],
    ["an address that it names", { nodePortAddresses: [aCidr("172.16.0.0/16")] }, "172.16.0.2:30053", true],
    ["loopback with localhostNodePorts off", { localhostNodePorts: false }, "127.0.0.1:30053", false],
  ] as const)("on %s", (_, settings, to, stale) => {
    expect(isStale({ to, by: dead }, served({ settings }))).toBe(stale);
  });
});

describe("a frontend without endpoints", () => {
  const model = modelOf(aCluster(service));
  test("has stale flows to endpoints that are gone", () => {
    expect(isStale({ to: "10.96.0.10:53", by: dead }, model)).toBe(true);
  });
  test("leaves flows that were not DNATed until there is one", () => {
    expect(isStale({ to: "10.96.0.10:53" }, model)).toBe(false);
    expect(isStale({ to: "10.96.0.10:53" })).toBe(true);
  });
});

describe("a frontend that is gone", () => {
  const before = buildModel(aCluster(service, slice), aView());
  const model = buildModel(aCluster(), before.view, before);
  const owed = owe(undefined, { before, after: model, tracked: ["UDP"] });
  const given = circumstances(owed === undefined ? {} : { owed });

  test.each<[string, FlowFields, boolean]>([
    ["led to its endpoint", { to: "10.96.0.10:53", by: alive }, true],
    ["led to its endpoint by the node port", { to: "192.168.0.2:30053", by: alive }, true],
    ["has the node port's number only", { to: "192.168.0.3:30053", by: alive }, false],
    ["leads elsewhere, so somebody else has it now", { to: "10.96.0.10:53", by: "10.1.0.77:5353" }, false],
    ["was not DNATed", { to: "10.96.0.10:53" }, false],
  ])("a flow that %s", (_, flow, stale) => {
    expect(isStale(flow, model, given)).toBe(stale);
  });

  test("says nothing once the frontend is back", () => {
    expect(isStale({ to: "10.96.0.10:53", by: alive }, before, given)).toBe(false);
  });
});

const nodeIps = ["127.0.0.1", "192.168.0.2", "fd00:192::2"] as Ip[];

test("whatever the cluster becomes: no flow to what serves is stale, and every flow to a frontend that leads to nothing of it is", () => {
  fc.assert(
    fc.property(histories(12), views(), (history, view) => {
      let before: Model | undefined;
      for (const cluster of history) {
        const model = buildModel(cluster, view, before);
        const owed = owe(undefined, { before, after: model, tracked: ["UDP", "SCTP"] }) ?? { formerly: new Map() };
        const given = circumstances({ nodeIps, owed, tracked: ["UDP", "SCTP"] });
        const strange = view.family === 4 ? "198.18.0.9:9" : "[2001:db8::9]:9";
        for (const frontend of servicePorts(model).flatMap((each) => each.frontends)) {
          const { ip, port: number, protocol } = frontend;
          if (ip === undefined || protocol === "TCP" || !isServed(model, frontend)) continue;
          const to = hostPort(ip, number);
          for (const by of targetsOf(model, frontend)) expect(isStale({ to, by, protocol }, model, given)).toBe(false);
          expect(isStale({ to, by: strange, protocol }, model, given)).toBe(true);
        }
        before = model;
      }
    }),
    { numRuns: 60 },
  );
});

test("what is stale follows from destination and reply source alone", () => {
  fc.assert(
    fc.property(clusters(8), fc.nat(65535), fc.nat(0xffff), (cluster, sourcePort, low) => {
      const model = buildModel(cluster, aView());
      const source = ipFromDigits(`0a01${low.toString(16).padStart(4, "0")}`);
      const flows: FlowFields[] = servicePorts(model).flatMap((each) =>
        each.frontends.map(({ ip, port: number }) => ({ to: hostPort(ip ?? ("192.168.0.2" as Ip), number), by: dead })),
      );
      const stale = (fields: Partial<FlowFields>) => flows.map((flow) => isStale({ ...flow, ...fields }, model));
      expect(stale({ source, sourcePort })).toEqual(stale({}));
    }),
    { numRuns: 40 },
  );
});

test("100,000 flows to 1,000 Services take a second at most", () => {
  const name = (at: number) => `s${at}`;
  const ip = (at: number) => `10.96.${at >> 8}.${at & 255}`;
  const services = Array.from({ length: 1000 }, (_, at) =>
    aService({ name: name(at), clusterIps: [ip(at)], ports: [{ ...port, nodePort: undefined }] }),
  );
  const slices = services.map(({ name: each }, at) =>
    aSlice({ name: `${each}-1`, service: each, ports: [slicePort], endpoints: [`10.1.${at >> 8}.${at & 255}`] }),
  );
  const model = modelOf(aCluster(...services, ...slices));
  const flows = Array.from({ length: 100_000 }, (_, at) =>
    aFlow({
      to: `${ip(at % 1000)}:53`,
      by: at % 10 === 0 ? "10.9.9.9:5353" : `10.1.${(at % 1000) >> 8}.${(at % 1000) & 255}:5353`,
    }),
  );
  const began = performance.now();
  const stale = staleFlows(flows, model, circumstances());
  const took = performance.now() - began;
  expect(stale).toHaveLength(10_000);
  expect(took).toBeLessThan(1000);
});
