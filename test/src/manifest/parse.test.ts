// Tests of src/manifest/parse.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseSource } from "../../../src/manifest/parse.ts";

const parse = (text: string) => parseSource({ name: "f", text });
const values = (text: string) => parse(text).documents.map(({ value }) => value);
const places = (text: string) => parse(text).problems.map(({ source }) => `${source?.line}:${source?.column}`);

describe("documents", () => {
  test.each([
    ["JSON", '{"a": 1}', [{ a: 1 }]],
    ["JSON after white space", " \n\t[1]", [[1]]],
    ["JSON that is not quite JSON but YAML", "{a: 1, b: [x,],}", [{ a: 1, b: ["x"] }]],
    ["JSON values that follow one another", '{"a":1}\n{"a":2}{"a":3}', [{ a: 1 }, { a: 2 }, { a: 3 }]],
    ["JSON documents between YAML ones", 'a: 1\n---\n{"a":2}\n---\n{a: 3}', [{ a: 1 }, { a: 2 }, { a: 3 }]],
    ["YAML", "a: 1\n---\na: 2\n", [{ a: 1 }, { a: 2 }]],
    ["YAML with CR LF", "a: 1\r\n---\r\na: |\r\n  x\r\n", [{ a: 1 }, { a: "x\n" }]],
    ["text behind a byte order mark", "\uFEFFa: 1", [{ a: 1 }]],
    ["JSON behind a byte order mark", '\uFEFF{"a":1}', [{ a: 1 }]],
    ["only those that hold something", "---\n# c\n---\n~\n---\na: 1\n---\n", [{ a: 1 }]],
    ["nothing", "", []],
    ["nothing but comments", "# a\n# b", []],
    ["scalars too", "just text", ["just text"]],
  ])("may be %s", (_, text, expected) => {
    expect(parse(text).problems).toEqual([]);
    expect(values(text)).toEqual(expected);
  });

  test("that are broken lose no others", () => {
    const text = "a: 1\n---\na: [\n---\na: 3\n---\nb:\n\tc: 1\n---\na: 5\u0000\n---\na: 6";
    expect(values(text)).toEqual([{ a: 1 }, { a: 3 }, { a: 6 }]);
    expect(places(text)).toHaveLength(3);
  });

  test("in a stream of JSON that are broken lose no others", () => {
    expect(values('{"a":1}\n{"a" 2}\n{"a":3}')).toEqual([{ a: 1 }, { a: 3 }]);
  });
});

test.each([
  ["a: 1\n---\nb: x: y\n", "3:5"],
  ["a: 1\n---\nb: 1\nb: 2\n", "4:1"],
  ['{\n  "a": 1\n  "b": 2\n}', "3:6"],
  ["a: 1\n---\nb: *c\n", "3:5"],
])("the error in %j stands at %s", (text, place) => {
  expect(places(text)).toEqual([place]);
});

test.each([
  ['{\n "a": [\n  {"b": 1}\n ]\n}', ["a", 0, "b"], 3, 4],
  ["x: 1\n---\na:\n  - b: 1\n", ["a", 0, "b"], 4, 5],
  ['x: 1\n---\n{"a": [{"b": 1}]}', ["a", 0, "b"], 3, 9],
  ['{}\n{"a": [{"b": 1}]}', ["a", 0, "b"], 2, 9],
  ["\uFEFFa: 1", ["a"], 1, 1],
  ["a: 1\r\nb:\r\n  c: 1", ["b", "c"], 3, 3],
])("in %j the last document's %j stands at %d:%d", (text, path, line, column) => {
  expect(parse(text).documents.at(-1)?.positionOf(path)).toEqual({ file: "f", line, column });
});

test("nothing that is too deep throws", () => {
  for (const text of [
    "[".repeat(100000),
    "[".repeat(100000) + "]".repeat(100000),
    "- ".repeat(100000),
    '{"a":'.repeat(50000),
  ])
    for (const document of parse(text).documents) expect(document.positionOf([0, 0, 0]).line).toBe(1);
});

test("nothing throws, and problems are printable", () => {
  const piece = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    '"',
    ":",
    ",",
    "\n",
    "---",
    "a",
    " ",
    "\r",
    "\u0000",
    "\uFEFF",
    "1",
    "*a",
    "&a",
    "\u001b",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
      const { documents, problems } = parse(pieces.join(""));
      for (const { problem } of problems) expect(problem.text).toMatch(/^[\x20-\x7e]+$/);
      for (const document of documents) expect(document.positionOf(["a", 0, "a"]).line).toBeGreaterThan(0);
    }),
    { numRuns: 3000 },
  );
});
