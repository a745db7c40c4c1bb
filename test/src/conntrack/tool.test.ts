// Tests of src/conntrack/tool.ts.
import { expect, test } from "@jest/globals";
import { findConntrack } from "../../../src/conntrack/tool.ts";
import { findTool } from "../../../src/kernel/find-tool.ts";

const path = await findTool("conntrack");
const installed = path === undefined ? test.skip : test;

installed("runs the tool, and resolves also where it refuses", async () => {
  const run = await findConntrack();
  expect(await run?.(["--version"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^conntrack v\d/) });
  expect(await run?.(["--no-such-option"])).toMatchObject({ code: 2 });
});

test("is there exactly where the tool is installed", async () => {
  expect((await findConntrack()) === undefined).toBe(path === undefined);
});
