// Tests of src/output/changes.ts.
import { describe, expect, test } from "@jest/globals";
import { diffRulesets, emptyRuleset, type Change, type Ruleset } from "../../../rules/index.ts";
import { chainName } from "../../../rules/iptables/ruleset/chain-name.ts";
import { changeJson, renderChanges, renderCount } from "../../../src/output/changes.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";
import { rulesetOf } from "../../make/node.ts";

const [one, two] = ["10.1.0.1", "10.1.0.2"];
const web = (endpoint: string) => rulesetOf(aCluster(aService(), aSlice({ endpoints: [endpoint] })));
const api = [aService({ name: "api", clusterIps: ["10.96.0.2"] }), aSlice({ service: "api", endpoints: ["10.1.0.9"] })];
const both = rulesetOf(aCluster(aService(), aSlice({ endpoints: [one] }), ...api));
const none = emptyRuleset(4);
const changes = (from: Ruleset, to: Ruleset) => diffRulesets(from, to);
const moved: Change = {
  kind: "move-jump",
  at: 1,
  table: "nat",
  from: "PREROUTING",
  rule: { matches: [], target: { kind: "jump", chain: chainName("KUBE-SERVICES") } },
};
const headings = (list: readonly Change[]) => renderChanges(list, false).match(/^\S.*$/gm);

describe("changes for people", () => {
  test("are grouped by Service, each with its causes; what is made for all comes last", () => {
    expect(headings(changes(none, both))?.map((line) => line.split(":")[0])).toEqual([
      "default/api",
      "default/api, default/web",
      "default/web",
      "all Services",
    ]);
    expect(headings(changes(web(one), web(two)))?.[0]).toBe(
      "default/web: endpoint 10.1.0.2:8080 is new; endpoint 10.1.0.1:8080 is gone",
    );
  });

  test("show of a rewritten chain only the rules that differ, of others all", () => {
    const lines = (list: readonly Change[], service: string) =>
      renderChanges(list, false)
        .split(/^(?=\S)/m)
        .find((group) => group.startsWith(service))
        ?.split("\n")
        .slice(1, -1)
        .map((line) => line.replaceAll(/KUBE-SVC-\S+/g, "C").trim());
    const rule = (sign: string, to: string) =>
      expect.stringMatching(new RegExp(`^\\${sign} -A C .*${to}:8080$`)) as unknown;
    expect(lines(changes(web(one), web(two)), "default/web")).toEqual(["~ nat C", rule("-", one), rule("+", two)]);
    const whole = lines(changes(none, web(one)), "default/web") ?? [];
    expect(whole).toContain("+ nat C");
    expect(lines(changes(web(one), none), "default/web")).toContain("- nat C");
  });

  test("show each jump with the chain that it is put in", () => {
    const text = renderChanges(changes(none, web(one)), false);
    expect(text).toMatch(/^ {2}\+ nat PREROUTING\n {6}\+ -A PREROUTING .*-j KUBE-SERVICES$/m);
    expect(renderChanges(changes(web(one), none), false)).toMatch(/^ {2}- nat PREROUTING\n {6}- -A PREROUTING /m);
  });

  test("show a jump that is moved as gone and there again", () => {
    const text = renderChanges([moved], false);
    expect(text).toMatch(/^all Services: .*\n {2}\^ nat PREROUTING\n {6}- (-A PREROUTING .*)\n {6}\+ \1\n$/);
  });

  test("have colours only where that is asked for", () => {
    const list = changes(web(one), web(two));
    expect(renderChanges(list, false)).not.toContain("\u001b");
    const coloured = renderChanges(list, true);
    expect(coloured).toContain("\u001b[31m");
    expect(coloured).toContain("\u001b[32m");
    expect(coloured.replaceAll(/\u001b\[\d+m/g, "")).toBe(renderChanges(list, false));
  });

  test("are nothing where there are none", () => {
    expect(renderChanges([], true)).toBe("");
  });
});

test.each([
  ["none", [], "no change"],
  ["first load", changes(none, web(one)), /^\d+ chains created, \d+ jumps inserted$/],
  ["another endpoint", changes(web(one), web(two)), /^\d+ rewritten$/],
  ["a jump that is moved", [moved], /^\d+ moved back$/],
  ["removal", changes(web(one), none), /^\d+ deleted, \d+ removed$/],
] as const)("the count: %s", (_, list, expected) => {
  const text = renderCount(list);
  if (typeof expected === "string") expect(text).toBe(expected);
  else expect(text).toMatch(expected);
  const numbers = [...text.matchAll(/\d+/g)].map(([number]) => Number(number));
  expect(numbers.reduce((sum, number) => sum + number, 0)).toBe(list.length);
});

describe("a change as data", () => {
  const kinds = (list: readonly Change[]) => list.map(changeJson);

  test("names kind, table, chain and cause, and has its rules as text", () => {
    const change = kinds(changes(web(one), web(two))).find(({ chain }) => chain.startsWith("KUBE-SVC-"));
    expect(change).toEqual({
      kind: "rewrite-chain",
      table: "nat",
      chain: change?.chain,
      cause: {
        services: ["default/web"],
        texts: ["endpoint 10.1.0.2:8080 is new", "endpoint 10.1.0.1:8080 is gone"],
      },
      removed: [expect.stringContaining(`--to-destination ${one}:8080`)],
      added: [expect.stringContaining(`--to-destination ${two}:8080`)],
    });
  });

  test("has the rule of a jump that is moved on both sides", () => {
    const line = "-A PREROUTING -j KUBE-SERVICES";
    expect(kinds([moved])).toMatchObject([{ kind: "move-jump", chain: "PREROUTING", removed: [line], added: [line] }]);
  });

  test("only adds where it creates, and only removes where it deletes", () => {
    for (const { added, removed, kind } of [...kinds(changes(none, web(one))), ...kinds(changes(web(one), none))]) {
      if (kind === "create-chain" || kind === "insert-jump") expect(removed).toEqual([]);
      else expect(added).toEqual([]);
    }
  });
});
