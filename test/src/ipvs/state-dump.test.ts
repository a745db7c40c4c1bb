// Tests of src/ipvs/state-dump.ts.
import { expect, test } from "@jest/globals";
import { applyState, stepsTo } from "../../../src/ipvs/apply-state.ts";
import { parseState } from "../../../src/ipvs/observe.ts";
import { splitState } from "../../../src/ipvs/state-dump.ts";
import { renderIpvsPlan } from "../../../src/output/ipvs-text.ts";
import { aWeb, aWeb6 } from "../commands/a-manifest.ts";
import { aDesired } from "../desired/a-desired.ts";
import { aFakeIpvsKernel } from "../../make/fake-ipvs-kernel.ts";
import { aWebState, idle } from "./an-ipvs-build.ts";

test("outputs of all five tools, in any order, are told apart", async () => {
  const kernel = await aFakeIpvsKernel();
  const states = [aWebState(), aWebState(["fd00:1::1"])];
  for (const state of states) await applyState(kernel, state, idle);
  const outputs = [
    await kernel.rules.readRules(4),
    await kernel.rules.readRules(6),
    kernel.tools.sets(),
    `${kernel.tools.addresses()}\n`,
    kernel.tools.servers(),
  ];
  for (const order of [outputs, outputs.toReversed()]) {
    const dump = splitState(order.join(""));
    for (const state of states) {
      const observed = parseState({ ...dump, rules: dump.rules[state.family] ?? "" }, state.family);
      expect([observed.problems, stepsTo(observed, state, idle)]).toEqual([[], []]);
    }
  }
});

test("of a tool whose output is not there, there is nothing", () => {
  expect(splitState("*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n")).toMatchObject({
    sets: "",
    addresses: "",
    servers: "",
  });
  expect(splitState("[]\n")).toMatchObject({ addresses: "[]\n" });
});

test("rules with counters are rules", () => {
  expect(splitState("*nat\n[1:60] -A KUBE-SERVICES -j KUBE-X\nCOMMIT\n")).toMatchObject({ addresses: "", servers: "" });
});

test("a plan is a dump of a node where it was put in force, each family by itself", () => {
  for (const families of [[4], [6], [4, 6]] as const) {
    const desired = aDesired(aWeb() + aWeb6(), { backend: "ipvs", nodeName: "a", families });
    const dump = splitState([...renderIpvsPlan(desired, "nft")].join(""));
    expect(Object.keys(dump.rules)).toEqual(families.map(String));
    for (const { state } of desired.ipvsBuilds) {
      const observed = parseState({ ...dump, rules: dump.rules[state.family] ?? "" }, state.family);
      expect([observed.problems, stepsTo(observed, state, idle)]).toEqual([[], []]);
    }
  }
});
