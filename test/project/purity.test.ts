import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execa } from "execa";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";

// The compiler and the linter are run over a file as if it stood in rules/ and somebody had written those lines there.
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(resolve("node_modules/.purity-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function compileWith(lines: readonly string[]): Promise<readonly string[]> {
  await writeFile(join(folder, "extra.ts"), `${lines.join("\n")}\n`);
  const config = { extends: resolve("rules/tsconfig.json"), include: [join(folder, "extra.ts")] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  const { exitCode, stdout } = await execa("node_modules/.bin/tsc", ["-p", folder], { reject: false });
  return exitCode === 0 ? [] : stdout.split("\n");
}

async function lint(lines: readonly string[]): Promise<readonly LintMessage[]> {
  const types = ["--parser-options", "projectService:true", "--parser-options", "project:false"]; // for a file that is not there
  const input = ["--stdin", "--stdin-filename", "rules/never.ts"];
  const args = ["-c", ".config/eslint.config.js", "--format", "json", ...types, ...input];
  const { stdout } = await execa("node_modules/.bin/eslint", args, { input: `${lines.join("\n")}\n`, reject: false });
  const [file] = JSON.parse(stdout) as [{ messages: LintMessage[] }];
  return file.messages;
}

type LintMessage = { readonly line: number; readonly ruleId: string };

describe("does not compile in rules/:", () => {
  const rows = [
    ["process", "export const user = process.env;", "'process'"],
    ["fetch", 'export const page = fetch("http://localhost");', "'fetch'"],
    ["a module of Node", 'export { readFileSync } from "node:fs";', "'node:fs'"],
    ["console", 'console.log("hello");', "'console'"],
    ["a timer", "setTimeout(() => undefined, 1);", "'setTimeout'"],
    ["Buffer", 'export const bytes = Buffer.from("");', "'Buffer'"],
  ] as const;
  let errors: readonly string[];
  beforeAll(async () => {
    errors = await compileWith(rows.map(([, line]) => line));
  }, 60_000);

  test.each(rows.map(([title, , name], index) => ({ title, name, line: index + 1 })))("$title", ({ name, line }) => {
    expect(errors.filter((error) => error.includes(`extra.ts(${line},`)).join("\n")).toContain(name);
  });
});

describe("does not pass the linter in rules/:", () => {
  const rows = [
    ["the clock", "export const now = Date.now();", "no-restricted-syntax"],
    ["a date", "export const today = new Date();", "no-restricted-syntax"],
    ["chance", "export const dice = Math.random();", "no-restricted-syntax"],
    ["another library", 'export { execa } from "execa";', "no-restricted-imports"],
    ["waiting", "export const wait = async (): Promise<void> => { await Promise.resolve(); };", "no-restricted-syntax"],
  ] as const;
  let messages: readonly LintMessage[];
  beforeAll(async () => {
    messages = await lint(rows.map(([, line]) => line));
  }, 60_000);

  test.each(rows.map(([title, , rule], index) => ({ title, rule, line: index + 1 })))("$title", ({ rule, line }) => {
    expect(messages.filter((message) => message.line === line).map(({ ruleId }) => ruleId)).toContain(rule);
  });
});
