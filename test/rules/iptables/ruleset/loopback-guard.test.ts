// Tests of rules/iptables/ruleset/loopback-guard.ts.
import { expect, test } from "@jest/globals";
import { guardJump, loopbackGuard } from "../../../../rules/iptables/ruleset/loopback-guard.ts";
import { ruleLine } from "../../../../rules/iptables/text/render-rule.ts";

test("it is what kubelet writes, so that neither writes the other's anew", () => {
  expect(loopbackGuard.rules.map((rule) => ruleLine(loopbackGuard.name, rule))).toEqual([
    '-A KUBE-FIREWALL ! -s 127.0.0.0/8 -d 127.0.0.0/8 -m comment --comment "block incoming localnet connections" -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP',
  ]);
  const jump = guardJump("INPUT");
  expect(ruleLine(jump.from, jump.rule)).toBe("-A INPUT -j KUBE-FIREWALL");
});
