// Tests of src/manifest/json-scan.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { skipSpace, skipString, skipValue } from "../../../src/manifest/json-scan.ts";

test.each([
  ["", 0, 0],
  ["a", 0, 0],
  [" \t\r\n a", 0, 5],
  ["a  b", 1, 3],
  ["a  ", 1, 3],
  ["\u00a0a", 0, 0],
])("skipSpace(%j, %d) is %d", (text, at, expected) => {
  expect(skipSpace(text, at)).toBe(expected);
});

test.each([
  ['""', 0, 2],
  ['"a" b', 0, 3],
  ['x"a"', 1, 4],
  ['"\\""', 0, 4],
  ['"\\\\"x"', 0, 4],
  ['"\\\\\\"x"', 0, 7],
  ['"a', 0, 2],
  ['"a\\"', 0, 4],
])("skipString(%j, %d) is %d", (text, at, expected) => {
  expect(skipString(text, at)).toBe(expected);
});

test.each([
  ["1,2", 0, 1],
  ["1 ,2", 0, 1],
  ["true}", 0, 4],
  ["null]", 0, 4],
  ['"a,b" ,', 0, 5],
  ["[1, [2]] ,", 0, 8],
  ['{"a": "}"}, ', 0, 10],
  ["[1", 0, 2],
  ["}", 0, 0],
  [",", 0, 0],
  ["", 0, 0],
])("skipValue(%j, %d) is %d", (text, at, expected) => {
  expect(skipValue(text, at)).toBe(expected);
});

test("skipValue ends where a JSON value ends", () => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.constantFrom(0, 1, "\t"),
      fc.constantFrom("", " ", ",1", "]", "}", "\n"),
      (value, indent, after) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(skipValue(`${text}${after}`, 0)).toBe(text.length);
      },
    ),
  );
});

test("whatever stands there, offsets go forward and stay in the text", () => {
  const piece = fc.constantFrom("{", "}", "[", "]", '"', "\\", ",", ":", " ", "a", "\n");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), fc.nat(20), (pieces, from) => {
      const text = pieces.join("");
      const at = Math.min(from, text.length);
      for (const skip of [skipSpace, skipValue]) {
        const end = skip(text, at);
        expect(end >= at && end <= text.length).toBe(true);
      }
    }),
    { numRuns: 1000 },
  );
});

test("depth has no limit", () => {
  const deep = "[".repeat(200_000);
  expect(skipValue(deep, 0)).toBe(deep.length);
});
