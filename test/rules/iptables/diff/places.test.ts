// Tests of rules/iptables/diff/places.ts: which jumps are put back, and where they end up in a kernel in memory.
import { describe, expect, test } from "@jest/globals";
import { createCheck } from "../../../../rules/iptables/diff/check.ts";
import { findOvertaken, placesAfter, putBack, type Places } from "../../../../rules/iptables/diff/places.ts";
import { orderChanges } from "../../../../rules/iptables/script/order.ts";
import { renderScript } from "../../../../rules/iptables/script/render-script.ts";
import { renderRule } from "../../../../rules/iptables/text/render-rule.ts";
import { values } from "../../../../rules/radix/radix.ts";
import { createFakeKernel } from "../../../../src/kernel/fake.ts";
import { rulesetOf } from "../../../make/node.ts";
import { aCluster, aService, aSlice } from "../../../make/objects.ts";

const desired = rulesetOf(aCluster(aService(), aSlice()));

/** A chain as words: `A` to `D` are our jumps in the order wanted, the others rules of others; `cali` leads to a chain of theirs. */
type Words = string;

const others: Readonly<Record<string, string>> = {
  icmp: "-p icmp -j ACCEPT",
  drop: "-s 192.0.2.0/24 -j DROP",
  reject: "-s 192.0.2.9/32 -j REJECT --reject-with icmp-port-unreachable",
  log: "-j LOG",
  count: '-m comment --comment "counts only"',
  cali: '-m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD',
  goto: "-g cali-FORWARD",
  trap: '-m comment --comment "not -j DROP at all" -j cali-FORWARD',
};

type Name = "nat" | "filter";

const chainIn = { nat: "PREROUTING", filter: "FORWARD" } as const;

const jumpsIn = (table: Name) =>
  desired.tables[table].jumps.filter(({ from }) => from === chainIn[table]).map(({ rule }) => renderRule(rule).trim());
const jumps: Readonly<Record<Name, readonly string[]>> = { nat: jumpsIn("nat"), filter: jumpsIn("filter") };

/** What iptables-save prints where that chain is so; our own chains are empty, which does not matter here. */
function dumpOf(table: Name, words: Words): string {
  const rules = words.split(" ").map((word) => others[word] ?? jumps[table]["ABCD".indexOf(word)] ?? word);
  const chains = ["cali-FORWARD", ...values(desired.tables[table].chains).map(({ name }) => name)];
  const lines = [...chains.map((name) => `:${name} - [0:0]`), ...rules.map((rule) => `-A ${chainIn[table]} ${rule}`)];
  return [`*${table}`, ...lines, "COMMIT", ""].join("\n");
}

function wordsOf(table: Name, rules: readonly string[]): Words {
  const word = (rule: string) =>
    Object.keys(others).find((key) => others[key] === rule) ?? "ABCD".charAt(jumps[table].indexOf(rule));
  return rules.map(word).join(" ");
}

function placesIn(text: string): readonly Places[] {
  const check = createCheck(desired, { verified: new Map(), left: new Set() });
  check.feed(text);
  return check.end().places;
}

type Row = {
  readonly title: string;
  readonly table?: "nat" | "filter";
  readonly before: Words;
  readonly now: Words;
  /** Our jumps that were overtaken, and by which rules. */
  readonly overtaken?: Readonly<Record<string, Words>>;
  /** The chain after they were moved, where any was. */
  readonly after?: Words;
};

const rows: readonly Row[] = [
  { title: "nothing has changed", before: "A icmp", now: "A icmp" },
  { title: "what was above stays there", before: "icmp A drop", now: "icmp A drop" },
  {
    title: "nat: a new rule above, whatever it does",
    table: "nat",
    before: "A",
    now: "cali A",
    overtaken: { A: "cali" },
    after: "A cali",
  },
  {
    title: "nat: our jump moved behind",
    table: "nat",
    before: "A icmp cali",
    now: "icmp cali A",
    overtaken: { A: "icmp cali" },
    after: "A icmp cali",
  },
  {
    title: "nat: only what is new above counts",
    table: "nat",
    before: "icmp A cali",
    now: "icmp cali A",
    overtaken: { A: "cali" },
    after: "icmp A cali",
  },
  { title: "nat: rules of others below come and go", table: "nat", before: "A icmp", now: "A cali goto" },
  { title: "nat: rules of others above go", table: "nat", before: "icmp cali A", now: "cali A" },
  { title: "nat: others change places above", table: "nat", before: "icmp cali A", now: "cali icmp A" },
  { title: "filter: a new rule above may be meant so", before: "A B C D", now: "drop reject A B C D" },
  {
    title: "filter: our jumps moved behind a rule that decides",
    before: "A B C D drop",
    now: "drop A B C D",
    overtaken: { A: "drop", B: "drop", C: "drop", D: "drop" },
    after: "A B C D drop",
  },
  {
    title: "filter: each rule that decides counts, the ones that lead elsewhere do not",
    before: "A icmp cali reject log",
    now: "log reject cali icmp A",
    overtaken: { A: "log reject icmp" },
    after: "A log reject cali icmp",
  },
  {
    title: "filter: behind a jump to a chain of others, which is how network policies come first",
    before: "A B cali",
    now: "cali A B",
  },
  { title: "filter: behind a goto", before: "A goto", now: "goto A" },
  { title: "filter: behind a rule without a target", before: "A count", now: "count A" },
  { title: "filter: behind a rule whose comment only speaks of a target", before: "A trap", now: "trap A" },
  {
    title: "filter: the jumps that stand before one that was overtaken stay there",
    before: "A B C D icmp",
    now: "A B icmp C D",
    overtaken: { C: "icmp", D: "icmp" },
    after: "A B C D icmp",
  },
  {
    title: "filter: the jumps behind it stay",
    before: "icmp A B drop C",
    now: "icmp drop A B C",
    overtaken: { A: "drop", B: "drop" },
    after: "icmp A B drop C",
  },
  {
    title: "filter: rules of others between ours stay between them",
    before: "A drop B icmp C",
    now: "drop icmp A C B",
    overtaken: { A: "drop icmp", B: "icmp" },
    after: "A drop B icmp C",
  },
  { title: "a jump that was not there before", before: "icmp", now: "icmp A" },
  { title: "a jump that is gone", before: "A icmp", now: "icmp" },
];

describe("a jump that rules of others came before", () => {
  test.each(rows)("$title", async ({ table = "filter", before, now, overtaken = {}, after = now }) => {
    const places = placesIn(dumpOf(table, now));
    const old = placesIn(dumpOf(table, before));
    const found = findOvertaken(old, places);
    const told = found.map(({ jump, by }) => [
      wordsOf(table, [renderRule(jump.rule).trim()]),
      wordsOf(
        table,
        by.map((line) => line.replace(/^-A \S+ /, "")),
      ),
    ]);
    expect(Object.fromEntries(told)).toEqual(overtaken);
    const changes = putBack(found, old, places);
    expect(new Set(changes.map(({ kind }) => kind))).toEqual(new Set(found.length === 0 ? [] : ["move-jump"]));
    const kernel = createFakeKernel({ rules: { 4: dumpOf(table, now) } });
    expect(await kernel.restore(4, renderScript(orderChanges(changes, Infinity)))).toEqual({ ok: true });
    const start = `-A ${chainIn[table]} `;
    const lines = (await kernel.readRules(4)).split("\n").filter((line) => line.startsWith(start));
    expect(
      wordsOf(
        table,
        lines.map((line) => line.slice(start.length)),
      ),
    ).toBe(after);
    expect(placesAfter(places, changes)).toEqual(placesIn(await kernel.readRules(4)));
  });
});

test("a chain that was not seen before has no jump that was overtaken", () => {
  const now = placesIn(dumpOf("nat", "icmp A"));
  expect(findOvertaken([], now)).toEqual([]);
  expect(findOvertaken(placesIn(dumpOf("filter", "A icmp")), now)).toEqual([]);
  expect(findOvertaken(placesIn(dumpOf("nat", "A")), now)).toHaveLength(1);
});

test("nothing overtaken moves nothing", () => {
  const places = placesIn(dumpOf("filter", "icmp A B"));
  expect(putBack([], places, places)).toEqual([]);
});
