// Tests of src/output/changes.ts.
import { describe, expect, test } from "@jest/globals";
import { diffRulesets, emptyRuleset, type Change, type Ruleset } from "../../../rules/index.ts";
import { chainName } from "../../../rules/iptables/ruleset/chain-name.ts";
import { changeJson, renderChanges, renderCount } from "../../../src/output/changes.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";
import { rulesetOf } from "../../make/node.ts";
import type { IpvsChange } from "../../../rules/ipvs/steps.ts";
import { stepsTo } from "../../../src/ipvs/apply-state.ts";
import { aWebState, atOnce, idle, nothing } from "../ipvs/an-ipvs-build.ts";
import { parseState } from "../../../src/ipvs/observe.ts";

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
    const change = kinds(changes(web(one), web(two))).find(({ chain }) => chain?.startsWith("KUBE-SVC-"));
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

describe("changes of IPVS mode", () => {
  const unseen = { others: new Set<string>(), connections: new Map<string, number>(), problems: [] };
  const between = (from = nothing, to = nothing, options = idle): readonly IpvsChange[] =>
    stepsTo({ state: from, ...unseen }, to, options).flatMap((step): readonly IpvsChange[] => step.changes);
  const fewer = between(aWebState(), aWebState(["10.1.0.2"]));

  test("stand with those of rules, each under its Service, in the words of the tool that makes it", () => {
    const text = renderChanges(between(nothing, aWebState()), false);
    const [first = "", last = ""] = text.split(/^(?=all Services: )/m);
    expect(first).toMatch(/^default\/web: .*virtual server 10\.96\.0\.1:80 is new/);
    for (const line of [
      "+ ipset add KUBE-CLUSTER-IP 10.96.0.1,tcp:80",
      "+ ip address add 10.96.0.1 dev kube-ipvs0",
      "+ ipvsadm -A -t 10.96.0.1:80 -s rr",
    ])
      expect(first).toContain(`\n  ${line}\n`);
    for (const line of ["+ ipset create KUBE-NO-LOCAL hash:ip,port", "+ nat KUBE-SERVICES", "+ mangle PREROUTING"])
      expect(last).toContain(`\n  ${line}\n`);
  });

  test("say of an endpoint that is gone that it drains", () => {
    const text = renderChanges(fewer, false);
    expect(text).toContain("endpoint 10.1.0.1:8080 is gone and drains");
    expect(text).toContain("  ~ ipvsadm -e -t 10.96.0.1:80 -r 10.1.0.1:8080 -m -w 0 (drains)\n");
    expect(renderCount(fewer)).toBe("1 entries deleted, 3 begin to drain");
    expect(fewer.map(changeJson)).toContainEqual({
      kind: "edit-real",
      tool: "ipvsadm",
      server: "10.96.0.1:80",
      protocol: "TCP",
      real: "10.1.0.1:8080",
      cause: { services: ["default/web"], texts: ["endpoint 10.1.0.1:8080 is gone and drains"] },
      removed: [],
      added: ["-e -t 10.96.0.1:80 -r 10.1.0.1:8080 -m -w 0 (drains)"],
      drains: true,
    });
  });

  test.each([
    ["first load", between(nothing, aWebState())],
    ["an endpoint less", fewer],
    ["removal", between(aWebState(), nothing, atOnce)],
  ])("the count of %s is of all changes", (_, list) => {
    const numbers = [...renderCount(list).matchAll(/\d+/g)].map(([number]) => Number(number));
    expect(numbers.reduce((sum, number) => sum + number, 0)).toBe(list.length);
    // Of rules a chain may be empty.
    for (const change of list.map(changeJson).filter((each) => "tool" in each))
      expect(change.added.length + change.removed.length).toBe(1);
  });

  test("that another's dump asks for drive no terminal", () => {
    const servers = "-A -t 10.96.0.1:80 -s rr\u001b[2J\n-a -t 10.96.0.1:80 -r 10.1.0.1:8080 -m -w 1\n";
    const sets =
      "create KUBE-CLUSTER-IP hash:ip,port family inet maxelem 65536\nadd KUBE-CLUSTER-IP 10.96.0.1,tcp:80\n";
    const { state } = parseState({ rules: "", sets, addresses: "", servers }, 4);
    const list = between(state, aWebState());
    expect(list.map(({ kind }) => kind)).toContain("edit-server");
    expect(renderChanges(list, false)).not.toContain("\u001b");
  });
});
