// Who owns a key that several may claim. In: claims, each by one claimant. Out: for each key the winner, kept up to date claim by claim.
import { flat } from "../flat.ts";
import { edit, emptyRadix, entries, firstUnder, radixOf, type Entry, type Radix } from "./radix.ts";

/**
 * Claims on keys. The winner of a key is its claim with the smallest claimant, so that who wins does not depend on the order
 * in which claims came. `claims` is keyed by `key SPACE claimant`; keys hold no space.
 */
export type Claims<T> = { readonly claims: Radix<T>; readonly winners: Radix<T> };

/** `claimant` claims `key` with `value`, or, without one, gives it up; the next claimant, if any, wins it then. */
export type Claim<T> = { readonly key: string; readonly claimant: string; readonly value?: T };

/** No claims. */
export function noClaims<T>(): Claims<T> {
  return { claims: emptyRadix(), winners: emptyRadix() };
}

/** The claims after `made`. Of two for the same key and claimant the later counts. */
export function claim<T>(before: Claims<T>, made: readonly Claim<T>[]): Claims<T> {
  const last = new Map(made.map((each) => [flat(each.key, " ", each.claimant), each]));
  const edits = [...last].map(([key, { value }]) => (value === undefined ? { key } : { key, value }));
  const claims = edit(before.claims, edits);
  if (before.winners.size === 0) return { claims, winners: radixOf(firstOfEach(claims)) };
  const keys = [...new Set(made.map(({ key }) => key))];
  const settled = keys.map((key) => {
    const first = firstUnder(claims, `${key} `);
    return first === undefined ? { key } : { key, value: first.value };
  });
  return { claims, winners: edit(before.winners, settled) };
}

function firstOfEach<T>(claims: Radix<T>): Entry<T>[] {
  const winners = new Map<string, Entry<T>>();
  for (const { key: whole, value } of entries(claims)) {
    const key = whole.slice(0, whole.indexOf(" "));
    if (!winners.has(key)) winners.set(key, { key, value });
  }
  return [...winners.values()];
}
