import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { applyToDump } from "../../../rules/compare/graft.ts";
import { diffRulesets } from "../../../rules/iptables/diff/diff.ts";
import type { Change } from "../../../rules/iptables/diff/change.ts";
import { buildRuleset } from "../../../rules/iptables/ruleset/build.ts";
import { chainName } from "../../../rules/iptables/ruleset/chain-name.ts";
import { jumpTo, type Rule } from "../../../rules/iptables/ruleset/rule.ts";
import { ownedByUsOrKubeProxy, parseRuleset } from "../../../rules/iptables/text/parse.ts";
import type { Dump } from "../../../rules/iptables/text/parse-dump.ts";
import { renderRule } from "../../../rules/iptables/text/render-rule.ts";
import { buildModel } from "../../../rules/model/model.ts";
import { clusters, foreignRules, views } from "../../make/arbitrary.ts";
import { renderKubeProxyLayout } from "../../make/kube-proxy-layout.ts";
import { aFirewall, heading, ourText } from "./a-tracer.ts";

const text = `${heading(4)}*nat
:PREROUTING ACCEPT [0:0]
:KUBE-SERVICES - [0:0]
:OTHERS - [0:0]
-A PREROUTING -j OTHERS
-A PREROUTING -m comment --comment "portals" -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.96.0.1/32 -j RETURN
-A OTHERS -j ACCEPT
COMMIT
`;

const { dump } = aFirewall(text);
const services = chainName("KUBE-SERVICES");
const toServices: Rule = { matches: [{ kind: "comment", text: "portals" }], target: jumpTo(services) };
const chain = (rules: readonly Rule[]) => ({ name: services, rules, owner: undefined });

const rows: readonly { title: string; changes: readonly Change[]; becomes: string }[] = [
  { title: "no change leaves all as it is", changes: [], becomes: text },
  {
    title: "a chain is written anew",
    changes: [
      {
        kind: "rewrite-chain",
        table: "nat",
        before: chain([]),
        after: chain([{ matches: [], target: jumpTo(chainName("OTHERS")) }]),
      },
    ],
    becomes: text.replace("-A KUBE-SERVICES -d 10.96.0.1/32 -j RETURN", "-A KUBE-SERVICES -j OTHERS"),
  },
  {
    title: "a new chain in a table that was not there",
    changes: [{ kind: "create-chain", table: "filter", after: chain([]) }],
    becomes: `${text}*filter\n:KUBE-SERVICES - [0:0]\nCOMMIT\n`,
  },
  {
    title: "a jump goes, the others in its chain stay",
    changes: [{ kind: "delete-jump", table: "nat", from: "PREROUTING", rule: toServices }],
    becomes: text.replace('-A PREROUTING -m comment --comment "portals" -j KUBE-SERVICES\n', ""),
  },
  {
    title: "a jump comes first, in a built-in chain that had no rules",
    changes: [
      { kind: "insert-jump", table: "nat", from: "OUTPUT", rule: toServices },
      { kind: "insert-jump", table: "nat", from: "PREROUTING", rule: toServices },
    ],
    becomes: text
      .replace(":KUBE-S", ":OUTPUT ACCEPT [0:0]\n:KUBE-S")
      .replace(
        "-A PREROUTING -j OTHERS",
        '-A OUTPUT -m comment --comment "portals" -j KUBE-SERVICES\n-A PREROUTING -m comment --comment "portals" -j KUBE-SERVICES\n-A PREROUTING -j OTHERS',
      ),
  },
  {
    title: "a jump that others came before is first again, and there once",
    changes: [{ kind: "move-jump", table: "nat", from: "PREROUTING", rule: toServices, at: 1 }],
    becomes: text.replace(
      /(-A PREROUTING -j OTHERS\n)(-A PREROUTING .*\n)/,
      (_, others: string, ours: string) => ours + others,
    ),
  },
  {
    title: "a chain goes",
    changes: [
      { kind: "delete-jump", table: "nat", from: "PREROUTING", rule: toServices },
      { kind: "delete-chain", table: "nat", before: chain([]) },
    ],
    becomes: text
      .split("\n")
      .filter((line) => !line.includes("KUBE-SERVICES"))
      .join("\n"),
  },
];

describe("applying changes", () => {
  test.each(rows)("$title", ({ changes, becomes }) => {
    expect(readable(applyToDump(dump, changes))).toEqual(readable(aFirewall(becomes).dump));
  });

  test("leaves the dump that it was given, and the tables that no change is in", () => {
    const before = readable(dump);
    const after = applyToDump(dump, [{ kind: "create-chain", table: "filter", after: chain([]) }]);
    expect(readable(dump)).toEqual(before);
    expect(after.tables.get("nat")).toBe(dump.tables.get("nat"));
  });
});

const makers = { ours: ourText, "kube-proxy's": renderKubeProxyLayout };

test.each(Object.entries(makers))(
  "from %s rules to those of any other cluster, and others' rules stay",
  (_, render) => {
    fc.assert(
      fc.property(clusters(12), clusters(12), views(4), foreignRules, (before, after, view, foreign) => {
        const was = withRules(render(buildModel(before, view)), foreign);
        const { ruleset } = buildRuleset(buildModel(after, view));
        const firewall = aFirewall(was);
        const grafted = applyToDump(firewall.dump, diffRulesets(parseRuleset(was, 4, ownedByUsOrKubeProxy), ruleset));
        const wanted = readable(aFirewall(ourText(buildModel(after, view))).dump);
        const found = readable(grafted);
        expect(ofOurs(found)).toEqual(ofOurs(wanted));
        expect(ofOthers(found)).toEqual(ofOthers(readable(firewall.dump)));
      }),
      { numRuns: 25 },
    );
  },
);

/** The dump with the chains and rules of another, whose built-in chains it has: a dump says each chain once. */
function withRules(text: string, foreign: string): string {
  const parts = foreign.split("COMMIT\n").filter((part) => part !== "");
  return parts.reduce((all, part) => {
    const [table = "", ...more] = part.split("\n");
    const start = all.indexOf(`${table}\n`);
    if (start < 0) return `${all}${part}COMMIT\n`;
    const end = all.indexOf("COMMIT", start);
    const declared = (line: string) => line.startsWith(":") && all.slice(start, end).includes(`${line.split(" ")[0]} `);
    const added = more.filter((line) => line !== "" && !declared(line));
    return `${all.slice(0, end)}${added.map((line) => `${line}\n`).join("")}${all.slice(end)}`;
  }, text);
}

/** `table chain policy` to rules; what has no rules and is built in is as if it were not there. */
function readable({ tables }: Dump): Readonly<Record<string, readonly string[]>> {
  const entries = [...tables.values()].flatMap((table) =>
    [...table.chains.values()].map(({ name, policy, rules }): [string, string[]] => [
      `${table.name} ${name} ${policy ?? "-"}`,
      rules.map(({ rule }) => renderRule(rule)),
    ]),
  );
  return Object.fromEntries(entries.filter(([key, rules]) => rules.length > 0 || key.endsWith(" -")));
}

type Readable = ReturnType<typeof readable>;

const isOurs = (chainOrRule: string) =>
  /(?:^| )KUBE-(?:SERVICES|NODEPORTS|POSTROUTING|MARK-MASQ|EXTERNAL-SERVICES|PROXY-FIREWALL|FORWARD|FIREWALL|PROXY-CANARY|(?:SVC|SVL|SEP|FW|EXT)-\S+)(?: |$)/.test(
    chainOrRule.replaceAll(/"(?:[^"\\]|\\.)*"/g, ""),
  );

/** Our chains with their rules; of built-in chains the jumps to ours, in any order: one that is there stays where it is. */
function ofOurs(all: Readable): Readable {
  const kept = Object.entries(all).map(([key, rules]): [string, readonly string[]] =>
    isOurs(key) ? [key, rules] : [key, rules.filter(isOurs).toSorted()],
  );
  return Object.fromEntries(kept.filter(([key, rules]) => isOurs(key) || rules.length > 0));
}

function ofOthers(all: Readable): Readable {
  const kept = Object.entries(all).map(([key, rules]): [string, readonly string[]] => [
    key,
    rules.filter((rule) => !isOurs(rule)),
  ]);
  return Object.fromEntries(kept.filter(([key, rules]) => !isOurs(key) && (rules.length > 0 || key.endsWith(" -"))));
}
