// Tests of rules/radix/claims.ts, with a Map of Maps as the model.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { claim, noClaims, type Claim, type Claims } from "../../../rules/radix/claims.ts";
import { entries, get } from "../../../rules/radix/radix.ts";

const step = fc.record({
  key: fc.nat(30).map((number) => `k${number}`),
  claimant: fc.constantFrom("0 a/b", "0 a/b:p", "0 a/c", "1 a/a", "2 z"),
  value: fc.option(fc.nat(9), { nil: undefined, freq: 3 }),
});
const steps = fc.array(step, { maxLength: 150, size: "max" });

type Model = Map<string, Map<string, number>>;
type Made = { readonly key: string; readonly claimant: string; readonly value: number | undefined };

const asClaim = ({ key, claimant, value }: Made): Claim<number> =>
  value === undefined ? { key, claimant } : { key, claimant, value };

/** Claims made in turns of `size`. */
function follow(list: readonly Made[], size = 1): [Claims<number>, Model] {
  const model: Model = new Map();
  let claims = noClaims<number>();
  for (let at = 0; at < list.length; at += size) claims = claim(claims, list.slice(at, at + size).map(asClaim));
  for (const { key, claimant, value } of list) {
    const held = model.get(key) ?? new Map<string, number>();
    model.set(key, held);
    if (value === undefined) held.delete(claimant);
    else held.set(claimant, value);
  }
  return [claims, model];
}

describe("against a Map of Maps", () => {
  test("the smallest claimant wins, and the next when it gives up", () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 40 }), (list, size) => {
        const [claims, model] = follow(list, size);
        for (const [key, held] of model) {
          const [first] = [...held.keys()].sort();
          expect(get(claims.winners, key)).toBe(first === undefined ? undefined : held.get(first));
        }
        expect([...entries(claims.winners)].map(({ key }) => key)).toEqual(
          [...model].flatMap(([key, held]) => (held.size > 0 ? [key] : [])).sort(),
        );
      }),
    );
  });

  test("who wins does not depend on the order of claims", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const [claims, model] = follow(list);
        const final = [...model].flatMap(([key, held]) =>
          [...held].map(([claimant, value]) => ({ key, claimant, value })),
        );
        expect(follow(final.reverse())[0]).toEqual(claims);
      }),
    );
  });
});

test("a key that begins another key has claims of its own", () => {
  const claims = claim(noClaims<number>(), [
    { key: "k1", claimant: "b", value: 1 },
    { key: "k10", claimant: "a", value: 2 },
  ]);
  expect(["k1", "k10", "k"].map((key) => get(claims.winners, key))).toEqual([1, 2, undefined]);
});

test("a claimant whose name begins another's goes before it", () => {
  const claims = claim(noClaims<number>(), [
    { key: "k", claimant: "0 a/b:p", value: 1 },
    { key: "k", claimant: "0 a/b", value: 2 },
  ]);
  expect(get(claims.winners, "k")).toBe(2);
});
