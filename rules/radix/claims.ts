// Who owns a key that several may claim. In: claims, each by one claimant. Out: for each key the winner, kept up to date claim by claim.
import { emptyRadix, firstUnder, remove, set, type Radix } from "./radix.ts";

/**
 * Claims on keys. The winner of a key is its claim with the smallest claimant, so that who wins does not depend on the order
 * in which claims came. `claims` is keyed by `key SPACE claimant`; keys hold no space.
 */
export type Claims<T> = { readonly claims: Radix<T>; readonly winners: Radix<T> };

/** Who claims what. */
export type Claim = { readonly key: string; readonly claimant: string };

/** No claims. */
export function noClaims<T>(): Claims<T> {
  return { claims: emptyRadix(), winners: emptyRadix() };
}

/** `claimant` claims `key` with `value`, or changes its value. */
export function claim<T>(claims: Claims<T>, { key, claimant }: Claim, value: T): Claims<T> {
  return settle(claims, set(claims.claims, `${key} ${claimant}`, value), key);
}

/** `claimant` gives up `key`; the next claimant, if any, wins it. */
export function release<T>(claims: Claims<T>, { key, claimant }: Claim): Claims<T> {
  return settle(claims, remove(claims.claims, `${key} ${claimant}`), key);
}

function settle<T>(before: Claims<T>, claims: Radix<T>, key: string): Claims<T> {
  const first = firstUnder(claims, `${key} `);
  const winners = first === undefined ? remove(before.winners, key) : set(before.winners, key, first.value);
  return { claims, winners };
}
