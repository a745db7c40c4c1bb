// Tests of rules/iptables/text/quote.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { linesOf, quote, quoteComment, splitWords } from "../../../../rules/iptables/text/quote.ts";
import { hostileText } from "./hostile.ts";

const clean = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, "?");

test.each([
  ["web", "web"],
  ["10.0.0.1/32", "10.0.0.1/32"],
  ["[fd00::1]:80", "[fd00::1]:80"],
  ["", '""'],
  ["a b", '"a b"'],
  ['a"b', '"a\\"b"'],
  ["a\\b", '"a\\\\b"'],
  ["a\nb", '"a?b"'],
  ["$(x)", '"$(x)"'],
  ["!", '"!"'],
])("the word %j is written as %s", (word, text) => {
  expect(quote(word)).toBe(text);
});

test.each([
  ["web", "web"],
  ["a/b", '"a/b"'],
  ["x".repeat(300), "x".repeat(255)],
])("the comment %j is quoted as iptables-save does, and no longer than the kernel keeps", (text, written) => {
  expect(quoteComment(text)).toBe(written);
});

test("words read back as they were, but for what is not printable ASCII", () => {
  fc.assert(
    fc.property(fc.array(hostileText, { minLength: 1, maxLength: 5 }), (words) => {
      expect(splitWords(words.map(quote).join(" "))).toEqual(words.map(clean));
      expect(splitWords(words.map(quoteComment).join(" "))).toEqual(words.map((word) => clean(word).slice(0, 255)));
    }),
    { numRuns: 1000 },
  );
});

test("any line can be split, and blanks part words", () => {
  fc.assert(
    fc.property(hostileText, (line) => {
      expect(Array.isArray(splitWords(line))).toBe(true);
    }),
  );
  expect(splitWords('  a   "b c"  d"e f"g ')).toEqual(["a", "b c", "de fg"]);
});

test.each([
  ["", []],
  ["a", ["a"]],
  ["a\nb\n", ["a", "b"]],
  ["\n\nc", ["", "", "c"]],
])("the lines of %j are %j", (text, lines) => {
  expect([...linesOf(text)]).toEqual(lines);
});
