// Tests of src/log.ts.
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { createLog, logLevels } from "../../src/log.ts";

let logged = "";
const stream = process.stderr as { isTTY: boolean | undefined };
const wasTerminal = stream.isTTY;

beforeEach(() => {
  logged = "";
  jest.spyOn(process.stderr, "write").mockImplementation((text) => {
    logged += String(text);
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
  stream.isTTY = wasTerminal;
});

const levelsOf = () => logged.trimEnd().split("\n");

test("text is the level and the message", () => {
  stream.isTTY = undefined;
  createLog({ level: "info", format: "text" }).warn("half of it is missing");
  expect(logged).toBe("warn: half of it is missing\n");
});

test("JSON is one object a line, whatever the message", () => {
  createLog({ level: "info", format: "json" }).error('two\nlines and a "');
  expect(logged.match(/\n/g)).toHaveLength(1);
  expect(JSON.parse(logged)).toMatchObject({ level: "error", message: 'two\nlines and a "' });
});

test.each([...logLevels.entries()])("level %d, %s, and those before it are logged", (index, level) => {
  stream.isTTY = undefined;
  const log = createLog({ level, format: "text" });
  for (const each of logLevels) log[each]("x");
  expect(levelsOf()).toEqual(logLevels.slice(0, index + 1).map((each) => `${each}: x`));
});

test("on a terminal the level has a colour, the message has none", () => {
  stream.isTTY = true;
  createLog({ level: "info", format: "text" }).error("x");
  expect(logged).toMatch(/^\u001b\[31merror\u001b\[39m: x\n$/);
});
