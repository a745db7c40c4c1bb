// What follows from what a branch takes for granted. In: a Traveller, questions that nothing answers. Out: those that are still open, or that they cannot all be answered with yes.
import type { Test } from "./match/test.ts";
import type { Assumption, Part, Trail, Traveller } from "./traveller.ts";

/** The question as conditions keep it. */
export function partOf({ text, lasts }: Test, traveller: Traveller): Part {
  const words = text();
  // `-m owner ! --uid-owner 1` asks for the opposite of `-m owner --uid-owner 1`. With two options `!` is no opposite of the whole.
  const isOpposite = words.split("! ").length === 2 && words.split(" --").length <= 2 && !words.includes('"');
  return {
    words: isOpposite ? words.replace("! ", "") : words,
    positive: !isOpposite,
    basis: basisOf(lasts, traveller),
  };
}

/** The parts that are still open; none: all of them hold. False: they do not all hold. */
export function stillOpen(conditions: Trail<Assumption>, asked: readonly Part[]): readonly Part[] | false {
  if (conditions === undefined) return asked;
  const open: Part[] = [];
  for (const part of asked) {
    const answer = known(conditions, part);
    if (answer === false) return false;
    if (answer === undefined) open.push(part);
  }
  if (open.length === 0) return open;
  if (contradicts(conditions, open)) return false;
  return open.filter((part) => !contradicts(conditions, [opposite(part)]));
}

function basisOf(lasts: Test["lasts"], traveller: Traveller): unknown {
  switch (lasts) {
    case "always":
      return undefined;
    case "hook":
      return traveller.hook;
    case "destination":
      return traveller.destination;
    case "mark":
      return traveller.markChanges;
    case "connection-mark":
      return traveller.connectionMarkChanges;
    default:
      // Like nothing else.
      return {};
  }
}

function isSame(a: Part, b: Part): boolean {
  return a.words === b.words && a.basis === b.basis;
}

function opposite(part: Part): Part {
  return { ...part, positive: !part.positive };
}

/** What conditions say of the part alone. */
function known(conditions: Trail<Assumption>, part: Part): boolean | undefined {
  for (let at = conditions; at !== undefined; at = at.before) {
    const { holds, parts } = at.last;
    if (!holds && parts.length > 1) continue;
    for (const each of parts) if (isSame(each, part)) return (each.positive === part.positive) === holds;
  }
  return undefined;
}

/** Whether with these parts a condition would hold that is known not to: one of several parts, all of which must then hold. */
function contradicts(conditions: Trail<Assumption>, supposed: readonly Part[]): boolean {
  const holds = (part: Part) => {
    const same = supposed.find((each) => isSame(each, part));
    return same === undefined ? known(conditions, part) === true : same.positive === part.positive;
  };
  for (let at = conditions; at !== undefined; at = at.before) {
    const { last } = at;
    if (!last.holds && last.parts.length > 1 && last.parts.every(holds)) return true;
  }
  return false;
}
