// Whether a rule takes a packet. In: Step, Traveller. Out: the packet as it is when taken, and as it is when not.
import { partOf, stillOpen } from "./assume.ts";
import type { Step } from "./chain.ts";
import { isCertain, isNever, rest, times, type Fraction } from "./fraction.ts";
import type { Test } from "./match/test.ts";
import { longer, type Part, type Traveller } from "./traveller.ts";

/** The packet as the rule takes it, and as it goes on where the rule does not; `left` is empty where it matches for sure. */
export type Decision = { readonly taken: Traveller; readonly left: readonly Traveller[] };

/** Asks the rule's questions. What cannot be answered, and what is left to chance, splits the packet's way. Undefined: no match. */
export function decide(step: Step, traveller: Traveller): Decision | undefined {
  let unanswered: Test[] | undefined;
  for (const test of step.tests) {
    const answer = test.ask(traveller);
    if (answer === false) return undefined;
    if (answer === undefined) (unanswered ??= []).push(test);
  }
  if (isNever(step.chance)) return undefined;
  if (unanswered === undefined) return draw(traveller, step.chance);
  const tests = unanswered.length > mostUnanswered ? [together(unanswered)] : unanswered;
  const questions = tests.map((test) => ({ test, part: partOf(test, traveller) }));
  const open = stillOpen(
    traveller.conditions,
    questions.map(({ part }) => part),
  );
  if (open === false) return undefined;
  return open.length === 0
    ? draw(traveller, step.chance)
    : split(
        step,
        traveller,
        questions.filter(({ part }) => open.includes(part)),
      );
}

/** Questions of one rule that are told apart. No rule has more; one that was made to is asked all of them at once, each time anew. */
const mostUnanswered = 32;

function together(tests: readonly Test[]): Test {
  return { ask: () => undefined, text: () => tests.map(({ text }) => text()).join(" "), lasts: "never" };
}

const nobody: readonly Traveller[] = [];

function draw(traveller: Traveller, chance: Fraction): Decision {
  if (isCertain(chance)) return { taken: traveller, left: nobody };
  return { taken: lucky(traveller, chance), left: [lucky(traveller, rest(chance))] };
}

type Question = { readonly test: Test; readonly part: Part };

function split({ line, chance }: Step, traveller: Traveller, questions: readonly Question[]): Decision {
  const on = questions.map(({ test }) => test.text()).join(" ");
  const parts = questions.map(({ part }) => part);
  const assuming = (holds: boolean): Traveller => ({
    ...traveller,
    conditions: longer(traveller.conditions, { on, line, holds, parts }),
  });
  const [only, another] = questions;
  const otherwise =
    another === undefined && only !== undefined ? learnt(only, false, assuming(false)) : assuming(false);
  const matched = questions.reduce((known, question) => learnt(question, true, known), assuming(true));
  const { taken, left } = draw(matched, chance);
  return { taken, left: [...left, otherwise] };
}

function learnt({ test: { learn } }: Question, holds: boolean, traveller: Traveller): Traveller {
  return learn?.from === holds ? learn.then(traveller) : traveller;
}

function lucky(traveller: Traveller, chance: Fraction): Traveller {
  return { ...traveller, chance: times(traveller.chance, chance), lots: traveller.lots + 1 };
}
