// test/README.md names a test for each feature. In: its tables, the test files. Out: every name that is not there, either way.
import { describe, expect, test } from "@jest/globals";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const folder = import.meta.dirname;
const readme = readFileSync(join(folder, "..", "README.md"), "utf8");
const rows = [...readme.matchAll(/^\| (.+?) +\| `packets\/([a-z-]+\.test\.ts)` +\| (.+?) +\|$/gm)].map(
  ([, feature = "", file = "", title = ""]) => ({ feature, file, title }),
);
const files = readdirSync(folder).filter((file) => file.endsWith(".test.ts"));

describe("the table of features", () => {
  test("has rows", () => {
    expect(rows.length).toBeGreaterThan(80);
  });

  test.each(rows)("$feature: its test exists", ({ file, title }) => {
    expect(files).toContain(file);
    // Titles are string literals without quotes or escapes in them, so the source holds them as they are.
    expect(readFileSync(join(folder, file), "utf8")).toContain(`"${title}"`);
  });

  test("names every test file of packets", () => {
    const named = new Set([...rows.map(({ file }) => file), "packets-table.test.ts"]);
    expect(files.filter((file) => !named.has(file))).toEqual([]);
  });
});
