// What is said of a row that fails. In: RowFinding. Out: one line, and the walks of its packets.
import type { ProbeAnswer } from "../../rules/explain/explain.ts";
import { place, type Case } from "../../rules/explain/outcomes.ts";
import { renderReason } from "../../rules/explain/reason/reason.ts";
import { count, list } from "../../rules/explain/reason/words.ts";
import { percent } from "../../rules/trace/percent.ts";
import { never } from "../../rules/never.ts";
import { printable } from "../../rules/problem.ts";
import type { End } from "../../rules/trace/end.ts";
import { isCertain, type Fraction } from "../../rules/trace/fraction.ts";
import { renderPosition } from "../manifest/located.ts";
import { renderExplanation } from "../output/explain-text.ts";
import type { RowFault, RowFinding } from "./packets-check.ts";
import type { Expected } from "./packets-decode.ts";

/** Packets of a row whose walks are shown. */
const mostWalks = 3;

/** Endpoints, and sets of answers to what is not known, that a line names. */
const mostNamed = 4;

/** One line: the row with its place, what was expected, what happens instead, and its note. Printable, whatever the row holds. */
export function rowLine({ row, fault }: RowFinding): string {
  const { position, from, to, inInterface, expected, note } = row;
  const by = inInterface === undefined ? "" : ` in by ${inInterface}`;
  const words = `${from.text} to ${to.text}${by} ${faultText(fault, expected)}${note === undefined ? "" : `; note: ${note}`}`;
  return `${renderPosition(position)}: ${printable(words)}`;
}

/** The packets that fare otherwise: why, and rule by rule. Empty where none could be sent. `colour`: as in `explain`. */
export function rowWalks({ fault }: RowFinding, colour: boolean): string {
  if (fault.kind !== "otherwise") return "";
  const shown = fault.failing.slice(0, mostWalks);
  const rest = fault.failing.length - shown.length;
  const text = renderExplanation({ kind: "answered", about: [], answers: shown, dns: [] }, colour);
  const more =
    rest === 0 ? "" : `\n... and ${count(rest, "more packet")} that fare${rest === 1 ? "s" : ""} otherwise\n`;
  return (text + more).replaceAll(/^(?=.)/gm, "  ");
}

function faultText(fault: RowFault, expected: Expected): string {
  switch (fault.kind) {
    case "not-asked": {
      const because = fault.because.map(renderReason).join(" ");
      return `cannot be asked: ${because === "" ? "it has no address that rules here know" : because}`;
    }
    case "otherwise": {
      const [first] = fault.failing;
      const part = fault.packets === 1 ? "" : ` (so ${fault.failing.length} of ${fault.packets} packets)`;
      return `must be ${expectedText(expected)}, but ${first === undefined ? "is not" : foundText(first)}${part}`;
    }
    case "never-sent": {
      const families = new Set(fault.endpoints.map((each) => (each.startsWith("[") ? "IPv6" : "IPv4")));
      return `must be ${expectedText(expected)}, but sends nothing in ${[...families].join(" and ")}`;
    }
    default:
      return never(fault);
  }
}

function expectedText(expected: Expected): string {
  if (expected.kind !== "delivered") return expected.kind;
  const { endpoints, source } = expected;
  const to = endpoints === undefined ? "" : ` to ${list(endpoints, mostNamed)}${endpoints.length > 1 ? "" : " alone"}`;
  return `delivered${to}${sourceText(source)}`;
}

function foundText({ walks }: ProbeAnswer): string {
  const cases = walks.flatMap((walk) => walk.cases);
  const [only] = cases;
  if (only !== undefined && cases.length === 1) return `is ${outcomesText(only)}`;
  const on = new Map(cases.flatMap(({ when }) => when.flat()).map((each) => [each.on, each.line]));
  const conditions = [...on].map(([text, line]) => (line === 0 ? text : `${text} (line ${line})`));
  const ends = cases.slice(0, mostNamed).map(outcomesText);
  const more = cases.length > mostNamed ? [`... ${cases.length - mostNamed} more`] : [];
  return `that depends on ${list(conditions, mostNamed)}, of which nothing is known: ${[...ends, ...more].join(", or ")}`;
}

/** Ends that differ in the endpoint alone are told together. */
function outcomesText({ outcomes }: Case): string {
  const groups = new Map<string, { readonly begins: string; readonly places: string[]; readonly ends: string }>();
  for (const { end, chance } of outcomes) {
    const words = endWords(end);
    const key = JSON.stringify([words.begins, words.ends]);
    const group = groups.get(key) ?? { ...words, places: [] };
    group.places.push(words.at + shareText(chance));
    groups.set(key, group);
  }
  return [...groups.values()]
    .map(({ begins, places, ends }) => `${begins}${list(places, mostNamed)}${ends}`)
    .join(" and ");
}

/** An end in words: before, where, and after. */
function endWords(end: End): { readonly begins: string; readonly at: string; readonly ends: string } {
  switch (end.kind) {
    case "delivered": {
      const begins = end.translated ? "delivered to " : "not translated, and goes on to ";
      return { begins, at: place(end), ends: sourceText(end.source.kind) };
    }
    case "rejected":
      return { begins: `refused (${end.with})`, at: "", ends: "" };
    case "dropped":
      return { begins: "dropped", at: "", ends: "" };
    case "undecided":
      return { begins: `left open by ${end.on}`, at: "", ends: "" };
    default:
      return never(end);
  }
}

function shareText(chance: Fraction | undefined): string {
  return chance === undefined || isCertain(chance) ? "" : ` (${percent(chance)})`;
}

function sourceText(source: "kept" | "rewritten" | undefined): string {
  return source === undefined ? "" : ` with its source ${source}`;
}
