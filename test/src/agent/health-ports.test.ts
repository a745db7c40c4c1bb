// Tests of src/agent/health-ports.ts.
import { expect, test } from "@jest/globals";
import { healthPortsOf } from "../../../src/agent/health-ports.ts";
import { aView, modelOf } from "../../make/node.ts";
import {
  aCluster,
  aService,
  aSlice,
  gone,
  lingering,
  type EndpointFields,
  type ServiceFields,
  type SliceFields,
} from "../../make/objects.ts";

const balanced = (fields: ServiceFields = {}) =>
  aService({
    type: "LoadBalancer",
    externalTrafficPolicy: "Local",
    healthCheckNodePort: 32000,
    loadBalancerIps: ["203.0.113.1"],
    ...fields,
  });
const here = (ip: string, fields: Partial<EndpointFields> = {}): EndpointFields => ({
  ip,
  nodeName: "here",
  ...fields,
});
const slice = (endpoints: readonly EndpointFields[], fields: SliceFields = {}) => aSlice({ endpoints, ...fields });

type Objects = readonly (ReturnType<typeof aService> | ReturnType<typeof aSlice>)[];
const portsOf = (objects: Objects, families: readonly (4 | 6)[] = [4, 6]) =>
  [...healthPortsOf(families.map((family) => modelOf(aCluster(...objects), aView({ family }))))].map(
    ([port, { service, localEndpoints }]) => [port, service, localEndpoints],
  );

const six = { name: "six", addressType: "IPv6" } as const;
const both = balanced({ clusterIps: ["10.96.0.1", "fd00:96::1"] });
const twoPorts = { ports: [{ name: "a" }, { name: "b", port: 81 }] } as const;

test.each<[string, Objects, unknown]>([
  ["a Service without slices", [balanced()], [[32000, "default/web", 0]]],
  ["endpoints here", [balanced(), slice([here("10.1.0.1"), here("10.1.0.2")])], [[32000, "default/web", 2]]],
  [
    "not endpoints elsewhere, or on no node",
    [balanced(), slice([here("10.1.0.1"), { ip: "10.1.0.2", nodeName: "there" }, { ip: "10.1.0.3" }])],
    [[32000, "default/web", 1]],
  ],
  [
    "not endpoints that end, even while they serve",
    [balanced(), slice([here("10.1.0.1", lingering), here("10.1.0.2", gone), here("10.1.0.3", { ready: false })])],
    [[32000, "default/web", 0]],
  ],
  [
    "an endpoint of two ports once",
    [balanced(twoPorts), slice([here("10.1.0.1")], twoPorts)],
    [[32000, "default/web", 1]],
  ],
  [
    "an endpoint of two slices once",
    [balanced(), slice([here("10.1.0.1")]), slice([here("10.1.0.1"), here("10.1.0.2")], { name: "more" })],
    [[32000, "default/web", 2]],
  ],
  [
    "endpoints of both families",
    [both, slice([here("10.1.0.1")]), slice([here("fd00:1::1"), here("fd00:1::2")], six)],
    [[32000, "default/web", 3]],
  ],
  [
    "each Service for itself",
    [
      balanced(),
      balanced({ name: "shop", healthCheckNodePort: 32001, clusterIps: ["10.96.0.2"] }),
      slice([here("10.1.0.1")], { service: "shop" }),
    ],
    [
      [32000, "default/web", 0],
      [32001, "default/shop", 1],
    ],
  ],
  ["nothing where all nodes serve", [balanced({ externalTrafficPolicy: "Cluster" }), slice([here("10.1.0.1")])], []],
  ["nothing for a Service that no load balancer serves", [aService(), slice([here("10.1.0.1")])], []],
  ["nothing where there is nothing", [], []],
])("counts %s", (_, objects, expected) => {
  expect(portsOf(objects).sort()).toEqual(expected);
});

test("a Service of one family only has its port too where that is the only one served", () => {
  expect(portsOf([both, slice([here("fd00:1::1")], six)], [6])).toEqual([[32000, "default/web", 1]]);
  expect(portsOf([balanced(), slice([here("10.1.0.1")])], [4])).toEqual([[32000, "default/web", 1]]);
});
