// Figures as a Markdown table. In: Figure[], explanations of missed targets. Out: text for README.md.
import { never } from "../../rules/never.ts";
import { isMet, type Figure, type Target, type Unit } from "./figure.ts";

/** Why figures whose names begin with one of these may miss their targets. */
export type Explanation = { readonly figures: readonly string[]; readonly because: string };

/** The table, and under it the reasons for missed targets. */
export function renderTable(figures: readonly Figure[], explained: readonly Explanation[]): string {
  const reasons = explained.filter((explanation) => missed(figures).some((figure) => explains(explanation, figure)));
  const rows = figures.map((figure) => {
    const number = reasons.findIndex((reason) => explains(reason, figure)) + 1;
    const verdict = verdictOf(figure);
    return [
      figure.name,
      amount(figure.ours, figure.unit) + (figure.note === undefined ? "" : ` (${figure.note})`),
      figure.baseline === undefined ? "" : `${amount(figure.baseline.value, figure.unit)} (${figure.baseline.what})`,
      ratioOf(figure),
      targetOf(figure.target, figure.unit),
      verdict === "no" && number > 0 ? `no [${number}]` : verdict,
    ];
  });
  const table = [["what", "ours", "compared with", "ratio", "target", "met"], Array<string>(6).fill("---"), ...rows];
  const notes = reasons.map(({ because }, at) => `[${at + 1}] ${because}\n`);
  return `${table.map((cells) => `| ${cells.join(" | ")} |\n`).join("")}${notes.length > 0 ? "\n" : ""}${notes.join("\n")}`;
}

/** Figures that miss their target, explained or not. */
export function missed(figures: readonly Figure[]): Figure[] {
  return figures.filter((figure) => isMet(figure) === false);
}

/** Whether the explanation is for this figure. */
export function explains(explanation: Explanation, figure: Figure): boolean {
  return explanation.figures.some((name) => figure.name.startsWith(name));
}

function verdictOf(figure: Figure): string {
  const met = isMet(figure);
  return met === undefined ? "" : met ? "yes" : "no";
}

function amount(value: number, unit: Unit): string {
  const digits = unit === "lines" || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ${unit}`;
}

/** Faster than the baseline as `12x faster`, slower as `1.24x`. */
function ratioOf({ ours, baseline, unit }: Figure): string {
  if (baseline === undefined) return "";
  const slower = ours / baseline.value;
  return slower >= 0.95
    ? `${slower.toFixed(2)}x`
    : `${(1 / slower).toFixed(1)}x ${unit === "lines" ? "fewer" : "faster"}`;
}

function targetOf(target: Target | undefined, unit: Unit): string {
  if (target === undefined) return "";
  switch (target.kind) {
    case "at-most":
      return `≤ ${target.value} ${unit}`;
    case "faster":
      return `≥ ${target.times}x faster`;
    case "slower-at-most":
      return `≤ ${target.times}x`;
    default:
      return never(target);
  }
}
