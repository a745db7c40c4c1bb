// Tests of rules/offline/endpoints-slices.ts.
import { expect, test } from "@jest/globals";
import { buildEndpointsSlices } from "../../../rules/offline/endpoints-slices.ts";
import { anEndpoints } from "./an.ts";

test("splits the families of a subset", () => {
  const slices = buildEndpointsSlices(
    anEndpoints([{ addresses: [{ ip: "10.0.0.1" }, { ip: "fd00::1" }, { ip: "10.0.0.2" }], ports: [{ port: 80 }] }]),
  );
  expect(slices.map(({ addressType, endpoints }) => [addressType, endpoints.map(({ ip }) => ip)])).toEqual([
    ["IPv4", ["10.0.0.1", "10.0.0.2"]],
    ["IPv6", ["fd00::1"]],
  ]);
});

test("keeps each subset's ports with its addresses", () => {
  const slices = buildEndpointsSlices(
    anEndpoints([
      { addresses: [{ ip: "10.0.0.1" }], ports: [{ name: "a", port: 80 }] },
      { addresses: [{ ip: "10.0.0.2" }], ports: [{ name: "a", port: 81, protocol: "UDP" }] },
    ]),
  );
  expect(slices.map(({ ports, service }) => [service, ports])).toEqual([
    ["web", [{ name: "a", protocol: "TCP", port: 80 }]],
    ["web", [{ name: "a", protocol: "UDP", port: 81 }]],
  ]);
});

test("notReadyAddresses are neither ready nor serving, and keep their Node", () => {
  const [slice] = buildEndpointsSlices(
    anEndpoints([{ notReadyAddresses: [{ ip: "10.0.0.1", nodeName: "n" }], ports: [{ port: 80 }] }]),
  );
  expect(slice?.endpoints).toMatchObject([{ ready: false, serving: false, terminating: false, nodeName: "n" }]);
});

test("addresses keep hostname and Pod, and have no such keys without them", () => {
  const [slice] = buildEndpointsSlices(
    anEndpoints([
      {
        addresses: [{ ip: "10.0.0.1", hostname: "web-0", targetRef: { kind: "Pod", name: "p" } }, { ip: "10.0.0.2" }],
      },
    ]),
  );
  expect(slice?.endpoints).toMatchObject([{ hostname: "web-0", pod: "p" }, {}]);
  expect(Object.keys(slice?.endpoints[1] ?? {})).not.toContain("hostname");
  expect(Object.keys(slice?.endpoints[1] ?? {})).not.toContain("pod");
});

test("an empty subset gives nothing", () => {
  expect(buildEndpointsSlices(anEndpoints([{ ports: [{ port: 80 }] }, {}]))).toEqual([]);
});
