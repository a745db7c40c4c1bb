// test/README.md names a test for each feature. In: its tables, the test files. Out: every name that is not there, either way.
import { describe, expect, test } from "@jest/globals";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { differences, leftOut, rowFiles } from "../ipvs/differences.ts";

const folder = import.meta.dirname;
const readme = readFileSync(join(folder, "..", "README.md"), "utf8");
const rows = [...readme.matchAll(/^\| (.+?) +\| `packets\/([a-z-]+\.test\.ts)` +\| (.+?) +\| (.+?) +\|$/gm)].map(
  ([, feature = "", file = "", title = "", ipvs = ""]) => ({ feature, file, title, ipvs }),
);
const ipvsFolder = join(folder, "..", "ipvs");
const ipvsTests = [ipvsFolder, folder]
  .flatMap((from) => readdirSync(from, { withFileTypes: true }).map(({ name }) => join(from, name)))
  .filter((file) => file.endsWith(".ts"))
  .map((file) => readFileSync(file, "utf8"))
  .join("");
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

  test.each(rows)("$feature: so does that of IPVS mode", ({ file, title, ipvs }) => {
    const isSent = rowFiles.some((name) => file === `${name}.test.ts`) && !(title in leftOut);
    if (ipvs === "the same row") expect([isSent, title in differences]).toEqual([true, false]);
    else if (ipvs === "the same row, with a difference") expect([isSent, title in differences]).toEqual([true, true]);
    else if (!ipvs.startsWith("- (")) expect(ipvsTests).toContain(`"${ipvs.replace(/^the same row .*: /, "")}"`);
  });

  test("names every test file of packets", () => {
    const named = new Set([...rows.map(({ file }) => file), "packets-table.test.ts"]);
    expect(files.filter((file) => !named.has(file))).toEqual([]);
  });
});
