// Tests of rules/iptables/diff/change.ts.
import { expect, test } from "@jest/globals";
import { chainOf, type Change } from "../../../../rules/iptables/diff/change.ts";
import { diffRulesets } from "../../../../rules/iptables/diff/diff.ts";
import { emptyRuleset } from "../../../../rules/iptables/ruleset/chain.ts";
import { rulesetOf } from "../../../make/node.ts";
import { aCluster, aService, aSlice } from "../../../make/objects.ts";

test("every kind of change is about a chain", () => {
  const [a, b] = [rulesetOf(aCluster(aService(), aSlice())), rulesetOf(aCluster(aService()))];
  const moves = a.tables.nat.jumps.map((jump): Change => ({ kind: "move-jump", table: "nat", at: 1, ...jump }));
  const all = [
    ...moves,
    ...diffRulesets(emptyRuleset(4), a),
    ...diffRulesets(a, b),
    ...diffRulesets(b, emptyRuleset(4)),
  ];
  expect(new Set(all.map(({ kind }) => kind))).toEqual(
    new Set(["create-chain", "rewrite-chain", "delete-chain", "insert-jump", "move-jump", "delete-jump"]),
  );
  for (const change of all) expect(chainOf(change)).toMatch(/^(KUBE-\S+|PREROUTING|INPUT|FORWARD|OUTPUT|POSTROUTING)$/);
});
