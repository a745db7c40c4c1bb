// What the README shows is what the commands print. In: README.md. Out: one test a block of `$ rulewright ...` with its output.
import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "@jest/globals";
import { built, cli } from "../src/commands/cli.ts";

beforeAll(built, 120_000);

const readme = readFileSync("README.md", "utf8");

/** Blocks of a command and what it prints; ```mermaid blocks stand after a block that holds only the command. */
const shown = [
  ...readme.matchAll(
    /```(?:console|sh)\n\$ rulewright ((?:[^\n]*\\\n)*[^\n]*)\n([^`]*)```(?:\n\n```mermaid\n([^`]*)```)?/g,
  ),
].map(([, command = "", output = "", drawn]) => ({
  command: command.replaceAll(/\\\n\s*/g, ""),
  output: drawn ?? output,
}));

test("explain, compare and graph are shown", () => {
  const commands = shown.map(({ command }) => command.split(" ")[0]);
  expect(commands).toEqual(expect.arrayContaining(["explain", "compare", "graph"]));
});

test.each(shown)("$command", async ({ command, output }) => {
  const { stdout } = await cli([...command.split(/ +/), "--log-level", "error"]);
  expect(output).toBe(stdout);
});
