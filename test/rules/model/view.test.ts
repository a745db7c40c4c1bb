// Tests of rules/model/view.ts.
import { describe, expect, test } from "@jest/globals";
import type { Settings } from "../../../rules/model/settings.ts";
import { needsLoopbackGuard, needsRouteLocalnet } from "../../../rules/model/view.ts";
import { aView } from "../../make/node.ts";
import { aCidr, anIp } from "../../make/objects.ts";

describe("how local pods are told", () => {
  const cidrs = ["10.0.0.0/8", "10.9.0.0/16", "fd00:1::/48"].map(aCidr);
  test.each<[Settings["detectLocal"], unknown, unknown]>([
    [
      { mode: "ClusterCIDR", cidrs },
      { kind: "source", cidr: "10.0.0.0/8" },
      { kind: "source", cidr: "fd00:1::/48" },
    ],
    [{ mode: "ClusterCIDR", cidrs: cidrs.slice(0, 1) }, { kind: "source", cidr: "10.0.0.0/8" }, undefined],
    [{ mode: "ClusterCIDR", cidrs: [] }, undefined, undefined],
    [{ mode: "NodeCIDR" }, { kind: "source", cidr: "10.1.0.0/16" }, { kind: "source", cidr: "fd00:1::/64" }],
    [
      { mode: "BridgeInterface", bridgeInterface: "cni0" },
      { kind: "interface", name: "cni0" },
      { kind: "interface", name: "cni0" },
    ],
    [
      { mode: "InterfaceNamePrefix", interfaceNamePrefix: "veth" },
      { kind: "interface", name: "veth+" },
      { kind: "interface", name: "veth+" },
    ],
  ])("%j", (detectLocal, v4, v6) => {
    expect(aView({ settings: { detectLocal } }).localPods).toEqual(v4);
    expect(aView({ family: 6, settings: { detectLocal } }).localPods).toEqual(v6);
  });
});

describe("where node ports answer", () => {
  test.each<[string, Settings["nodePortAddresses"], boolean, unknown, unknown]>([
    ["all", "all", true, "all", "all"],
    ["primary", "primary", true, ["192.168.0.2"], ["fd00:192::2"]],
    [
      "blocks: the node's addresses in them, in order",
      ["172.16.0.0/12", "192.168.0.0/16"].map(aCidr),
      true,
      ["172.16.0.2", "192.168.0.2"],
      "all",
    ],
    ["a block of loopback", [aCidr("127.0.0.0/8")], true, ["127.0.0.1"], "all"],
    ["a block of loopback without localhostNodePorts", [aCidr("127.0.0.0/8")], false, [], "all"],
    ["a block that the node has nothing in", [aCidr("198.18.0.0/15")], true, [], "all"],
    ["a zero block", [aCidr("0.0.0.0/0"), aCidr("fd00:192::/64")], true, "all", ["fd00:192::2"]],
    ["loopback never over IPv6", [aCidr("::1/128"), aCidr("fd00:192::/64")], true, "all", ["fd00:192::2"]],
  ])("%s", (_, nodePortAddresses, localhostNodePorts, v4, v6) => {
    const settings = { nodePortAddresses, localhostNodePorts };
    expect(aView({ settings }).nodePortIps).toEqual(v4);
    expect(aView({ family: 6, settings }).nodePortIps).toEqual(v6);
  });

  test("primary, on a node that knows no address of its own, is all", () => {
    expect(aView({ node: { primaryIps: [] }, settings: { nodePortAddresses: "primary" } }).nodePortIps).toBe("all");
  });
});

test.each<[Partial<Settings>, 4 | 6, boolean, boolean]>([
  [{}, 4, true, true],
  [{}, 6, false, false],
  [{ localhostNodePorts: false }, 4, false, false],
  [{ nodePortAddresses: "primary" }, 4, false, true],
  [{ nodePortAddresses: [aCidr("127.0.0.0/8")] }, 4, true, true],
])("with %j, IPv%d: loopback routed %s, guarded %s", (settings, family, routed, guarded) => {
  const view = aView({ family, settings });
  expect([needsRouteLocalnet(view), needsLoopbackGuard(view)]).toEqual([routed, guarded]);
});

test.each([
  [0, 1],
  [14, 0x4000],
  [31, 0x80000000],
])("masquerade bit %d is the mark %d", (masqueradeBit, mark) => {
  expect(aView({ settings: { masqueradeBit } }).mark).toBe(mark);
});

test.each([
  [undefined, ["192.168.0.2"], "192.168.0.2"],
  ["198.51.100.7", ["192.168.0.2"], "198.51.100.7"],
  ["2001:db8::1", ["192.168.0.2"], "192.168.0.2"],
  [undefined, [], "127.0.0.1"],
])("the node's own address: bound to %s, primary %j: %s", (bound, primary, expected) => {
  const settings = { bindAddress: bound === undefined ? undefined : anIp(bound) };
  expect(aView({ node: { primaryIps: primary.map(anIp) }, settings }).nodeIp).toBe(expected);
});

test("INVALID packets are dropped unless TCP is liberal", () => {
  expect([false, true].map((tcpBeLiberal) => aView({ settings: { tcpBeLiberal } }).dropInvalid)).toEqual([true, false]);
});
