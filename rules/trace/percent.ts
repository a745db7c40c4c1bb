// Chances for people. In: Fraction. Out: a percentage.
import { isCertain, isNever, toNumber, type Fraction } from "./fraction.ts";

/** `33.3%`. Rounded, but never to 0% or 100% where it is not exactly that. */
export function percent(share: Fraction): string {
  if (isNever(share)) return "0%";
  if (isCertain(share)) return "100%";
  const value = toNumber(share) * 100;
  if (value < 0.01) return "<0.01%";
  if (value >= 99.95) return ">99.9%";
  return `${Number(value >= 1 ? value.toFixed(1) : value.toPrecision(2))}%`;
}
