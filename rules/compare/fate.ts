// What becomes of a class of packets, all branches together. In: Branch[]. Out: Fate, and whether two are the same.
import { never } from "../never.ts";
import { hostPort, type Ip } from "../net/ip.ts";
import { certain, plus, toNumber, type Fraction } from "../trace/fraction.ts";
import type { Condition } from "../trace/traveller.ts";
import type { Branch } from "../trace/trace.ts";
import type { End } from "../trace/end.ts";

/** One thing that can become of a packet, and how often: over all branches that end so under the same conditions. */
export type Outcome = {
  readonly end: End;
  /** `if -m owner --uid-owner 0`; empty where it depends on nothing but chance. */
  readonly conditions: string;
  readonly chance: Fraction;
  /** It comes about as a scheduler of ip_vs chooses, for all that is known: `chance` says nothing. */
  readonly isChoice: boolean;
  /** `recent` lists that the client is put in. */
  readonly remembered: readonly string[];
  readonly heldSeconds: number | undefined;
};

/** Outcomes by a key that says the same of both sides whatever their chains are called. */
export type Fate = ReadonlyMap<string, Outcome>;

/** Sums the chances of branches that end alike, and leaves conditions out that make no difference. */
export function fateOf(branches: readonly Branch[]): Fate {
  const sums = new Map<string, Sum>();
  for (const { end, conditions, chance, remembered, heldSeconds } of branches) {
    const isChoice = conditions.some(({ choice }) => choice === true);
    const texts = [...new Set(conditions.map(conditionText))].sort();
    const key = `${endText(end)} ${heldSeconds ?? ""}`;
    const whole = `${key} ${texts.join(", ")}`;
    const known = sums.get(whole);
    const sum = isChoice ? certain : known === undefined ? chance : plus(known.outcome.chance, chance);
    const outcome = { end, conditions: texts.join(", "), chance: sum, isChoice, remembered, heldSeconds };
    sums.set(whole, { key, texts, outcome });
  }
  while (joinTwo(sums));
  return new Map([...sums].map(([whole, { outcome }]) => [whole, outcome]));
}

/** Which one a scheduler chooses is told by the end. */
function conditionText({ on, holds, choice }: Condition): string {
  if (choice === true) return `as ${on.split(" ", 1)[0] ?? ""} chooses`;
  return `${holds ? "if" : "if not"} ${on}`;
}

/** An outcome, its key without conditions, and its conditions one by one. */
type Sum = { readonly key: string; readonly texts: readonly string[]; readonly outcome: Outcome };

/** Makes one of two outcomes that are the same whether one condition holds or not. Returns whether there were two such. */
function joinTwo(sums: Map<string, Sum>): boolean {
  for (const [whole, { key, texts, outcome }] of sums) {
    for (const [at, text] of texts.entries()) {
      if (!text.startsWith("if not ")) continue;
      const opposite = `${key} ${texts
        .with(at, `if ${text.slice("if not ".length)}`)
        .toSorted()
        .join(", ")}`;
      const other = sums.get(opposite)?.outcome;
      if (other === undefined || !isSameChance(outcome.chance, other.chance)) continue;
      const left = texts.toSpliced(at, 1);
      sums.delete(whole);
      sums.delete(opposite);
      const joined = `${key} ${left.join(", ")}`;
      const known = sums.get(joined)?.outcome.chance;
      const chance = known === undefined || outcome.isChoice ? outcome.chance : plus(known, outcome.chance);
      sums.set(joined, { key, texts: left, outcome: { ...outcome, conditions: left.join(", "), chance } });
      return true;
    }
  }
  return false;
}

function isSameChance(a: Fraction, b: Fraction): boolean {
  return a.share * b.of === b.share * a.of;
}

/**
 * How far chances may differ and still count as the same. The kernel keeps the chance of each rule in steps of 2^-31, so that layouts
 * which choose in another order differ by some of those.
 */
export const tolerance = 1e-6;

/** Whether both have the same outcomes, each about as often. */
export function isSameFate(a: Fate, b: Fate): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [key, one] of a) {
    const other = b.get(key);
    if (other === undefined) return false;
    if (isSameChance(one.chance, other.chance)) continue;
    if (Math.abs(toNumber(one.chance) - toNumber(other.chance)) > tolerance) return false;
  }
  return true;
}

/** An end in one line; equal for equal ends. */
export function endText(end: End): string {
  switch (end.kind) {
    case "delivered":
      return `${deliveredText(end)}${sourceText(end.source)}`;
    case "rejected":
      return `rejected with ${end.with}`;
    case "dropped":
      return "dropped";
    case "undecided":
      return `depends on ${end.on}`;
    default:
      return never(end);
  }
}

function deliveredText(end: Extract<End, { kind: "delivered" }>): string {
  return `${end.translated ? "to" : "passed on as it is, to"} ${placeText(end)}`;
}

/** `10.244.1.5:8080`, `192.168.0.2:6443 on this node`. */
export function placeText({ to, port, here }: Extract<End, { kind: "delivered" }>): string {
  return `${port === undefined ? to : hostPort(to, port)}${here ? " on this node" : ""}`;
}

/** `, from 192.168.0.2`; empty where the source is kept. */
export function sourceText(source: Extract<End, { kind: "delivered" }>["source"]): string {
  if (source.kind === "kept") return "";
  return source.to === undefined ? ", from the node" : (`, from ${source.to}` satisfies `, from ${Ip}`);
}
