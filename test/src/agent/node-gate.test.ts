// Tests of src/agent/node-gate.ts.
import { afterEach, expect, test } from "@jest/globals";
import { setTimeout as after } from "node:timers/promises";
import type { DetectLocal } from "../../../rules/index.ts";
import { createNodeGate, type NodeGate } from "../../../src/agent/node-gate.ts";
import { aCidr } from "../../make/objects.ts";

const gates: NodeGate[] = [];
afterEach(() => {
  for (const gate of gates.splice(0)) gate.stop();
});

/** A gate, and how often it was told to be late. */
function aGate(detectLocal: DetectLocal, waitSeconds = 60) {
  let late = 0;
  const onLate = () => (late += 1);
  const gate = createNodeGate({ detectLocal, waitSeconds, onLate });
  gates.push(gate);
  return { gate, late: () => late };
}

const aNode = (...podCidrs: string[]) => ({
  ...{ name: "here", zone: undefined, addresses: [] },
  podCidrs: podCidrs.map(aCidr),
});

test.each<DetectLocal>([
  { mode: "ClusterCIDR", cidrs: [] },
  { mode: "BridgeInterface", bridgeInterface: "cni0" },
  { mode: "InterfaceNamePrefix", interfaceNamePrefix: "veth" },
])("is open from the start with %j", (detectLocal) => {
  expect(aGate(detectLocal).gate.isOpen()).toBe(true);
});

test("with NodeCIDR it opens with the Node's podCIDRs, and stays open", async () => {
  const { gate, late } = aGate({ mode: "NodeCIDR" }, 0.05);
  expect(gate.isOpen()).toBe(false);
  gate.see(undefined);
  gate.see(aNode());
  expect(gate.isOpen()).toBe(false);
  gate.see(aNode("10.1.0.0/24"));
  expect(gate.isOpen()).toBe(true);
  gate.see(undefined);
  expect(gate.isOpen()).toBe(true);
  await after(80);
  expect(late()).toBe(0);
});

test("with NodeCIDR it opens once the time is up, and says so once", async () => {
  const { gate, late } = aGate({ mode: "NodeCIDR" }, 0.02);
  gate.see(aNode());
  await after(60);
  expect([gate.isOpen(), late()]).toEqual([true, 1]);
});

test("says nothing after stop", async () => {
  const { gate, late } = aGate({ mode: "NodeCIDR" }, 0.02);
  gate.stop();
  await after(60);
  expect(late()).toBe(0);
});
