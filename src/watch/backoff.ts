// How long to wait before the next try. In: how the last stream fared, a random number. Out: milliseconds.

/** Failures in a row. */
export type Backoff = { readonly failures: number };

export const freshBackoff: Backoff = { failures: 0 };

/** A stream that lived this long was worth its request; the next failure counts as a first one. At worst one request in this time. */
export const livedMs = 5_000;

/** The state after a try whose stream lived for `aliveMs`; 0 where none came about. */
export function afterTry(backoff: Backoff, aliveMs: number): Backoff {
  return { failures: aliveMs >= livedMs ? 1 : backoff.failures + 1 };
}

/**
 * Milliseconds to wait after so many failures: 0.8 s doubled for each, spread over as much again by `random` (0 to 1), at most 30 s;
 * after the first 0.8 to 1.6 s, in the end 15 to 30 s. The spread keeps the nodes of a cluster from coming back in step. Source of
 * the figures: client-go, reflector.go.
 */
export function waitMs(backoff: Backoff, random: number): number {
  if (backoff.failures === 0) return 0;
  const least = Math.min(longestMs / 2, 800 * 2 ** (backoff.failures - 1));
  return least * (1 + random);
}

/** No wait is longer, whatever the server asks for. */
export const longestMs = 30_000;
