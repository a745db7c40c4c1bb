// Tests of src/ipvs/leave.ts, over a fake kernel.
import { expect, test } from "@jest/globals";
import { ownedByIpvs } from "../../../rules/ipvs/ownership.ts";
import { applyState } from "../../../src/ipvs/apply-state.ts";
import { holdsIpvsState, leaveIpvs, stepsToRules } from "../../../src/ipvs/leave.ts";
import { observe } from "../../../src/ipvs/observe.ts";
import { apply } from "../../../src/kernel/apply.ts";
import { aFakeIpvsKernel } from "../../make/fake-ipvs-kernel.ts";
import { rulesetOf } from "../../make/node.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";
import { aWebState, idle, realsOf } from "./an-ipvs-build.ts";

const rules = rulesetOf(
  aCluster(
    aService({ type: "NodePort", ports: [{ nodePort: 30080 }] }),
    aSlice({ endpoints: ["10.1.0.1", "10.1.0.2"] }),
  ),
);

async function anIpvsNode() {
  const kernel = await aFakeIpvsKernel();
  await applyState(kernel, aWebState(), idle);
  return kernel;
}

test("state is there as soon as a set or the device is", async () => {
  const kernel = await aFakeIpvsKernel({ sets: "create KUBE-SOMETHING hash:ip family inet\n" });
  expect(await holdsIpvsState(kernel)).toBe(false);
  kernel.tools.ip("link add kube-ipvs0 type dummy\n");
  expect(await holdsIpvsState(kernel)).toBe(true);
  const six = await aFakeIpvsKernel({ sets: "create KUBE-6-CLUSTER-IP hash:ip,port family inet6\n" });
  expect(await holdsIpvsState(six)).toBe(true);
});

test("after the rules of iptables mode, open connections keep their virtual server until they end", async () => {
  const kernel = await anIpvsNode();
  kernel.connections.set("10.1.0.1:8080", 1);
  expect((await apply(kernel.rules, rules, ownedByIpvs)).left).toEqual([]);
  const inForce = await kernel.rules.readRules(4);
  expect(inForce).not.toMatch(/IPVS|--match-set/);

  const left = await leaveIpvs(kernel, 4, idle);
  expect([left.refused, left.left, left.draining]).toEqual([undefined, [], 3]);
  expect(realsOf(kernel)).toEqual(["10.1.0.1:8080 0"]);
  expect(kernel.tools.addresses()).toContain("10.96.0.1");

  kernel.connections.clear();
  expect((await leaveIpvs(kernel, 4, idle)).draining).toBe(0);
  expect([kernel.tools.servers(), kernel.tools.sets(), await holdsIpvsState(kernel)]).toEqual(["", "", false]);
  expect(await kernel.rules.readRules(4)).toBe(inForce);
  expect((await leaveIpvs(kernel, 4, idle)).steps).toEqual([]);
});

test("the steps there begin with the rules, and end on a node without state of this mode", async () => {
  const kernel = await anIpvsNode();
  const [first, ...others] = stepsToRules(await observe(kernel, 4), rules, idle);
  expect(first?.tool).toBe("iptables");
  expect(others.map(({ tool }) => tool)).not.toContain("iptables");
  await apply(kernel.rules, rules, ownedByIpvs);
  await leaveIpvs(kernel, 4, idle);
  expect(stepsToRules(await observe(kernel, 4), rules, idle)).toEqual([]);
});

test("and back to IPVS mode, at any moment, gives what a fresh node gets", async () => {
  const kernel = await anIpvsNode();
  const texts = async () => [
    kernel.tools.servers(),
    kernel.tools.sets().split("\n").sort().join("\n"),
    (await kernel.rules.readRules(4)).split("\n").sort().join("\n"),
  ];
  const before = await texts();
  kernel.connections.set("10.1.0.1:8080", 1);
  await apply(kernel.rules, rules, ownedByIpvs);
  await leaveIpvs(kernel, 4, idle);
  expect((await applyState(kernel, aWebState(), idle)).left).toEqual([]);
  const after = await texts();
  expect(after[1]).toBe(before[1]);
  expect(after[2]).toBe(before[2]);
  expect(after[0]?.split("\n").sort()).toEqual(before[0]?.split("\n").sort());
});
