// Whether a rule takes a packet. In: Step, Traveller. Out: the packet as it is when taken, and as it is when not.
import type { Step } from "./chain.ts";
import { isCertain, isNever, rest, times, type Fraction } from "./fraction.ts";
import { longer, type Condition, type Traveller } from "./traveller.ts";

/** The packet as the rule takes it, and as it goes on where the rule does not; `left` is empty where it matches for sure. */
export type Decision = { readonly taken: Traveller; readonly left: readonly Traveller[] };

/** Asks the rule's questions. What cannot be answered, and what is left to chance, splits the packet's way. Undefined: no match. */
export function decide(step: Step, traveller: Traveller): Decision | undefined {
  let open: string[] | undefined;
  for (const { ask, text, repeatable } of step.tests) {
    const answer = ask(traveller);
    if (answer === true) continue;
    if (answer === false) return undefined;
    const words = text();
    const known = repeatable ? assumed(traveller, words) : undefined;
    if (known === false) return undefined;
    if (known === undefined) (open ??= []).push(words);
  }
  const { chance } = step;
  if (isNever(chance)) return undefined;
  if (open === undefined) {
    if (isCertain(chance)) return { taken: traveller, left: nobody };
    return { taken: lucky(traveller, chance), left: [lucky(traveller, rest(chance))] };
  }
  const on = { on: open.join(" "), line: step.line };
  const matched = assuming(traveller, { ...on, holds: true });
  const otherwise = assuming(traveller, { ...on, holds: false });
  if (isCertain(chance)) return { taken: matched, left: [otherwise] };
  return { taken: lucky(matched, chance), left: [lucky(matched, rest(chance)), otherwise] };
}

const nobody: readonly Traveller[] = [];

function lucky(traveller: Traveller, chance: Fraction): Traveller {
  return { ...traveller, chance: times(traveller.chance, chance) };
}

function assuming(traveller: Traveller, condition: Condition): Traveller {
  return { ...traveller, conditions: longer(traveller.conditions, condition) };
}

/** What the branch already takes for granted of the same words. */
function assumed(traveller: Traveller, text: string): boolean | undefined {
  for (let at = traveller.conditions; at !== undefined; at = at.before) if (at.last.on === text) return at.last.holds;
  return undefined;
}
