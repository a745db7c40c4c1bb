// Tests of src/log.ts.
import { afterEach, beforeEach, describe, expect, jest, test } from "@jest/globals";
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

describe("on a terminal", () => {
  const names = ["NO_COLOR", "FORCE_COLOR", "NODE_DISABLE_COLORS"];
  const kept = names.map((name) => [name, process.env[name]] as const);
  afterEach(() => {
    for (const [name, value] of kept) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  });

  test.each([
    ["the level has a colour", {}, "\u001b["],
    ["it has none where NO_COLOR is set", { NO_COLOR: "1" }, "error: x\n"],
  ])("%s", (_, env, begin) => {
    for (const name of names) Reflect.deleteProperty(process.env, name);
    Object.assign(process.env, env);
    stream.isTTY = true;
    createLog({ level: "info", format: "text" }).error("x");
    expect(logged.startsWith(begin)).toBe(true);
  });
});
