// Tests of src/manifest/json-offsets.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { jsonOffsets, splitJsonValues, type Path } from "../../../src/manifest/json-offsets.ts";

describe("jsonOffsets", () => {
  const text = ' {"a": [1, {"b\\"c": "x]}"}, [[]]], "d" : {"e":null}, "a2":-1.5e3}';

  test.each([
    [[], '{"a"'],
    [["a"], '"a":'],
    [["a", 0], "1,"],
    [["a", 1], '{"b'],
    [["a", 1, 'b"c'], '"b\\"c"'],
    [["a", 2, 0], "[]]]"],
    [["d", "e"], '"e":null'],
    [["a2"], '"a2"'],
    [["a", 9], '"a":'],
    [["d", "e", "f", 3], '"e":null'],
    [["missing", "x"], '{"a"'],
  ] as [Path, string][])("finds %j", (path, expected) => {
    const at = jsonOffsets(text)(path);
    expect(text.slice(at, at + expected.length)).toBe(expected);
  });

  test("finds the last of equal keys, which is the one that counts", () => {
    expect(jsonOffsets('{"a":1,"a":2}')(["a"])).toBe(7);
  });

  test("reads __proto__ as any key", () => {
    expect(jsonOffsets('{"__proto__":{"x":1}}')(["__proto__", "x"])).toBe(14);
  });

  test("finds every value of any JSON, with any spacing", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(0, 1, "\t"), (value, space) => {
        const json = JSON.stringify(value, null, space);
        const offsetOf = jsonOffsets(json);
        const visit = (each: unknown, path: Path): void => {
          const at = offsetOf(path);
          if (path.length > 0 && typeof path.at(-1) === "string")
            expect(json.slice(at).startsWith(JSON.stringify(path.at(-1)))).toBe(true);
          else if (typeof each !== "object" || each === null)
            expect(json.slice(at).startsWith(JSON.stringify(each))).toBe(true);
          if (Array.isArray(each))
            each.forEach((item, index) => {
              visit(item, [...path, index]);
            });
          else if (typeof each === "object" && each !== null)
            for (const [key, item] of Object.entries(each)) visit(item, [...path, key]);
        };
        visit(value, []);
      }),
    );
  });

  test("has no limit of depth", () => {
    const deep = "[".repeat(200000) + "]".repeat(200000);
    expect(jsonOffsets(deep)([0, 0, 0])).toBe(3);
  });

  test("scans a long list once", () => {
    const long = JSON.stringify(
      Array.from({ length: 20000 }, (_, index) => ({ name: `n${index}`, filler: "x".repeat(200) })),
    );
    const offsetOf = jsonOffsets(long);
    for (let index = 0; index < 20000; index++) offsetOf([index, "name"]);
    expect(long.slice(offsetOf([19999])).startsWith('{"name":"n19999"')).toBe(true);
  });
});

test.each([
  ['{"a":1}', 1],
  ['{"a":"}{"}\n{"b":2}', 2],
  ["[1][2] [3]", 3],
  ["{} x {}", 2],
  ["", 0],
  ["{", 1],
  ["}{", 1],
])("splits %j into %d", (text, count) => {
  expect(splitJsonValues(text)).toHaveLength(count);
});
