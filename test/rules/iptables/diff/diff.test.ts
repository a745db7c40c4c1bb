// Tests of rules/iptables/diff/diff.ts. Its laws are tested in contract.test.ts; here: what is compared and what is left alone.
import { describe, expect, test } from "@jest/globals";
import { chainOf } from "../../../../rules/iptables/diff/change.ts";
import { diffRulesets, sameRules } from "../../../../rules/iptables/diff/diff.ts";
import { emptyRuleset } from "../../../../rules/iptables/ruleset/chain.ts";
import { comment, drop } from "../../../../rules/iptables/ruleset/rule.ts";
import { parseRuleset } from "../../../../rules/iptables/text/parse.ts";
import { renderRuleset } from "../../../../rules/iptables/text/render-ruleset.ts";
import { aView, rulesetOf } from "../../../make/node.ts";
import { aCluster, aService, aSlice } from "../../../make/objects.ts";

const desired = rulesetOf(aCluster(aService(), aSlice()));
const text = renderRuleset(desired);
const kubelet = "*mangle\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n";

const from = (dump: string) =>
  diffRulesets(parseRuleset(dump, 4), desired).map((change) => `${change.kind} ${change.table} ${chainOf(change)}`);

describe("from a dump that differs", () => {
  test.each<[string, (dump: string) => string, string[]]>([
    ["nothing", (dump) => dump, []],
    ["an own rule gone", (dump) => dump.replace(/-A KUBE-MARK-MASQ.*\n/, ""), ["rewrite-chain nat KUBE-MARK-MASQ"]],
    [
      "an own rule changed",
      (dump) => dump.replace("0x4000/0x4000 -j ACCEPT", "0x8000/0x8000 -j ACCEPT"),
      ["rewrite-chain filter KUBE-FORWARD"],
    ],
    [
      "a rule added to an own chain",
      (dump) => dump.replace("-A KUBE-MARK-MASQ", "-A KUBE-MARK-MASQ -j RETURN\n-A KUBE-MARK-MASQ"),
      ["rewrite-chain nat KUBE-MARK-MASQ"],
    ],
    [
      "a stale chain",
      (dump) => dump.replace(":KUBE-MARK-MASQ", ":KUBE-SVC-OLD - [0:0]\n:KUBE-MARK-MASQ"),
      ["delete-chain nat KUBE-SVC-OLD"],
    ],
    ["a jump gone", (dump) => dump.replace(/-A PREROUTING.*\n/, ""), ["insert-jump nat PREROUTING"]],
    [
      "a jump that is not wanted",
      (dump) => dump.replace("-A PREROUTING", "-A PREROUTING -i eth9 -j KUBE-SERVICES\n-A PREROUTING"),
      ["delete-jump nat PREROUTING"],
    ],
    [
      "rules of others before and after a jump",
      (dump) => dump.replace(/(-A PREROUTING.*\n)/, "-A PREROUTING -j cali-1\n$1-A PREROUTING -j cali-2\n"),
      [],
    ],
  ])("%s", (_, change, expected) => {
    expect(from(change(text))).toEqual(expected);
  });
});

test("jumps that are missing are put first in the order in which packets shall meet them", () => {
  const inserts = diffRulesets(emptyRuleset(4), desired).filter(
    (change) => change.kind === "insert-jump" && change.from === "FORWARD",
  );
  const targets = inserts.map((change) =>
    change.kind === "insert-jump" && change.rule.target?.kind === "jump" ? change.rule.target.chain : "",
  );
  // Each is put before those before it.
  expect(targets.toReversed()).toEqual([
    "KUBE-PROXY-FIREWALL",
    "KUBE-FORWARD",
    "KUBE-SERVICES",
    "KUBE-EXTERNAL-SERVICES",
  ]);
});

describe("kubelet's chain", () => {
  const others =
    "*filter\n:KUBE-FIREWALL - [0:0]\n-A INPUT -j KUBE-FIREWALL\n-A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP\nCOMMIT\n";

  test("keeps the rules of others, before ours", () => {
    const [change] = diffRulesets(parseRuleset(kubelet + others, 4), desired).filter(
      (each) => chainOf(each) === "KUBE-FIREWALL",
    );
    expect(change?.kind === "rewrite-chain" && change.after.rules.length).toBe(2);
    expect(change?.kind === "rewrite-chain" && change.after.rules[0]).toEqual(
      change?.kind === "rewrite-chain" && change.before.rules[0],
    );
  });

  test("is not deleted, nor are the jumps to it", () => {
    const without = rulesetOf(aCluster(), aView({ settings: { localhostNodePorts: false } }));
    for (const wanted of [without, emptyRuleset(4)]) {
      const changes = diffRulesets(parseRuleset(kubelet + others, 4), wanted);
      expect(changes.map(chainOf)).not.toContain("KUBE-FIREWALL");
      expect(changes.map(({ kind }) => kind)).not.toContain("delete-jump");
    }
  });
});

test("rules are the same that have the same text", () => {
  const [a, b] = [
    { matches: [comment("x")], target: drop },
    { matches: [comment("x")], target: { ...drop } },
  ];
  expect(sameRules([a], [b])).toBe(true);
  expect(sameRules([a], [a, b])).toBe(false);
  expect(sameRules([a], [{ matches: [comment("y")], target: drop }])).toBe(false);
});
