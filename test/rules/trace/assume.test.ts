import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { partOf, stillOpen } from "../../../rules/trace/assume.ts";
import type { Lasting, Test } from "../../../rules/trace/match/test.ts";
import { addressOf } from "../../../rules/trace/packet.ts";
import { longer, type Assumption, type Part, type Trail, type Traveller } from "../../../rules/trace/traveller.ts";
import { anIp } from "../../make/objects.ts";
import { aTraveller } from "./a-trace.ts";

const aTest = (text: string, lasts: Lasting = "always"): Test => ({ ask: () => undefined, text: () => text, lasts });
const part = (text: string): Part => partOf(aTest(text), aTraveller());
const conditions = (...list: readonly (readonly [boolean, ...string[]])[]): Trail<Assumption> =>
  list.reduce<Trail<Assumption>>(
    (trail, [holds, ...words]) => longer(trail, { on: words.join(" "), line: 1, holds, parts: words.map(part) }),
    undefined,
  );
const asked = (known: Trail<Assumption>, ...words: string[]) => {
  const open = stillOpen(known, words.map(part));
  return open === false ? false : open.map(({ words: text, positive }) => (positive ? text : `not ${text}`));
};

describe("a question in words without a !", () => {
  test.each([
    ["-m a --x 1", "-m a --x 1", true],
    ["-m a ! --x 1", "-m a --x 1", false],
    ["! -i eth0", "-i eth0", false],
    // Not the opposite of the whole.
    ["-m a ! --x 1 --y 2", "-m a ! --x 1 --y 2", true],
    ["-m a ! --x 1 ! --y 2", "-m a ! --x 1 ! --y 2", true],
    ['-m string --string "a ! b"', '-m string --string "a ! b"', true],
  ])("%s", (text, words, positive) => {
    expect(part(text)).toMatchObject({ words, positive });
  });
});

describe("what follows from what is taken for granted", () => {
  const none = conditions();
  test.each<readonly [string, Trail<Assumption>, readonly string[], readonly string[] | false]>([
    ["nothing, from nothing", none, ["A"], ["A"]],
    ["the same", conditions([true, "A"]), ["A"], []],
    ["not the same", conditions([false, "A"]), ["A"], false],
    ["the opposite of the opposite", conditions([false, "-m a ! --x"]), ["-m a --x"], []],
    ["not the opposite", conditions([true, "-m a ! --x"]), ["-m a --x"], false],
    ["nothing of others", conditions([true, "A"]), ["B"], ["B"]],
    ["each of several that hold", conditions([true, "A", "B"]), ["B"], []],
    ["not all of several that do not all hold", conditions([false, "A", "B"]), ["A", "B"], false],
    ["not all of these and more", conditions([false, "A", "B"]), ["A", "B", "C"], false],
    ["nothing of one of several that do not all hold", conditions([false, "A", "B"]), ["A"], ["A"]],
    ["not the second, where the first holds", conditions([false, "A", "B"], [true, "A"]), ["B"], false],
    ["the same, the other way round", conditions([true, "B"], [false, "A", "B"]), ["A"], false],
    ["the opposite of the second", conditions([false, "A", "-m b --x"], [true, "A"]), ["-m b ! --x"], []],
    ["nothing of the second, where the first does not hold", conditions([false, "A", "B"], [false, "A"]), ["B"], ["B"]],
    ["what is left of several", conditions([true, "A"]), ["A", "B"], ["B"]],
  ])("%s", (_, known, words, wanted) => {
    expect(asked(known, ...words)).toEqual(wanted);
  });

  test("what every answer that fits has in common, and nothing else, for conditions on one or two questions", () => {
    const names = ["A", "B", "C"];
    const question = fc.subarray(names, { minLength: 1, maxLength: 2 });
    const answers = names
      .flatMap((_, at) => [at])
      .reduce<readonly boolean[][]>(
        (sets) =>
          sets.flatMap((set) => [
            [...set, true],
            [...set, false],
          ]),
        [[]],
      );
    const holds = (words: readonly string[], answer: readonly boolean[]) =>
      words.every((word) => answer[names.indexOf(word)] === true);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), question), { maxLength: 5 }), question, (given, words) => {
        const fitting = answers.filter((answer) => given.every(([yes, each]) => holds(each, answer) === yes));
        fc.pre(fitting.length > 0);
        const open = asked(conditions(...given.map(([yes, each]) => [yes, ...each] as const)), ...words);
        const outcomes = new Set(fitting.map((answer) => holds(words, answer)));
        const wanted = outcomes.size === 2 ? "open" : outcomes.has(true);
        expect(open === false ? false : open.length === 0 ? true : "open").toBe(wanted);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("how long an answer lasts", () => {
  const before = aTraveller();
  const changes = {
    hook: { ...before, hook: "FORWARD" as const },
    destination: { ...before, destination: addressOf(anIp("10.1.0.9")) },
    mark: { ...before, markChanges: 1 },
    "connection-mark": { ...before, connectionMarkChanges: 1 },
  };
  test.each<readonly [Lasting, readonly string[]]>([
    ["always", []],
    ["hook", ["hook"]],
    ["destination", ["destination"]],
    ["mark", ["mark"]],
    ["connection-mark", ["connection-mark"]],
    ["never", ["hook", "destination", "mark", "connection-mark"]],
  ])("%s: until a change of %j", (lasts, ends) => {
    const question = aTest("A", lasts);
    const known = longer<Assumption>(undefined, { on: "A", line: 1, holds: true, parts: [partOf(question, before)] });
    const isForgotten = (after: Traveller) => {
      const open = stillOpen(known, [partOf(question, after)]);
      return open !== false && open.length > 0;
    };
    const forgotten = Object.entries(changes)
      .filter(([, after]) => isForgotten(after))
      .map(([name]) => name);
    expect(forgotten).toEqual(ends);
    expect(stillOpen(known, [partOf(question, before)])).toHaveLength(lasts === "never" ? 1 : 0);
  });
});
