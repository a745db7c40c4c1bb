import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
import { Command } from "commander";
import { addInputOptions, type InputOptions } from "../../../src/commands/options.ts";
import { plan } from "../../../src/commands/plan.ts";
import { goldenCheck, goldenUpdate } from "../../../src/commands/golden.ts";
import { createLog } from "../../../src/log.ts";
import { aFolder, badInput, config, input, input6 } from "../golden/a-case.ts";

const log = createLog({ level: "error", format: "text" });
let printed = "";

beforeEach(() => {
  printed = "";
  jest.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

const check = (...directories: string[]) => goldenCheck({ directories }, log);
const update = (...directories: string[]) => goldenUpdate({ directories });

test("after an update every case passes", async () => {
  const directory = await aFolder({ "a/input.yaml": input, "b/input.yaml": badInput });
  expect(await update(directory)).toBe(0);
  expect(printed).toContain(
    `${join(directory, "b")}: created iptables.rules, created summary.txt, created problems.txt\n`,
  );
  expect(printed).toMatch(/\n2 updated, 0 unchanged, 0 failed\n$/);
  printed = "";
  expect(await check(directory)).toBe(0);
  expect(printed).toBe("2 passed, 0 failed\n");
});

test.each([
  ["iptables.rules", "iptables", "--family 4"],
  ["ip6tables.rules", "iptables", "--family 6"],
  ["summary.txt", "summary", ""],
] as const)("%s is what plan -o %s %s prints", async (file, output, family) => {
  const both = `${input}---\n${input6.replace("name: web", "name: web6")}`;
  const directory = await aFolder({ "input.yaml": both, "config.yaml": config });
  await update(directory);
  printed = "";
  const flags = `-f ${join(directory, "input.yaml")} --config ${join(directory, "config.yaml")} ${family}`;
  const options = addInputOptions(new Command()).parse(flags.trim().split(" "), { from: "user" }).opts<InputOptions>();
  await plan({ ...options, output }, log);
  expect(printed).toBe(await readFile(join(directory, file), "utf8"));
});

describe("a case that passed fails when", () => {
  const breaks: readonly [string, string, (directory: string) => Promise<void>][] = [
    ["a file is gone", "iptables.rules is missing", (directory) => rm(join(directory, "iptables.rules"))],
    ["a file is empty", "summary.txt is empty", (directory) => writeFile(join(directory, "summary.txt"), "")],
    [
      "a file is one too many",
      "problems.txt is there, but",
      (directory) => writeFile(join(directory, "problems.txt"), "x\n"),
    ],
    ["the input is gone", "but no input.yaml", (directory) => rm(join(directory, "input.yaml"))],
    [
      "the input changes",
      "-A KUBE-SERVICES -d 10.96.0.11/32",
      (directory) => writeFile(join(directory, "input.yaml"), input.replace("10.96.0.10", "10.96.0.11")),
    ],
  ];
  test.each(breaks)("%s", async (_, said, act) => {
    const directory = await aFolder({ "input.yaml": input });
    await update(directory);
    await act(directory);
    printed = "";
    expect(await check(directory)).toBe(1);
    expect(printed).toContain(said);
    expect(printed.endsWith("0 passed, 1 failed\n")).toBe(true);
  });
});

test("a case that cannot be run is trouble, and stops no other", async () => {
  const directory = await aFolder({ "a/input.yaml": input, "a/node.yaml": "nam: x", "b/input.yaml": input });
  expect(await update(directory)).toBe(2);
  printed = "";
  expect(await check(directory)).toBe(2);
  expect(printed).toContain("a: could not be run: node.yaml:1:1: node settings nam: is not known");
  expect(printed.endsWith("1 passed, 1 failed\n")).toBe(true);
});

test("an orphan is a failure of an update too", async () => {
  expect(await update(await aFolder({ "summary.txt": "x" }))).toBe(1);
});

test("a directory without a case is trouble", async () => {
  await expect(check(await aFolder())).rejects.toThrow(/found none/);
  await expect(update(await aFolder())).rejects.toThrow(/found none/);
});

test("writes JUnit's XML", async () => {
  const directory = await aFolder({ "a/input.yaml": input, "b/summary.txt": "x" });
  await update(join(directory, "a"));
  const junit = join(directory, "report.xml");
  expect(await goldenCheck({ directories: [directory], junit }, log)).toBe(1);
  expect(await readFile(junit, "utf8")).toContain('tests="2" failures="1" errors="0"');
});

test("a report that cannot be written is trouble", async () => {
  const directory = await aFolder({ "input.yaml": input });
  const junit = join(directory, "missing/report.xml");
  await expect(goldenCheck({ directories: [directory], junit }, log)).rejects.toThrow(/cannot write/);
});
