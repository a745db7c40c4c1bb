// Tests of src/manifest/split-yaml.ts.
import { expect, test } from "@jest/globals";
import { constructFromEvents, parseEvents } from "js-yaml";
import fc from "fast-check";
import { splitYaml } from "../../../src/manifest/split-yaml.ts";

test.each([
  ["", []],
  ["# only a comment\n", []],
  ["a: 1", ["a: 1"]],
  ["a: 1\n---\nb: 2\n", ["a: 1\n", "---\nb: 2\n"]],
  ["---\na: 1\n", ["---\na: 1\n"]],
  ["# c\n---\na: 1", ["# c\n---\na: 1"]],
  ["%YAML 1.2\n---\na: 1\n", ["%YAML 1.2\n---\na: 1\n"]],
  ["a: 1\n...\n%YAML 1.2\n---\nb: 2", ["a: 1\n...", "\n%YAML 1.2\n---\nb: 2"]],
  ["a: 1\r\n---\r\nb: 2", ["a: 1\r\n", "---\r\nb: 2"]],
  ["a: 1\r---\rb: 2", ["a: 1\r", "---\rb: 2"]],
  ["--- {a: 1}\n--- {b: 2}", ["--- {a: 1}\n", "--- {b: 2}"]],
  ["a: |\n  ---\n  x\n---\nb: 2", ["a: |\n  ---\n  x\n", "---\nb: 2"]],
  ["a: |\n  x\n---\nb: 2", ["a: |\n  x\n", "---\nb: 2"]],
  ["---a: 1\n----\n", ["---a: 1\n----\n"]],
  ["a: 1\n ---\n", ["a: 1\n ---\n"]],
  ["a: x\u2028---\nb: 1", ["a: x\u2028---\nb: 1"]],
  ["a: 1\n\uFEFF---\nb: 2", ["a: 1\n", "\uFEFF---\nb: 2"]],
  ["---\n---\na: 1", ["---\n", "---\na: 1"]],
])("splits %j", (text, pieces) => {
  expect(splitYaml(text).map(({ start, end }) => text.slice(start, end))).toEqual(pieces);
});

test("gives the documents that js-yaml finds in a sound text", () => {
  const line = fc.constantFrom("---", "...", "a: 1", "b: |", "  x", "  ---", "# c", "", "--- c", "- d");
  const load = (text: string) => constructFromEvents(parseEvents(text, {}), { source: text });
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.constantFrom("\n", "\r\n", "\r"), (lines, lineEnd) => {
      const text = lines.join(lineEnd);
      let expected;
      try {
        expected = load(text);
      } catch {
        return;
      }
      const found = splitYaml(text).flatMap(({ start, end }) => load(text.slice(start, end)));
      const full = (values: unknown[]) => values.filter((value) => value !== null && value !== undefined);
      expect(full(found)).toEqual(full(expected));
    }),
    { numRuns: 2000 },
  );
});
