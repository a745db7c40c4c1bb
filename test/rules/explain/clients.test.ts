// Tests of rules/explain/clients.ts.
import { describe, expect, test } from "@jest/globals";
import {
  findClient,
  isClient,
  isFateOf,
  isLocalPod,
  nodeStandIn,
  type Client,
} from "../../../rules/explain/clients.ts";
import { parseFrom, type From } from "../../../rules/explain/question.ts";
import { aService, aSlice, anIp } from "../../make/objects.ts";
import { aView } from "../../make/node.ts";
import { aContext, aPlan, aPod, type ContextFields } from "./a-context.ts";

const from = (text: string) => parseFrom(text) as From;
const found = (text: string, fields: ContextFields = {}, family: 4 | 6 = 4) =>
  findClient(
    from(text),
    family,
    aContext(
      [aService({ externalIps: ["203.0.113.7"] }), aSlice({ endpoints: [{ ip: "11.0.0.1", pod: "far" }] })],
      fields,
    ),
  );
const client = (text: string, fields: ContextFields = {}): Client => {
  const one = found(text, fields);
  if (!isClient(one)) throw new Error(`bug: ${one.code}`);
  return one;
};

describe("who sends:", () => {
  test.each<[string, Partial<Client>]>([
    ["node", { source: anIp("192.168.0.2"), origin: "node", inside: true, standsFor: undefined }],
    ["172.16.0.2", { source: anIp("172.16.0.2"), origin: "node", inside: true }],
    ["10.1.0.9", { origin: "network", inside: true }],
    ["11.0.0.1", { origin: "network", inside: true }],
    ["198.51.100.1", { origin: "network", inside: false }],
    [
      "pod/default/far",
      { source: anIp("11.0.0.1"), origin: "network", inside: true, pod: { name: "default/far", nodeName: undefined } },
    ],
    // 203.0.113.7 is an external IP here.
    ["outside", { source: anIp("203.0.113.8"), origin: "network", inside: false, standsFor: "outside" }],
  ])("%s", (text, fields) => {
    expect(client(text)).toMatchObject(fields);
  });

  test("without objects it is not known of an address whether it is inside", () => {
    expect(client("10.1.0.9", { dumps: [aPlan([aService()])], withoutObjects: true }).inside).toBeUndefined();
  });

  test("a pod on this node's network is the node, one on another's is not", () => {
    const pod = (nodeName: string) =>
      aPod("a", { nodeName, hostNetwork: true, status: { phase: "Running", ips: [anIp("11.0.0.5")], ready: true } });
    expect(client("pod/default/a", { pods: [pod("here")] }).origin).toBe("node");
    expect(client("pod/default/a", { pods: [pod("there")] }).origin).toBe("network");
  });

  test("the interface is the one that is told, and a process of the node has none", () => {
    expect(["outside", "node"].map((text) => client(text, { inInterface: "eth0" }).inInterface)).toEqual([
      "eth0",
      undefined,
    ]);
  });

  test("a node without a known address is stood in for", () => {
    const nowhere = { node: { localIps: [], primaryIps: [] } };
    expect(client("node", nowhere)).toMatchObject({ source: nodeStandIn(4), standsFor: "node" });
  });

  test("of the other family there is none", () => {
    expect(found("10.1.0.9", {}, 6)).toMatchObject({ code: "no-client-of-family" });
    expect(found("pod/default/far", {}, 6)).toMatchObject({ code: "no-client-of-family" });
    expect(found("outside", {}, 6)).toMatchObject({ source: "2001:db8:ffff::7" });
  });
});

describe("pods are told by", () => {
  const bridge = aView({ settings: { detectLocal: { mode: "InterfaceNamePrefix", interfaceNamePrefix: "veth" } } });
  const pod = (nodeName: string) => ({
    pods: [aPod("a", { nodeName, status: { phase: "Running", ips: [anIp("10.1.0.9")], ready: true } })],
  });

  test("their address", () => {
    expect(["10.1.0.9", "198.51.100.1"].map((text) => isLocalPod(client(text), aView()))).toEqual([true, false]);
  });

  test("the interface, where it is known; else a pod of this node is one, and of others nobody can tell", () => {
    expect(isLocalPod(client("10.1.0.9", { inInterface: "veth1" }), bridge)).toBe(true);
    expect(isLocalPod(client("10.1.0.9", { inInterface: "eth0" }), bridge)).toBe(false);
    expect(isLocalPod(client("10.1.0.9"), bridge)).toBeUndefined();
    expect(isLocalPod(client("pod/default/a", pod("here")), bridge)).toBe(true);
    expect(isLocalPod(client("pod/default/a", pod("there")), bridge)).toBe(false);
    expect(isLocalPod(client("node"), bridge)).toBe(false);
  });

  test("nothing, where nothing is configured", () => {
    const open = aView({ settings: { detectLocal: { mode: "ClusterCIDR", cidrs: [] } } });
    expect(isLocalPod(client("10.1.0.9"), open)).toBe(false);
  });
});

test.each([
  ["node", [false, true, true]],
  ["10.1.0.9", [true, false, true]],
  ["outside", [false, false, true]],
] as const)("%s belongs to the rows that are for it", (text, belongs) => {
  const verdict = { kind: "reject", because: "no-endpoints" } as const;
  const rows = (["local-pods", "this-node", "anyone"] as const).map((row) =>
    isFateOf({ from: row, verdict }, client(text), aView()),
  );
  expect(rows).toEqual(belongs);
});
