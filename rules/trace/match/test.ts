// What is asked of a packet. In: nothing. Out: the types of tests, and the options of a match that is kept as words.
import type { Cidr } from "../../net/cidr.ts";
import type { Ip } from "../../net/ip.ts";
import type { IpSet } from "../../ipset/set.ts";
import type { TraceNode } from "../packet.ts";
import type { Traveller } from "../traveller.ts";

/** What tests are made for and run in. */
export type Surroundings = {
  readonly node: TraceNode;
  readonly sets: ReadonlyMap<string, IpSet>;
  /** Told of everything by which a rule tells clients apart, whenever a packet is asked for it. */
  readonly witness: { tell: ((distinction: Distinction) => void) | undefined };
};

/** Something by which rules tell one client from another. */
export type Distinction =
  | { readonly kind: "block"; readonly block: Cidr }
  | { readonly kind: "range"; readonly low: Ip; readonly high: Ip }
  | { readonly kind: "interface"; readonly name: string }
  | { readonly kind: "own" };

/** Undefined: cannot be decided. */
export type Answer = boolean | undefined;

export type Ask = (traveller: Traveller) => Answer;

/** One question of a rule. `text` is how the rule puts it, for people; it is made when somebody reads it. */
export type Test = {
  readonly ask: Ask;
  readonly text: () => string;
  /** How long an answer that nobody knows stays the same for the same words. */
  readonly lasts: Lasting;
  /** What else is known of the packet once the answer is `from`. */
  readonly learn?: Lesson;
};

/**
 * `hook`: as long as the packet is there. `destination`, `mark`, `connection-mark`: until that changes. `never`: the rule itself counts or
 * draws lots, so that another one with the same words need not agree.
 */
export type Lasting = "always" | "hook" | "destination" | "mark" | "connection-mark" | "never";

export type Lesson = { readonly from: boolean; readonly then: (traveller: Traveller) => Traveller };

/** `--name values ...` of a match, with a `!` before it. */
export type Option = { readonly name: string; readonly not: boolean; readonly values: readonly string[] };

/** The options that these words are. A word before the first option belongs to none and makes an option of its own. */
export function optionsOf(words: readonly string[]): readonly Option[] {
  const options: { name: string; not: boolean; values: string[] }[] = [];
  let not = false;
  for (const word of words) {
    const last = options.at(-1);
    if (word === "!") not = true;
    else if (word.startsWith("--") || last === undefined) {
      options.push({ name: word, not, values: [] });
      not = false;
    } else last.values.push(word);
  }
  return options;
}

/** The answer with `not` before it. */
export function unless(not: boolean, answer: Answer): Answer {
  return answer === undefined ? undefined : answer !== not;
}

/** Yes if all say yes, no if one says no, open otherwise. */
export function every<T>(members: readonly T[], ask: (member: T) => Answer): Answer {
  let open = false;
  for (const member of members) {
    const answer = ask(member);
    if (answer === false) return false;
    if (answer === undefined) open = true;
  }
  return open ? undefined : true;
}

/** Yes if one says yes, no if all say no, open otherwise. */
export function some<T>(members: readonly T[], ask: (member: T) => Answer): Answer {
  let open = false;
  for (const member of members) {
    const answer = ask(member);
    if (answer === true) return true;
    if (answer === undefined) open = true;
  }
  return open ? undefined : false;
}
