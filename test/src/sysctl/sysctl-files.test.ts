// Tests of src/sysctl/sysctl-files.ts, on files that look like /proc/sys and /sys.
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { codeOf, hostFiles } from "../../../src/sysctl/sysctl-files.ts";

let root = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "rulewright-sysctl-"));
  await mkdir(join(root, "proc/sys/net"), { recursive: true });
  await mkdir(join(root, "sys/module"), { recursive: true });
  await writeFile(join(root, "proc/sys/net/max"), "65536\n");
  await writeFile(join(root, "sys/module/hashsize"), "16384\n");
});

afterAll(() => rm(root, { recursive: true }));

test.each([
  ["net/max", "proc/sys/net/max", "65536"],
  ["/sys/module/hashsize", "sys/module/hashsize", "16384"],
])("reads and writes %s", async (name, path, value) => {
  const files = hostFiles(root);
  expect(await files.read(name)).toBe(value);
  await files.write(name, "131072");
  expect(await readFile(join(root, path), "utf8")).toMatch(/^131072/);
});

test("what is not there is undefined, and is not made by writing", async () => {
  const files = hostFiles(root);
  expect(await files.read("net/none")).toBeUndefined();
  await expect(files.write("net/none", "1")).rejects.toMatchObject({ code: "ENOENT" });
  expect(await files.read("net/none")).toBeUndefined();
});

test("what cannot be read rejects", async () => {
  await expect(hostFiles(root).read("net")).rejects.toMatchObject({ code: "EISDIR" });
});

test("reads this host's settings", async () => {
  expect(await hostFiles().read("kernel/ostype")).toBe("Linux");
});

test.each([
  [Object.assign(new Error("no"), { code: "EROFS" }), "EROFS"],
  [new Error("no"), ""],
  ["no", ""],
])("the code of %p is %p", (error, code) => {
  expect(codeOf(error)).toBe(code);
});
