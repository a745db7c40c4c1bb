// Tests of src/manifest/lines.ts.
import { expect, test } from "@jest/globals";
import { lineFinder } from "../../../src/manifest/lines.ts";

test.each([
  ["", 0, 1, 1],
  ["ab", 1, 1, 2],
  ["a\nb", 2, 2, 1],
  ["a\r\nb", 3, 2, 1],
  ["a\r\nb", 2, 1, 3],
  ["a\rb", 2, 2, 1],
  ["a\n\n\nb", 4, 4, 1],
  ["a\u2028b", 2, 1, 3],
  ["a\n", 2, 2, 1],
])("in %j offset %d is line %d, column %d", (text, offset, line, column) => {
  expect(lineFinder(text)(offset)).toEqual({ line, column });
});

test("many lines cost one scan", () => {
  const text = "line\n".repeat(200000);
  const find = lineFinder(text);
  let wrong = 0;
  for (let line = 0; line < 200000; line++) if (find(line * 5).line !== line + 1) wrong++;
  expect(wrong).toBe(0);
});
