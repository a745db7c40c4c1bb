// Tests of rules/iptables/ruleset/tree.ts, with a shape of its own. With dispatch shapes it is tested in dispatch.test.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { chainName } from "../../../../rules/iptables/ruleset/chain-name.ts";
import type { Chain } from "../../../../rules/iptables/ruleset/chain.ts";
import { comment, jumpTo, type Rule } from "../../../../rules/iptables/ruleset/rule.ts";
import { partsOf, replaceTree, type Shape } from "../../../../rules/iptables/ruleset/tree.ts";
import { emptyRadix, radixOf, remove, set, values, type Radix } from "../../../../rules/radix/radix.ts";

const shape: Shape<string> = {
  name: (cover) => chainName(`C-${cover}`),
  owner: "a/b",
  rules: (node) =>
    partsOf(node).map((part): Rule =>
      part.kind === "entry"
        ? { matches: [comment(part.value)] }
        : { matches: [], target: jumpTo(chainName(`C-${part.cover}`)) },
    ),
};

const key = fc.string({ unit: fc.constantFrom("0", "1", "2", "3"), minLength: 4, maxLength: 4 });
const keys = fc.uniqueArray(key, { maxLength: 200, size: "max" });
const treeOf = (list: readonly string[]): Radix<string> => radixOf(list.map((each) => ({ key: each, value: each })));
const none = emptyRadix<Chain>();
const drawn = (tree: Radix<string>) => replaceTree(none, { before: emptyRadix<string>(), after: tree }, shape);

test("from any tree to any other gives the chains of the other", () => {
  fc.assert(
    fc.property(keys, keys, (a, b) => {
      const [before, after] = [treeOf(a), treeOf(b)];
      expect(replaceTree(drawn(before), { before, after }, shape)).toEqual(drawn(after));
    }),
    { numRuns: 300 },
  );
});

test("from a tree to one that shares parts with it, too", () => {
  fc.assert(
    fc.property(keys, fc.array(fc.tuple(key, fc.boolean()), { maxLength: 60 }), (list, turns) => {
      let tree = treeOf(list);
      let chains = drawn(tree);
      for (const [each, gone] of turns) {
        const after = gone ? remove(tree, each) : set(tree, each, each);
        chains = replaceTree(chains, { before: tree, after }, shape);
        tree = after;
      }
      expect(chains).toEqual(drawn(tree));
    }),
    { numRuns: 300 },
  );
});

test("every entry is in one chain or at the root, and every chain is led to once", () => {
  fc.assert(
    fc.property(keys, (list) => {
      const tree = treeOf(list);
      const rules = [...shape.rules(tree, ""), ...values(drawn(tree)).flatMap((chain) => chain.rules)];
      const entries = rules.flatMap(({ matches: [first] }) => (first?.kind === "comment" ? [first.text] : []));
      const jumps = rules.flatMap(({ target }) => (target?.kind === "jump" ? [target.chain] : []));
      expect(entries.sort()).toEqual([...list].sort());
      expect(jumps.sort()).toEqual(
        values(drawn(tree))
          .map(({ name }) => name)
          .sort(),
      );
    }),
  );
});

test("one entry more, which splits a full leaf, leaves chains that it is not under the same objects", () => {
  const before = treeOf(Array.from({ length: 256 }, (_, at) => at.toString(4).padStart(4, "0")));
  const first = drawn(before);
  const after = set(before, "0123x", "new");
  const chains = replaceTree(first, { before, after }, shape);
  const old = new Set(values(first));
  expect(
    values(chains)
      .filter((chain) => !old.has(chain))
      .map(({ name }) => name),
  ).toEqual(["C-0", "C-01", "C-010", "C-011", "C-012", "C-013"]);
});

test("chains are their owner's", () => {
  expect(
    new Set(values(drawn(treeOf(Array.from({ length: 99 }, (_, at) => `${at % 10}${at}`)))).map(({ owner }) => owner)),
  ).toEqual(new Set(["a/b"]));
});
