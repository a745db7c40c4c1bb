// Tests of rules/offline/objects.ts.
import { expect, test } from "@jest/globals";
import { ipsInUse, nodePortsInUse } from "../../../rules/offline/objects.ts";
import { aNode, aPod, aService, aSlice, anEndpoints, objectsOf, running } from "./an.ts";

test("every address of every kind of object is in use", () => {
  const objects = objectsOf({
    services: [aService({ clusterIP: "10.0.0.1", externalIPs: ["10.0.0.2"] }), aService({ clusterIP: "None" })],
    slices: [aSlice({ endpoints: [{ addresses: ["10.0.0.3"] }] })],
    endpoints: [anEndpoints([{ addresses: [{ ip: "10.0.0.4" }], notReadyAddresses: [{ ip: "10.0.0.5" }] }])],
    pods: [aPod("a", { status: running("10.0.0.6") }), aPod("b")],
    nodes: [aNode("n", "10.0.0.7")],
  });
  expect(ipsInUse(objects).toSorted()).toEqual([1, 2, 3, 4, 5, 6, 7].map((last) => `10.0.0.${last}`));
});

test("health-check node ports are in use as node ports are", () => {
  const service = aService({
    type: "LoadBalancer",
    ports: [{ port: 80, nodePort: 30001 }],
    healthCheckNodePort: 30002,
  });
  expect(nodePortsInUse(objectsOf({ services: [service] }))).toEqual([30001, 30002]);
});
