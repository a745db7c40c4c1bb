// Tests of src/agent/rules-keeper.ts. With proxiers that use it: proxier-check.test.ts, ipvs-proxier.test.ts.
import { expect, test } from "@jest/globals";
import {
  diffRulesets,
  ownedByIpvs,
  ownedByUs,
  parseRuleset,
  type Ownership,
  type Ruleset,
} from "../../../rules/index.ts";
import { write, writeChanges } from "../../../src/agent/kernel-writer.ts";
import { createRulesKeeper } from "../../../src/agent/rules-keeper.ts";
import { createFakeKernel } from "../../../src/kernel/fake.ts";
import { rulesetOf } from "../../make/node.ts";
import { cluster } from "./an-ipvs-proxier.ts";

/** What is left of a mode that was served before: a chain and the jump to it. */
const ofIpvsMode =
  "*filter\n:KUBE-IPVS-FILTER - [0:0]\n-A INPUT -j KUBE-IPVS-FILTER\n-A KUBE-IPVS-FILTER -j RETURN\nCOMMIT\n";

async function written(owns: Ownership, rules = "") {
  const kernel = createFakeKernel({ rules: { 4: rules } });
  const keeper = createRulesKeeper(kernel, owns);
  const desired: Ruleset = rulesetOf(cluster("a"));
  const text = await kernel.readRules(4);
  const done = await write(kernel, parseRuleset(text, 4, owns), desired);
  if (!done.ok) throw new Error(done.refused.message);
  keeper.wrote(desired, done, text);
  return { kernel, keeper, desired };
}

test("chains that are owned and not wanted are no rules as they were written", async () => {
  const { kernel, keeper, desired } = await written(ownedByIpvs, ofIpvsMode);
  expect(await kernel.readRules(4)).not.toContain("KUBE-IPVS-FILTER");
  expect(await keeper.isAsWritten(desired, true)).toBe(true);
  await kernel.restore(4, ofIpvsMode);
  expect(await keeper.isAsWritten(desired, true)).toBe(false);
  const other = await written(ownedByUs, ofIpvsMode);
  expect(await other.kernel.readRules(4)).toContain("KUBE-IPVS-FILTER");
  expect(await other.keeper.isAsWritten(other.desired, true)).toBe(true);
});

test("a jump that others have come before is put back once, and then let be", async () => {
  const { kernel, keeper, desired } = await written(ownedByUs);
  expect(await keeper.isAsWritten(desired, true)).toBe(true);
  const overtake = "*nat\n-I PREROUTING -p tcp -j ACCEPT\nCOMMIT\n";
  const repair = async () => {
    const text = await kernel.readRules(4);
    const missing = diffRulesets(parseRuleset(text, 4), desired);
    const { moves, done } = keeper.plan(desired, text, missing);
    const wrote = await writeChanges(kernel, 4, [...missing, ...moves]);
    return wrote.ok ? done(wrote).changes.map(({ kind }) => kind) : undefined;
  };
  await kernel.restore(4, overtake);
  expect(await keeper.isAsWritten(desired, true)).toBe(false);
  expect(await repair()).toEqual(["move-jump"]);
  expect(await keeper.isAsWritten(desired, true)).toBe(true);
  await kernel.restore(4, "*nat\n-D PREROUTING -p tcp -j ACCEPT\nCOMMIT\n");
  await kernel.restore(4, overtake);
  expect(await repair()).toEqual([]);
  expect(await keeper.isAsWritten(desired, true)).toBe(true);
});
