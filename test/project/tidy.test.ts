import { describe, expect, test } from "@jest/globals";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

const sources = ["rules", "src"].flatMap((root) => filesUnder(root).filter((file) => file.endsWith(".ts")));
const folders = [...new Set(sources.map(dirname))];

/** Files without a test file of their own, each with the reason. One that gets a test or goes away makes this list stale, and fails. */
const withoutOwnTest: Readonly<Record<string, string>> = {
  "rules/index.ts": "exports only; test/project/library.test.ts uses it as a stranger would",
  "rules/never.ts": "cannot be reached in a program that compiles",
  "rules/problem.ts": "tested with the decoders that make problems",
  "rules/decode/decoded.ts": "types only",
  "rules/decode/protocol.ts": "types only",
  "rules/decode/pod-types.ts": "types only",
  "rules/trace/end.ts": "types only",
  "src/agent/work.ts": "types only",
  "src/ipvs/ipvs-kernel.ts": "types only",
  "src/kernel/kernel.ts": "types only",
};

test("every source file has its test, or a reason for none", () => {
  const missing = sources.filter((file) => !existsSync(join("test", file.replace(/\.ts$/, ".test.ts"))));
  expect(missing.sort()).toEqual(Object.keys(withoutOwnTest).sort());
});

test.each(sources)("%s begins with a line that says what goes in and what comes out", (file) => {
  const [first = ""] = readFileSync(file, "utf8").split("\n");
  expect(first).toMatch(/^\/\/ .*(In: .*Out: |exports|The pure core|The command line)/);
});

describe("folder READMEs", () => {
  test.each(folders)("%s has one that names each file in it", (folder) => {
    const readme = readFileSync(join(folder, "README.md"), "utf8");
    const files = readdirSync(folder).filter((file) => file.endsWith(".ts"));
    expect(files.filter((file) => !readme.includes(`\`${file}\``))).toEqual([]);
  });

  test.each(folders)("%s names no file that is not there", (folder) => {
    const readme = readFileSync(join(folder, "README.md"), "utf8");
    const named = [...readme.matchAll(/^- `([\w./-]+\.ts)`/gm)].map((found) => found[1] ?? "");
    expect(named.filter((file) => !existsSync(join(folder, file)))).toEqual([]);
  });
});

test("folders have names that say something", () => {
  const vague = ["types", "utils", "helpers", "common", "misc"];
  expect(folders.filter((folder) => vague.includes(basename(folder)))).toEqual([]);
});

test("no test is left out or run alone", () => {
  const tests = filesUnder("test").filter((file) => file.endsWith(".ts") && !file.endsWith("tidy.test.ts"));
  const pattern = /\b(?:it|test|describe)\.(?:only|todo)\(|\b[xf](?:it|describe|test)\(/;
  expect(tests.filter((file) => pattern.test(readFileSync(file, "utf8")))).toEqual([]);
});

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesUnder(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}
