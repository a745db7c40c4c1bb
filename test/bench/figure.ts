// What was measured, and what was aimed at. In: numbers. Out: Figures, and the verdict on each.
import { never } from "../../rules/never.ts";

export type Unit = "s" | "ms" | "us" | "MB" | "lines" | "% of a core";

/** One line of the table. */
export type Figure = {
  /** What is measured, with its size; unique. */
  readonly name: string;
  readonly unit: Unit;
  readonly ours: number;
  /** What it is compared with, in the same unit. */
  readonly baseline?: { readonly value: number; readonly what: string };
  readonly target?: Target;
  /** Anything a reader should know, e.g. CPU time beside wall time. */
  readonly note?: string;
};

/** `faster`: baseline by ours; `slower`: ours by baseline. */
export type Target =
  | { readonly kind: "at-most"; readonly value: number }
  | { readonly kind: "faster"; readonly times: number }
  | { readonly kind: "slower-at-most"; readonly times: number };

/** The middle of some numbers; of an even count, the lower of the two. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (middle === undefined) throw new Error("bug: no numbers to take the median of");
  return middle;
}

/** Whether the target is met; undefined where there is none. */
export function isMet({ ours, baseline, target }: Figure): boolean | undefined {
  if (target === undefined) return undefined;
  switch (target.kind) {
    case "at-most":
      return ours <= target.value;
    case "faster":
      return baseline !== undefined && baseline.value >= target.times * ours;
    case "slower-at-most":
      return baseline !== undefined && ours <= target.times * baseline.value;
    default:
      return never(target);
  }
}
