// Tests of rules/ipvs/virtual-server.ts.
import { expect, test } from "@jest/globals";
import {
  isSameHead,
  isSameReal,
  isSameServer,
  realKey,
  serverKey,
  type RealServer,
  type VirtualServer,
} from "../../../rules/ipvs/virtual-server.ts";
import { anIp } from "../../make/objects.ts";

const real: RealServer = { ip: anIp("10.1.0.1"), port: 80, method: "masquerading", weight: 1 };
const server: VirtualServer = {
  ip: anIp("10.96.0.1"),
  protocol: "TCP",
  port: 443,
  scheduler: "rr",
  flags: [],
  persistentSeconds: undefined,
  persistentBits: 32,
  servers: [real],
  service: "default/web",
  others: [],
};

test.each<[Partial<VirtualServer>, boolean]>([
  [{}, true],
  [{ service: undefined }, true],
  [{ servers: [{ ...real }] }, true],
  // Without persistence the mask means nothing.
  [{ persistentBits: 24 }, true],
  [{ scheduler: "lc" }, false],
  [{ flags: ["sh-port"] }, false],
  [{ persistentSeconds: 60 }, false],
  [{ others: ["-o"] }, false],
  [{ servers: [] }, false],
  [{ servers: [{ ...real, weight: 0 }] }, false],
])("with %j it is the same: %s", (fields, same) => {
  expect(isSameServer(server, { ...server, ...fields })).toBe(same);
});

test("masks tell persistent virtual servers apart", () => {
  const sticky = { ...server, persistentSeconds: 60 };
  expect(isSameHead(sticky, { ...sticky, persistentBits: 24 })).toBe(false);
  expect(isSameReal(real, undefined)).toBe(false);
});

test("keys", () => {
  expect([serverKey(server), realKey(real), realKey({ ip: anIp("fd00::1"), port: 80 })]).toEqual([
    "0a600001t01bb",
    "10.1.0.1:80",
    "[fd00::1]:80",
  ]);
});
