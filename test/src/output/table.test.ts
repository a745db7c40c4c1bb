// Tests of src/output/table.ts.
import { expect, test } from "@jest/globals";
import { renderTable } from "../../../src/output/table.ts";

test.each([
  [
    "pads each column to its widest cell",
    ["A", "LONG"],
    [
      ["aaa", "b"],
      ["a", "bbbbbb"],
    ],
    "A     LONG\naaa   b\na     bbbbbb\n",
  ],
  ["ends no line with spaces", ["A", "B"], [["a", ""]], "A   B\na\n"],
  ["prints the heading where there are no rows", ["A", "B"], [], "A   B\n"],
  ["takes a row that is too short", ["A", "B"], [["a"]], "A   B\na\n"],
])("%s", (_, heading, rows, expected) => {
  expect(renderTable(heading, rows)).toBe(expected);
});
