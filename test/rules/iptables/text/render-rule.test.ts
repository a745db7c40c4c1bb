// Tests of rules/iptables/text/render-rule.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { comment, drop, jumpTo, masquerade, type Rule } from "../../../../rules/iptables/ruleset/rule.ts";
import { chainName } from "../../../../rules/iptables/ruleset/chain-name.ts";
import { parseRule } from "../../../../rules/iptables/text/parse-rule.ts";
import { splitWords } from "../../../../rules/iptables/text/quote.ts";
import { renderRule, ruleLine } from "../../../../rules/iptables/text/render-rule.ts";
import { values } from "../../../../rules/radix/radix.ts";
import { clusters, views } from "../../../make/arbitrary.ts";
import { rulesetOf } from "../../../make/node.ts";
import { aCidr } from "../../../make/objects.ts";
import { hostileRule } from "./hostile.ts";

describe("as the kernel prints it", () => {
  const ip = { is: aCidr("10.0.0.1/32") };
  test.each<[string, Rule]>([
    ["", { matches: [] }],
    [" -j DROP", { matches: [], target: drop }],
    [
      " -s 10.0.0.1/32 ! -d 10.0.0.1/32 -i eth0 -o veth+ -p tcp",
      {
        source: ip,
        destination: { ...ip, not: true },
        inInterface: { is: "eth0" },
        outInterface: { is: "veth+" },
        protocol: { is: "tcp" },
        matches: [],
      },
    ],
    [' -m comment --comment "a b" -j KUBE-X', { matches: [comment("a b")], target: jumpTo(chainName("KUBE-X")) }],
    [" -m comment --comment ab_c-d", { matches: [comment("ab_c-d")] }],
    [' -m comment --comment "a/b:c"', { matches: [comment("a/b:c")] }],
    [" -m tcp --dport 80", { matches: [{ kind: "destination-ports", protocol: "tcp", low: 80, high: 80 }] }],
    [" -m udp --dport 80:95", { matches: [{ kind: "destination-ports", protocol: "udp", low: 80, high: 95 }] }],
    [
      " -m addrtype --src-type LOCAL ! --dst-type LOCAL",
      { matches: [{ kind: "address-type", source: { is: "LOCAL" }, destination: { is: "LOCAL", not: true } }] },
    ],
    [
      " -m conntrack ! --ctstate RELATED,ESTABLISHED",
      { matches: [{ kind: "connection-state", not: true, states: ["RELATED", "ESTABLISHED"] }] },
    ],
    [" -m mark ! --mark 0x4000/0x4000", { matches: [{ kind: "mark", not: true, value: 0x4000, mask: 0x4000 }] }],
    [" -m mark --mark 0x80000000/0x80000000", { matches: [{ kind: "mark", value: 2 ** 31, mask: 2 ** 31 }] }],
    [" -m mark --mark 0x1", { matches: [{ kind: "mark", value: 1, mask: 0xffffffff }] }],
    [
      " -m recent --rcheck --seconds 60 --reap --name L --mask 255.255.255.255 --rsource",
      { matches: [{ kind: "recent", action: "rcheck", reapSeconds: 60, list: "L", mask: "255.255.255.255" }] },
    ],
    [
      " -m recent --set --name L --mask 255.255.255.255 --rsource",
      { matches: [{ kind: "recent", action: "set", list: "L", mask: "255.255.255.255" }] },
    ],
    [" -j MASQUERADE --random-fully", { matches: [], target: masquerade }],
    [" -j MARK --set-xmark 0x4000/0x0", { matches: [], target: { kind: "set-mark", value: 0x4000, mask: 0 } }],
    [
      " -j REJECT --reject-with icmp-port-unreachable",
      { matches: [], target: { kind: "reject", with: "icmp-port-unreachable" } },
    ],
    [" -j DNAT --to-destination [fd00::1]:80", { matches: [], target: { kind: "dnat", to: "[fd00::1]:80" } }],
  ])("%s", (text, rule) => {
    expect(renderRule(rule)).toBe(text);
    expect(parseRule(splitWords(text))).toEqual(rule);
  });

  // Source: read back from iptables 1.8.9.
  test.each([
    [2, "0.50000000000"],
    [3, "0.33333333349"],
    [5, "0.20000000019"],
    [6, "0.16666666651"],
    [7, "0.14285714272"],
    [9, "0.11111111101"],
    [11, "0.09090909082"],
    [100, "0.00999999978"],
    [1000, "0.00100000016"],
  ])("one in %d is %s", (count, text) => {
    const share = Math.round(2 ** 31 / count);
    expect(renderRule({ matches: [{ kind: "statistic", share }] })).toBe(
      ` -m statistic --mode random --probability ${text}`,
    );
  });
});

test("every rule of a random ruleset reads back as the same rule", () => {
  fc.assert(
    fc.property(clusters(), views(), (cluster, view) => {
      const { nat, filter } = rulesetOf(cluster, view).tables;
      for (const table of [nat, filter]) {
        const rules = [...table.jumps.map(({ rule }) => rule), ...values(table.chains).flatMap((chain) => chain.rules)];
        for (const rule of rules) expect(parseRule(splitWords(renderRule(rule)))).toEqual(rule);
      }
    }),
    { numRuns: 40 },
  );
});

test("whatever text a rule holds, it is one line of printable characters with balanced quotes and as many words", () => {
  fc.assert(
    fc.property(hostileRule, (rule) => {
      const line = ruleLine("KUBE-SERVICES", rule);
      expect(line).toMatch(/^[\x20-\x7e]+$/);
      expect(line.startsWith("-A KUBE-SERVICES")).toBe(true);
      expect(line.slice("-A KUBE-SERVICES".length)).toMatch(/^(?: (?:"(?:[^"\\]|\\.)*"|[^\s"\\])+)*$/);
      expect(splitWords(line)).toHaveLength(splitWords(ruleLine("KUBE-SERVICES", tamed(rule))).length);
    }),
    { numRuns: 2000 },
  );
});

/** The rule with every text in it made harmless. */
function tamed(rule: Rule): Rule {
  return JSON.parse(JSON.stringify(rule), (key, value: unknown) =>
    typeof value === "string" && value !== "" && !["kind", "action"].includes(key) ? "x" : value,
  ) as Rule;
}
