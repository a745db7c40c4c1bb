// What comes of a packet, added up. In: Branch[]. Out: Outcome[], each end once for each answer to what is not known.
import { hostPort } from "../net/ip.ts";
import { never } from "../never.ts";
import type { Branch } from "../trace/trace.ts";
import type { End } from "../trace/end.ts";
import { plus, toNumber, type Fraction } from "../trace/fraction.ts";
import type { Condition } from "../trace/traveller.ts";

/** One end, and how often it comes about where the conditions hold. */
export type Outcome = {
  readonly end: End;
  /** Undefined: it hangs on what a scheduler of ip_vs knows, and nobody else. */
  readonly chance: Fraction | undefined;
  /** One of the branches that end so. */
  readonly branch: Branch;
};

/** Everything that can come about under the same answers. The chances of `outcomes` add up to 1 where all are known. */
export type Case = {
  /** Sets of answers that all lead here; empty in the one case of a packet of which all that matters is known. */
  readonly when: readonly (readonly Condition[])[];
  readonly outcomes: readonly Outcome[];
};

/** The cases that differ in what comes about, in the order in which they were met; ends in order of address, then of kind. */
export function findCases(branches: readonly Branch[]): Case[] {
  const byAnswers = new Map<string, Branch[]>();
  for (const branch of branches) {
    const key = JSON.stringify(answersOf(branch).map(({ on, holds }) => [on, holds]));
    const same = byAnswers.get(key);
    if (same === undefined) byAnswers.set(key, [branch]);
    else same.push(branch);
  }
  const cases = new Map<string, { when: (readonly Condition[])[]; outcomes: readonly Outcome[] }>();
  for (const members of byAnswers.values()) {
    const outcomes = addUp(members);
    const key = JSON.stringify(outcomes.map(({ end, chance }) => [endKey(end), chance && toNumber(chance).toFixed(6)]));
    const [first] = members;
    const conditions = first === undefined ? [] : answersOf(first);
    const same = cases.get(key);
    if (same === undefined) cases.set(key, { when: [conditions], outcomes });
    else same.when.push(conditions);
  }
  const found = [...cases.values()];
  return found.length === 1 ? found.map((only) => ({ ...only, when: [] })) : found;
}

/** Text that is the same for ends that are alike to sender and receiver. */
export function endKey(end: End): string {
  switch (end.kind) {
    case "delivered":
      return `to ${place(end)} ${end.here ? "here" : "on"} from ${sourceKey(end)}`;
    case "rejected":
      return `rejected ${end.with}`;
    case "dropped":
      return "dropped";
    case "undecided":
      return `undecided ${end.on}`;
    default:
      return never(end);
  }
}

/** Whether the source is kept counts, not which of the node's addresses it becomes. */
function sourceKey({ source }: Extract<End, { kind: "delivered" }>): string {
  return source.kind;
}

/** `10.0.0.1:80`, or the address alone where no port is known. */
export function place({ to, port }: Extract<End, { kind: "delivered" }>): string {
  return port === undefined ? to : hostPort(to, port);
}

function addUp(branches: readonly Branch[]): Outcome[] {
  const found = new Map<string, Outcome>();
  for (const branch of branches) {
    const key = endKey(branch.end);
    const known = found.get(key);
    found.set(key, { end: branch.end, chance: sumOf(known, branch), branch: known?.branch ?? branch });
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, outcome]) => outcome);
}

function sumOf(known: Outcome | undefined, { chance, conditions }: Branch): Fraction | undefined {
  if (conditions.some(({ choice }) => choice === true)) return undefined;
  if (known === undefined) return chance;
  return known.chance && plus(known.chance, chance);
}

/** What a scheduler chooses is no question that could be answered: its choices stand side by side in one case. */
function answersOf({ conditions }: Branch): readonly Condition[] {
  return conditions.some(({ choice }) => choice === true)
    ? conditions.filter(({ choice }) => choice !== true)
    : conditions;
}
