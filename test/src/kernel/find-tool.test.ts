// Tests of src/kernel/find-tool.ts.
import { access, constants } from "node:fs/promises";
import { expect, test } from "@jest/globals";
import { directories, findTool } from "../../../src/kernel/find-tool.ts";

test("a tool is found where the system keeps its own, and may be run", async () => {
  const path = (await findTool("sh")) ?? "";
  expect(directories.map((directory) => `${directory}/sh`)).toContain(path);
  await expect(access(path, constants.X_OK)).resolves.toBeUndefined();
});

test("nothing of the caller's reaches the search", async () => {
  const path = process.env["PATH"];
  try {
    process.env["PATH"] = "/nowhere";
    expect(await findTool("sh")).toMatch(/^\/.*\/sh$/);
    process.env["PATH"] = process.cwd();
    expect(await findTool("package.json")).toBeUndefined();
  } finally {
    process.env["PATH"] = path;
  }
});

test("what is not there is not found", async () => {
  expect(await findTool("rulewright-no-such-tool")).toBeUndefined();
});
