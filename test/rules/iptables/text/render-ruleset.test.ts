// Tests of rules/iptables/text/render-ruleset.ts.
import { expect, test } from "@jest/globals";
import { emptyRuleset } from "../../../../rules/iptables/ruleset/chain.ts";
import { renderRuleset } from "../../../../rules/iptables/text/render-ruleset.ts";
import { createFakeKernel } from "../../../../src/kernel/fake.ts";
import { rulesetOf } from "../../../make/node.ts";
import { aCluster, aService, aSlice } from "../../../make/objects.ts";

const text = renderRuleset(rulesetOf(aCluster(aService(), aSlice())));

test("has the tables filter and nat, each declared before it is used and committed", () => {
  expect(text.match(/^(\*\w+|COMMIT)$/gm)).toEqual(["*filter", "COMMIT", "*nat", "COMMIT"]);
  for (const [, chain = ""] of text.matchAll(/^-A (KUBE-\S+)/gm)) expect(text).toContain(`:${chain} - [0:0]\n`);
});

test("is one line a rule, the last one ended", () => {
  expect(
    text
      .split("\n")
      .filter((line) => line !== "")
      .every((line) => /^(\*|:|-A |COMMIT)/.test(line)),
  ).toBe(true);
  expect(text.endsWith("COMMIT\n")).toBe(true);
});

test("of nothing is nothing", () => {
  expect(renderRuleset(emptyRuleset(4))).toBe("");
});

test("can be restored as it stands", async () => {
  expect(await createFakeKernel().restore(4, text)).toEqual({ ok: true });
});
