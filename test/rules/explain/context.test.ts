// Tests of rules/explain/context.ts.
import { expect, test } from "@jest/globals";
import { familiesIn, isNodeIp, isPodIp, modelOf, nodeIp } from "../../../rules/explain/context.ts";
import { aCidr, aService, anIp } from "../../make/objects.ts";
import { aContext, aPlan } from "./a-context.ts";

const context = aContext([aService()]);
const rulesOnly = aContext([], { dumps: [aPlan([aService()])], withoutObjects: true, node: { localIps: [] } });

test("families are those that rules or objects tell of", () => {
  expect([familiesIn(context), familiesIn(rulesOnly)]).toEqual([[4, 6], [4]]);
  expect([modelOf(context.objects, 6)?.view.family, modelOf(rulesOnly.objects, 4)]).toEqual([6, undefined]);
});

test.each([
  ["192.168.0.2", true],
  ["172.16.0.2", true],
  ["127.0.0.9", true],
  ["::1", true],
  ["192.168.0.3", false],
])("%s is the node's: %s", (ip, is) => {
  expect(isNodeIp(context, anIp(ip))).toBe(is);
});

test("the node speaks from its first address that is not loopback, where one is known", () => {
  expect([nodeIp(context, 4), nodeIp(context, 6), nodeIp(rulesOnly, 4)]).toEqual([
    "192.168.0.2",
    "fd00:192::2",
    undefined,
  ]);
});

test("pods are told by the Node's blocks, by given ones, and by how local traffic is detected", () => {
  const asked = (ip: string, given = context) => isPodIp(given, anIp(ip));
  expect([asked("10.1.9.9"), asked("10.9.9.9"), asked("11.0.0.1"), asked("fd00:1::9")]).toEqual([
    true,
    true,
    false,
    true,
  ]);
  const bridged = aContext([], {
    settings: { detectLocal: { mode: "BridgeInterface", bridgeInterface: "cni0" } },
    node: { podCidrs: [aCidr("10.7.0.0/16")] },
  });
  expect([asked("10.7.1.1", bridged), asked("10.1.1.1", bridged), asked("10.1.1.1", rulesOnly)]).toEqual([
    true,
    false,
    false,
  ]);
});
