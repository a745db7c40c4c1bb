// Tests of rules/radix/radix.ts, with Map as the model.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  changes,
  emptyRadix,
  entries,
  firstUnder,
  get,
  leafSize,
  radixOf,
  remove,
  set,
  values,
  type Radix,
} from "../../../rules/radix/radix.ts";

/** Keys that share beginnings often; some end where others go on, and one is empty. */
const key = fc.oneof(
  fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 5 }),
  fc.nat(4000).map((number) => number.toString(16).padStart(8, "0")),
);
type Command = { readonly key: string; readonly value: number | undefined };
const command: fc.Arbitrary<Command> = fc.record({ key, value: fc.option(fc.nat(3), { nil: undefined, freq: 4 }) });
const commands = fc.array(command, { maxLength: 200, size: "max" });

function follow(start: Radix<number>, list: readonly Command[]): Radix<number> {
  return list.reduce((map, { key: at, value }) => (value === undefined ? remove(map, at) : set(map, at, value)), start);
}

function model(list: readonly Command[], start = new Map<string, number>()): Map<string, number> {
  const map = new Map(start);
  for (const { key: at, value } of list) {
    if (value === undefined) map.delete(at);
    else map.set(at, value);
  }
  return map;
}

const sorted = (map: ReadonlyMap<string, number>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
const listed = (map: Radix<number>) => [...entries(map)].map((entry) => [entry.key, entry.value]);

describe("against Map", () => {
  test("holds what was set and not removed, in key order, and knows its size", () => {
    fc.assert(
      fc.property(commands, (list) => {
        const map = follow(emptyRadix(), list);
        const known = model(list);
        expect(listed(map)).toEqual(sorted(known));
        expect(values(map)).toEqual(sorted(known).map(([, value]) => value));
        expect(map.size).toBe(known.size);
        for (const { key: at } of list) expect(get(map, at)).toBe(known.get(at));
      }),
    );
  });

  test("finds nothing that was not set", () => {
    fc.assert(
      fc.property(commands, key, (list, other) => {
        expect(get(follow(emptyRadix(), list), other)).toBe(model(list).get(other));
      }),
    );
  });

  test("finds the first entry under any prefix", () => {
    fc.assert(
      fc.property(commands, key, (list, prefix) => {
        const first = sorted(model(list)).find(([at]) => at.startsWith(prefix));
        const found = firstUnder(follow(emptyRadix(), list), prefix);
        expect(found && [found.key, found.value]).toEqual(first);
      }),
    );
  });

  test("changes says what brute force says", () => {
    fc.assert(
      fc.property(commands, commands, fc.boolean(), (list, more, related) => {
        const before = follow(emptyRadix(), list);
        const after = follow(related ? before : emptyRadix(), more);
        const [old, now] = [model(list), model(more, related ? model(list) : undefined)];
        const expected = [...new Set([...old.keys(), ...now.keys()])]
          .sort()
          .filter((at) => old.get(at) !== now.get(at))
          .map((at) => ({
            key: at,
            ...(old.has(at) ? { before: old.get(at) } : {}),
            ...(now.has(at) ? { after: now.get(at) } : {}),
          }));
        expect(changes(before, after)).toEqual(expected);
      }),
    );
  });
});

describe("the shape", () => {
  test("is the same whatever the history", () => {
    fc.assert(
      fc.property(commands, (list) => {
        const fresh = radixOf([...model(list)].map(([at, value]) => ({ key: at, value })));
        expect(follow(emptyRadix(), list)).toEqual(fresh);
      }),
    );
  });

  test("has leaves of at most 16 and branches of more, with two children or more", () => {
    fc.assert(
      fc.property(commands, (list) => {
        const check = (node: Radix<number>): void => {
          if (node.kind === "leaf") expect(node.size).toBeLessThanOrEqual(leafSize);
          else {
            expect(node.size).toBeGreaterThan(leafSize);
            expect(node.children.length).toBeGreaterThan(1);
            expect(node.prefix.length).toBe(node.depth);
            for (const child of node.children) {
              for (const entry of entries(child.node))
                expect(entry.key.startsWith(node.prefix + child.digit)).toBe(true);
              check(child.node);
            }
          }
        };
        check(follow(emptyRadix(), list));
      }),
    );
  });
});

describe("sharing", () => {
  test("setting what is there, or removing what is not, gives the same map", () => {
    fc.assert(
      fc.property(commands, key, (list, other) => {
        const map = follow(emptyRadix(), list);
        const value = get(map, other);
        expect(value === undefined ? remove(map, other) : set(map, other, value)).toBe(map);
      }),
    );
  });

  test("one change leaves all but one path", () => {
    const before = radixOf(
      Array.from({ length: 4096 }, (_, at) => ({ key: at.toString(16).padStart(3, "0"), value: at })),
    );
    const after = set(before, "7ff", -1);
    let made = 0;
    const count = (old: Radix<number> | undefined, now: Radix<number>): void => {
      if (old === now) return;
      made++;
      if (now.kind === "branch")
        for (const [at, child] of now.children.entries())
          count(old?.kind === "branch" ? old.children[at]?.node : undefined, child.node);
    };
    count(before, after);
    expect(made).toBe(3);
  });

  test("inputs are never changed", () => {
    fc.assert(
      fc.property(commands, commands, (list, more) => {
        const map = follow(emptyRadix(), list);
        const held = listed(map);
        follow(map, more);
        expect(listed(map)).toEqual(held);
      }),
    );
  });
});

test("of entries with equal keys the last counts", () => {
  const map = radixOf([
    { key: "a", value: 1 },
    { key: "a", value: 2 },
  ]);
  expect(listed(map)).toEqual([["a", 2]]);
});
