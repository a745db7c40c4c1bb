// Tests of src/agent/node-view.ts.
import { describe, expect, test } from "@jest/globals";
import type { Node } from "../../../rules/index.ts";
import { createViews, type NodeFacts } from "../../../src/agent/node-view.ts";
import { someSettings } from "../../make/node.ts";
import { aCidr, anIp } from "../../make/objects.ts";

const localIps = ["192.168.0.2", "10.0.0.9", "127.0.0.1", "fd00:192::2", "::1"].map(anIp);
const aNode = (fields: Partial<Node> = {}): Node => ({
  name: "here",
  zone: "zone-a",
  podCidrs: [aCidr("10.1.0.0/16"), aCidr("fd00:1::/64")],
  addresses: ["192.168.0.7", "192.168.0.8", "fd00:192::7"].map(anIp),
  ...fields,
});
const facts = (fields: Partial<NodeFacts> = {}): NodeFacts => ({ name: "here", node: aNode(), localIps, ...fields });
const settings = someSettings({ detectLocal: { mode: "NodeCIDR" }, nodePortAddresses: "primary" });

describe("the view is the same object while nothing of the node changes", () => {
  test.each<[string, Partial<NodeFacts>, boolean]>([
    ["the same facts as other objects", { node: aNode(), localIps: [...localIps] }, true],
    ["an address that no rule depends on", { localIps: [...localIps, anIp("10.0.0.77")] }, true],
    ["another name", { name: "there" }, false],
    ["another zone", { node: aNode({ zone: "zone-b" }) }, false],
    ["no zone any more", { node: aNode({ zone: undefined }) }, false],
    ["another pod range", { node: aNode({ podCidrs: [aCidr("10.2.0.0/16")] }) }, false],
    ["another primary address", { node: aNode({ addresses: [anIp("192.168.0.8")] }) }, false],
    ["a Node that is gone", { node: undefined }, false],
  ])("%s", (_, change, isSame) => {
    const views = createViews(settings);
    const before = views(facts(), 4);
    expect(views(facts(change), 4) === before).toBe(isSame);
  });

  test("of both families, asked for in turn", () => {
    const views = createViews(settings);
    const first = [views(facts(), 4), views(facts(), 6)];
    expect(first.map(({ family }) => family)).toEqual([4, 6]);
    expect([views(facts(), 4) === first[0], views(facts(), 6) === first[1]]).toEqual([true, true]);
  });

  test("once it changed, the new one is kept", () => {
    const views = createViews(settings);
    views(facts(), 4);
    const after = views(facts({ name: "there" }), 4);
    expect(views(facts({ name: "there" }), 4)).toBe(after);
  });
});

test.each<[string, Partial<NodeFacts>, 4 | 6, object]>([
  ["the Node's first address of the family", {}, 4, { nodeIp: "192.168.0.7", nodePortIps: ["192.168.0.7"] }],
  ["the Node's first IPv6 address", {}, 6, { nodeIp: "fd00:192::7" }],
  ["the host's first address while the Node is unknown", { node: undefined }, 4, { nodeIp: "192.168.0.2" }],
  [
    "the host's first address where the Node has none",
    { node: aNode({ addresses: [] }) },
    6,
    { nodeIp: "fd00:192::2" },
  ],
  ["the Node's pods", {}, 4, { localPods: { kind: "source", cidr: "10.1.0.0/16" } }],
  ["the Node's zone", {}, 4, { zone: "zone-a", nodeName: "here" }],
  ["no pods and no zone while the Node is unknown", { node: undefined }, 4, { localPods: undefined, zone: undefined }],
])("the view has %s", (_, change, family, expected) => {
  expect(createViews(settings)(facts(change), family)).toMatchObject(expected);
});
