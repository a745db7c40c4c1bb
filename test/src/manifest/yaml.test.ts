// Tests of src/manifest/yaml.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseYaml } from "../../../src/manifest/yaml.ts";

const valueOf = (text: string) => {
  const result = parseYaml(text);
  return result.kind === "document" ? result.value : result;
};

test.each([
  ["yes", true],
  ["on", true],
  ["n", false],
  ["0644", 420],
  ["0x10", 16],
  ["1_000", 1000],
  ["089", 89],
  ["1e3", 1000],
  ["12:30:45", "12:30:45"],
  ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
  ["2026-01-01", "2026-01-01"],
  ["10.0.0.1", "10.0.0.1"],
  ["~", null],
  ["'80'", "80"],
])("reads the scalar %s as %j", (text, value) => {
  expect(valueOf(text)).toBe(value);
});

test("merges maps", () => {
  expect(valueOf("a: &a {x: 1}\nb: {<<: *a, z: 2}")).toEqual({ a: { x: 1 }, b: { x: 1, z: 2 } });
});

test("reads __proto__ as any key", () => {
  const value = valueOf("__proto__: {polluted: true}") as object;
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect(Object.keys(value)).toEqual(["__proto__"]);
});

describe("reports", () => {
  test.each([
    ["duplicate keys", "a: 1\na: 2", 5],
    ["tabs as indentation", "a:\n\tb: 1", 3],
    ["NUL bytes", "a: \u0000", 3],
    ["open quotes", 'a: "x', 5],
    ["aliases of nothing", "a: *b", 4],
    ["unknown tags", "a: !!python/object x", 3],
    ["too deep nesting", "[".repeat(5000), 199],
    ["too many aliases", `a: &a x\nb: [${"*a,".repeat(1001)}]`, -1],
    [
      "merges without end",
      `a: &a {${Array.from({ length: 200 }, (_, index) => `k${index}: 1`).join(",")}}\nb:\n${"- {<<: *a}\n".repeat(60)}`,
      -1,
    ],
  ])("%s", (_, text, offset) => {
    const result = parseYaml(text);
    expect(result.kind).toBe("error");
    if (result.kind === "error" && offset >= 0) expect(result.offset).toBe(offset);
  });
});

test("never throws, and finds a place for every path", () => {
  const piece = fc.constantFrom(
    "a",
    ":",
    " ",
    "\n",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "!!str ",
    "|",
    ">",
    "'",
    '"',
    "#",
    "? ",
    "<<",
    "\t",
    "...",
    "%",
    "\uFEFF",
    "\u0000",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => {
      const result = parseYaml(pieces.join(""));
      if (result.kind === "document")
        for (const path of [[], ["a"], [0], ["a", 0, "a"], [0, "a", "a"]])
          expect(result.offsetOf(path)).toBeGreaterThanOrEqual(0);
      else expect(result.offset).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 3000 },
  );
});
