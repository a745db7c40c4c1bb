// Tests of rules/graph/endpoint-chains.ts.
import { describe, expect, test } from "@jest/globals";
import { openGroup, targetAddress, type Groups } from "../../../rules/graph/endpoint-chains.ts";
import { parseRule } from "../../../rules/iptables/text/parse-rule.ts";
import { toNumber } from "../../../rules/trace/fraction.ts";
import { aDump, dumpOfText } from "./a-dump.ts";

const groupsOf = (dump: ReturnType<typeof aDump>): Groups => ({
  chains: dump.tables.get("nat")?.chains ?? new Map<string, never>(),
  unsaid: { protocol: "tcp" },
  opened: new Map(),
});
const open = (...rules: string[]) => {
  const group = openGroup("KUBE-SEP-A", groupsOf(aDump(rules)));
  return group === undefined ? undefined : [...group.chances].map(([to, chance]) => [to, toNumber(chance)]);
};
const half = "-m statistic --mode random --probability 0.5";
const one = "-m tcp -j DNAT --to-destination 10.0.0.1:80";
const two = "-j DNAT --to-destination 10.0.0.2:80";

describe("a chain is opened that", () => {
  test.each([
    [
      "is one endpoint, as kube-proxy writes it",
      [`KUBE-SEP-A -s 10.0.0.1/32 -j KUBE-MARK-MASQ`, `KUBE-SEP-A ${one}`],
      [["10.0.0.1:80", 1]],
    ],
    [
      "remembers the client",
      [`KUBE-SEP-A -m recent --set --name L --mask 255.255.255.255 --rsource ${one}`],
      [["10.0.0.1:80", 1]],
    ],
    [
      "chooses among endpoints and groups of them",
      [`KUBE-SEP-A ${half} ${one}`, "KUBE-SEP-A -j KUBE-SEP-B", `KUBE-SEP-B ${half} ${one}`, `KUBE-SEP-B ${two}`],
      [
        ["10.0.0.1:80", 0.75],
        ["10.0.0.2:80", 0.25],
      ],
    ],
    ["gives back what it does not choose", [`KUBE-SEP-A ${half} ${one}`], [["10.0.0.1:80", 0.5]]],
    ["is never left by its last rules", [`KUBE-SEP-A ${one}`, `KUBE-SEP-A ${two}`], [["10.0.0.1:80", 1]]],
  ])("%s", (_, rules, expected) => {
    expect(open(...rules)).toEqual(expected);
  });
});

describe("a chain is not opened that", () => {
  test.each([
    ["asks something", [`KUBE-SEP-A -s 10.0.0.0/8 ${one}`, `KUBE-SEP-A ${two}`]],
    ["masquerades all", ["KUBE-SEP-A -j KUBE-MARK-MASQ", `KUBE-SEP-A ${one}`]],
    ["drops", ["KUBE-SEP-A -j DROP"]],
    ["leads to no endpoint", ["KUBE-SEP-A -m comment --comment x"]],
    ["leads to one that is not opened", ["KUBE-SEP-A -j KUBE-SEP-B", "KUBE-SEP-B -j DROP"]],
    ["is not there", []],
  ])("%s", (_, rules) => {
    expect(open(...rules)).toBeUndefined();
  });

  test("has another job by its name", () => {
    const dump = aDump([`KUBE-SVC-A ${one}`]);
    expect(openGroup("KUBE-SVC-A", groupsOf(dump))).toBeUndefined();
  });

  test("leads back to itself", () => {
    const loop = () => dumpOfText("*nat\n:KUBE-SEP-A - [0:0]\n-A KUBE-SEP-A -j KUBE-SEP-A\nCOMMIT");
    expect(loop).toThrow("chain-loop");
    const dump = aDump([`KUBE-SEP-A ${one}`]);
    const groups = groupsOf(dump);
    const self = { line: 1, rule: parseRule(["-j", "KUBE-SEP-A"]) };
    const chains = new Map([["KUBE-SEP-A", { name: "KUBE-SEP-A", policy: undefined, rules: [self] }]]);
    expect(openGroup("KUBE-SEP-A", { ...groups, chains })).toBeUndefined();
  });
});

test("groups that share groups are each opened once", () => {
  // 2^40 ways to one endpoint.
  const rules = Array.from({ length: 40 }, (_, at) => [
    `KUBE-SEP-${at} ${half} -j KUBE-SEP-${at + 1}`,
    `KUBE-SEP-${at} -j KUBE-SEP-${at + 1}`,
  ]).flat();
  const group = openGroup("KUBE-SEP-0", groupsOf(aDump([...rules, `KUBE-SEP-40 ${one}`])));
  expect([...(group?.chances ?? [])].map(([to, chance]) => [to, chance.share === chance.of])).toEqual([
    ["10.0.0.1:80", true],
  ]);
});

test.each([
  ["-j DNAT --to-destination 10.0.0.1:80", "10.0.0.1:80"],
  ["-j DNAT --to-destination 10.0.0.1:80 --persistent", "10.0.0.1:80"],
  ["-j REDIRECT --to-ports 80", undefined],
  ["-j ACCEPT", undefined],
  ["", undefined],
])("%j leads to %s", (text, expected) => {
  expect(targetAddress(parseRule(text.split(" ").filter((word) => word !== "")).target)).toBe(expected);
});
