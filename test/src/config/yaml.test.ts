import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseYaml, placeAt, type Path } from "../../../src/config/yaml.ts";

function positionOf(text: string, path: Path): string {
  const [document] = parseYaml(text).documents;
  if (document === undefined) return "none";
  const { line, column } = placeAt(document.place, path).position;
  return `${line}:${column}`;
}

describe("placeAt", () => {
  const block = "a:\n  b: 1\n  c:\n  - x\n  - {d: 2}\n  'e': 3\n";
  test.each<[string, string, Path, string]>([
    ["a document at its start", block, [], "1:1"],
    ["a field at its name", block, ["a", "b"], "2:3"],
    ["a list's item at its start", block, ["a", "c", 1], "5:5"],
    ["a field in flow style", block, ["a", "c", 1, "d"], "5:6"],
    ["a quoted name at its quote", block, ["a", "e"], "6:3"],
    ["an absent field at its mapping", block, ["a", "z", "y"], "1:1"],
    ["an empty item at its list", "a:\n-\n", ["a", 0], "2:1"],
    ["JSON with tabs", '{\n\t"a":\t[1,\n\t2]}', ["a", 1], "3:2"],
    ["lines that end in CR LF", "a: 1\r\nb: 2\r\n", ["b"], "2:1"],
    ["the last of two", "a: 1\na: 2\n", ["a"], "2:1"],
  ])("locates %s", (_title, text, path, expected) => {
    expect(positionOf(text, path)).toBe(expected);
  });
});

describe("parseYaml", () => {
  test("gives each document of a text its own places", () => {
    const { documents } = parseYaml("a: 1\n---\n---\nb: 2\n");
    expect(documents.map(({ value }) => value ?? null)).toEqual([{ a: 1 }, null, { b: 2 }]);
    expect(documents.map(({ place }) => place.position.line)).toEqual([1, 1, 4]);
  });

  test("lists fields that are written twice, and takes the last", () => {
    const [document] = parseYaml("a: {b: 1, b: 2, b: 3}\n").documents;
    expect(document?.value).toEqual({ a: { b: 3 } });
    expect(document?.duplicates).toEqual([
      { path: ["a", "b"], position: { line: 1, column: 11 } },
      { path: ["a", "b"], position: { line: 1, column: 17 } },
    ]);
  });

  test("knows where the lines of a literal block begin", () => {
    const [document] = parseYaml("data:\n  x: |\n\n    a: 1\n  y: 'a'\n").documents;
    expect(document && placeAt(document.place, ["data", "x"]).block).toEqual({ line: 3, column: 5 });
    expect(document && placeAt(document.place, ["data", "y"]).block).toBeUndefined();
  });

  test.each([
    ["on", true],
    ["0644", 420],
    ["2026-11-21", "2026-11-21"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["&x a", "a"],
  ])("reads %s as go-yaml v2 does", (text, value) => {
    expect(parseYaml(text).documents.map((document) => document.value)).toEqual([value]);
  });

  test("merges mappings", () => {
    expect(parseYaml("a: &a {x: 1, z: 1}\nb: {<<: *a, z: 2}\n").documents[0]?.value).toMatchObject({
      b: { x: 1, z: 2 },
    });
  });

  test.each([
    ["an open bracket", "a: [", "1:5"],
    ["a zero byte", "a: \0", "1:4"],
    ["an unknown tag", "a: 1\nb: !foo x\n", "2:4"],
    ["an alias inside its own anchor", "a: &x [*x]\n", "1:9"],
    ["an alias without anchor", "a: *x\n", undefined],
    ["more than 10 aliases", `a: &x 1\nb: [${"*x, ".repeat(11)}]\n`, undefined],
    ["deep nesting", "[".repeat(1000), undefined],
    ["a list as a name", "? [a]\n: 1\n", undefined],
  ])("refuses %s with its place", (_title, text, position) => {
    const { documents, error } = parseYaml(text);
    expect(documents).toEqual([]);
    expect(error?.text).not.toBe("");
    if (position !== undefined) expect(`${error?.position.line}:${error?.position.column}`).toBe(position);
  });

  test("reads JSON as JSON.parse does, and places every field of it", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ unit: "grapheme-ascii", minLength: 1 }), fc.jsonValue({ maxDepth: 3 })),
        (value) => {
          const text = JSON.stringify(value, null, 1);
          const [document] = parseYaml(text).documents;
          expect(document?.value).toEqual(JSON.parse(text));
          for (const name of Object.keys(value)) {
            const { line, column } = placeAt(document?.place ?? never(), [name]).position;
            expect(
              text
                .split("\n")
                [line - 1]?.slice(column - 1)
                .startsWith(JSON.stringify(name)),
            ).toBe(true);
          }
        },
      ),
    );
  });
});

function never(): never {
  throw new Error("no document");
}
