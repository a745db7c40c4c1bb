// Tests of rules/ipset/diff-sets.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { diffSets, type StillNeeded } from "../../../rules/ipset/diff-sets.ts";
import { renderSetChanges } from "../../../rules/ipset/render-sets.ts";
import { parseSetTable } from "../../../rules/ipset/read-table.ts";
import { emptySet, type SetTable } from "../../../rules/ipset/set-table.ts";
import { entries, radixOf } from "../../../rules/radix/radix.ts";
import { createFakeIpvs } from "../../make/fake-ipvs.ts";

function table(sets: Readonly<Record<string, readonly string[]>>, most?: number): SetTable {
  return {
    family: 4,
    sets: Object.fromEntries(
      Object.entries(sets).map(([name, list]) => [
        name,
        { ...emptySet(name, "hash:ip"), mostEntries: most, entries: radixOf(list.map((key) => ({ key, value: "" }))) },
      ]),
    ),
  };
}

function kinds(observed: SetTable, desired: SetTable, needed?: StillNeeded) {
  const { additions, removals } = diffSets(observed, desired, needed);
  const text = (list: typeof additions) =>
    list.map((change) => ("entry" in change ? `${change.kind} ${change.entry}` : `${change.kind} ${change.set.name}`));
  return [text(additions), text(removals)];
}

const [a, b, c] = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];

test.each([
  ["nothing to do", { S: [a] }, { S: [a] }, [], []],
  ["a new set brings its entries", {}, { S: [a, b] }, ["create-set S", `add-entry ${a}`, `add-entry ${b}`], []],
  ["an entry comes and one goes", { S: [a, b] }, { S: [b, c] }, [`add-entry ${c}`], [`delete-entry ${a}`]],
  ["a set goes whole", { S: [a] }, {}, [], ["destroy-set S"]],
])("%s", (_, before, after, additions, removals) => {
  expect(kinds(table(before), table(after))).toEqual([additions, removals]);
});

test("an entry that is still needed stays", () => {
  expect(kinds(table({ S: [a, b] }), table({ S: [] }), (set, entry) => set === "S" && entry === a)).toEqual([
    [],
    [`delete-entry ${b}`],
  ]);
});

test("a set that becomes too small is made anew with everything that it holds until the removals", () => {
  const { additions, removals } = diffSets(table({ S: [a, b] }, 2), table({ S: [b, c] }));
  expect(additions).toEqual([expect.objectContaining({ kind: "grow-set", entries: [b, c, a] })]);
  expect(removals).toEqual([{ kind: "delete-entry", set: "S", entry: a, service: "" }]);
});

test("a set that is large enough is not made anew", () => {
  expect(kinds(table({ S: [a] }, 2), table({ S: [a, b] }))).toEqual([[`add-entry ${b}`], []]);
});

test("with a build in the kernel's place, a set is made anew when it grows past what any such set can hold, and not again", () => {
  const many = (count: number) =>
    table({ S: Array.from({ length: count }, (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}`) });
  const grows = (from: number, to: number) =>
    diffSets(many(from), many(to)).additions.some(({ kind }) => kind === "grow-set");
  expect([grows(65_536, 65_537), grows(65_537, 65_540), grows(40_000, 65_536)]).toEqual([true, false, false]);
});

test("any set becomes any other in the kernel, additions first, however small it was made", () => {
  const ips = fc.uniqueArray(
    fc.nat(60).map((at) => `10.0.0.${at}`),
    { maxLength: 40 },
  );
  fc.assert(
    fc.property(ips, ips, fc.integer({ min: 1, max: 40 }), (before, after, most) => {
      const held = before.slice(0, most);
      const fake = createFakeIpvs({
        sets: `create S hash:ip family inet maxelem ${most}\n${held.map((ip) => `add S ${ip}\n`).join("")}`,
      });
      const read = () => parseSetTable(fake.sets(), { family: 4, types: { S: "hash:ip" } }).table;
      const { additions, removals } = diffSets(read(), table({ S: after }));
      for (const list of [additions, removals]) expect(fake.ipset(renderSetChanges(list, 4)).refused).toEqual([]);
      const found = read().sets["S"];
      expect(found && [...entries(found.entries)].map(({ key }) => key)).toEqual([...after].sort());
      expect(fake.sets()).not.toContain("RW-");
      expect(kinds(read(), table({ S: after }))).toEqual([[], []]);
    }),
  );
});
