// Exact chances. In: whole numbers. Out: Fraction, and what can be done with it.

/** A rational number from 0 to 1, not always in lowest terms. */
export type Fraction = { readonly share: bigint; readonly of: bigint };

export const certain: Fraction = { share: 1n, of: 1n };

/** `share` of `of`. */
export function fraction(share: number, of: number): Fraction {
  return { share: BigInt(share), of: BigInt(of) };
}

/** The chance of both, where they do not depend on each other. */
export function times(a: Fraction, b: Fraction): Fraction {
  return isCertain(a) ? b : { share: a.share * b.share, of: a.of * b.of };
}

/** What is left of certainty. */
export function rest(a: Fraction): Fraction {
  return { share: a.of - a.share, of: a.of };
}

/** The chance of one or the other, where they exclude each other. */
export function plus(a: Fraction, b: Fraction): Fraction {
  if (a.of === b.of) return { share: a.share + b.share, of: a.of };
  // Chances of one walk share most of their denominators: one is a multiple of the other.
  if (b.of % a.of === 0n) return { share: a.share * (b.of / a.of) + b.share, of: b.of };
  if (a.of % b.of === 0n) return { share: a.share + b.share * (a.of / b.of), of: a.of };
  return { share: a.share * b.of + b.share * a.of, of: a.of * b.of };
}

export function isCertain({ share, of }: Fraction): boolean {
  return share === of;
}

export function isNever({ share }: Fraction): boolean {
  return share === 0n;
}

/** The nearest number that a computer can hold, for printing and for comparing within a tolerance. */
export function toNumber({ share, of }: Fraction): number {
  const bits = of.toString(16).length * 4;
  if (bits <= 1000) return Number(share) / Number(of);
  const drop = BigInt(bits - 200);
  return Number(share >> drop) / Number(of >> drop);
}
