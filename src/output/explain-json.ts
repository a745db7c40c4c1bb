// An explanation for programs. In: Explanation. Out: JSON, one object.
import { ruleLine } from "../../rules/index.ts";
import type { Explanation, ProbeAnswer, Walk } from "../../rules/explain/explain.ts";
import type { Outcome } from "../../rules/explain/outcomes.ts";
import { renderReason, type Reason } from "../../rules/explain/reason/reason.ts";
import type { WalkStep } from "../../rules/explain/walk-tree.ts";
import { printable } from "../../rules/problem.ts";
import { toNumber, type Fraction } from "../../rules/trace/fraction.ts";
import type { End } from "../../rules/trace/end.ts";
import type { Hop } from "../../rules/trace/traveller.ts";

type Answered = Extract<Explanation, { kind: "answered" }>;

/**
 * `about` and each answer's `reasons` are what the text says, each with its `code`, its data and its `text`; `walks` has an entry for
 * each source of rules. Chances are numbers from 0 to 1. Text of rules is made printable.
 */
export function renderExplanationJson({ about, answers, dns }: Answered): string {
  const data = { about: about.map(reasonJson), answers: answers.map(answerJson), dns };
  const safe = (_: string, value: unknown) => (typeof value === "string" ? printable(value) : value);
  return `${JSON.stringify(data, safe, 2)}\n`;
}

function reasonJson(reason: Reason) {
  return { ...reason, text: renderReason(reason) };
}

function answerJson({ probe, reasons, expected, walks, parting }: ProbeAnswer) {
  const { label, family, packet, destination } = probe;
  const { kind, service } = destination;
  return {
    label,
    family,
    packet,
    destination: { kind, service },
    reasons: reasons.map(reasonJson),
    expected,
    walks: walks.map(walkJson),
    parting: parting && reasonJson(parting),
  };
}

function walkJson({ source, reasons, cases, steps }: Walk) {
  return {
    source,
    reasons: reasons.map(reasonJson),
    cases: cases.map(({ when, outcomes }) => ({ when, outcomes: outcomes.map(outcomeJson) })),
    steps: steps.map(stepJson),
  };
}

function outcomeJson({ end, chance }: Outcome) {
  return { chance: chanceJson(chance), end };
}

type StepJson =
  | {
      readonly hop: {
        readonly table: string;
        readonly chain: string;
        readonly line: number | undefined;
        readonly rule: string;
      };
    }
  | {
      readonly ways: readonly object[];
      readonly more: { readonly ways: number; readonly each: number | undefined } | undefined;
    };

function stepJson(step: WalkStep): StepJson {
  if (step.kind === "hop") return { hop: hopJson(step.hop) };
  const { ways, more } = step;
  return {
    ways: ways.map((way) => wayJson(way)),
    more: more && { ways: more.ways, each: chanceJson(more.each) },
  };
}

function wayJson(way: Extract<WalkStep, { kind: "fork" }>["ways"][number]): {
  readonly chance: number | undefined;
  readonly when: readonly object[];
  readonly steps: readonly StepJson[];
  readonly end: End | undefined;
} {
  return { chance: chanceJson(way.chance), when: way.when, steps: way.steps.map(stepJson), end: way.end };
}

/** Undefined where it cannot be told; of a way also where it is all. */
function chanceJson(chance: Fraction | undefined): number | undefined {
  return chance === undefined ? undefined : toNumber(chance);
}

function hopJson({ table, chain, line, rule, does }: Hop) {
  return { table, chain, line, rule: rule === undefined ? does : ruleLine(chain, rule) };
}
