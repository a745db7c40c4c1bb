import { describe, expect, test } from "@jest/globals";
import { every, optionsOf, some, unless, type Answer } from "../../../../rules/trace/match/test.ts";

describe("options of a match", () => {
  test.each<readonly [readonly string[], ReturnType<typeof optionsOf>]>([
    [[], []],
    [["--dport", "80"], [{ name: "--dport", not: false, values: ["80"] }]],
    [
      ["!", "--dport", "80", "--syn"],
      [
        { name: "--dport", not: true, values: ["80"] },
        { name: "--syn", not: false, values: [] },
      ],
    ],
    [["--tcp-flags", "SYN,ACK", "SYN"], [{ name: "--tcp-flags", not: false, values: ["SYN,ACK", "SYN"] }]],
    [["stray", "words"], [{ name: "stray", not: false, values: ["words"] }]],
    [["!"], []],
  ])("%j", (words, options) => {
    expect(optionsOf(words)).toEqual(options);
  });
});

describe("answers", () => {
  test.each<readonly [readonly Answer[], Answer, Answer]>([
    [[], true, false],
    [[true, true], true, true],
    [[true, false], false, true],
    [[false, false], false, false],
    [[true, undefined], undefined, true],
    [[false, undefined], false, undefined],
    [[undefined, false], false, undefined],
    [[undefined], undefined, undefined],
  ])("all of %j are %s, some %s", (answers, all, one) => {
    const same = (answer: Answer) => answer;
    expect([every(answers, same), some(answers, same)]).toEqual([all, one]);
  });

  test.each<readonly [boolean, Answer, Answer]>([
    [true, true, false],
    [true, false, true],
    [false, true, true],
    [false, false, false],
    [true, undefined, undefined],
    [false, undefined, undefined],
  ])("with not %s, %s becomes %s", (not, answer, wanted) => {
    expect(unless(not, answer)).toBe(wanted);
  });
});
