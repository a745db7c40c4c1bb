import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { InputError } from "../../../src/desired/desired.ts";
import { findCases } from "../../../src/golden/find.ts";
import { aFolder, input } from "./a-case.ts";

test("finds cases at any depth, and the directory itself, sorted by path", async () => {
  const folder = await aFolder({
    "input.yaml": input,
    "b/input.json": "{}",
    "a/deep/er/input.yaml": input,
    "a/notes.md": "",
  });
  const found = await findCases([folder]);
  expect(found.map(({ path }) => path)).toEqual([folder, join(folder, "a/deep/er"), join(folder, "b")]);
});

test.each([".git/x", "node_modules/x", "x/.hidden"])("does not enter %s", async (path) => {
  const folder = await aFolder({ "a/input.yaml": input, [`${path}/input.yaml`]: input });
  expect(await findCases([folder])).toHaveLength(1);
});

test("does not follow links to folders, which could lead in a circle", async () => {
  const folder = await aFolder({ "a/input.yaml": input });
  await symlink(folder, join(folder, "a/again"));
  expect(await findCases([folder])).toHaveLength(1);
});

test("names only the files that mean something", async () => {
  const folder = await aFolder({
    "input.yaml": input,
    "README.md": "",
    "node.yaml": "",
    "packets.yaml": "",
    "iptables.rules": "x",
  });
  const [found] = await findCases([folder]);
  expect([...(found?.files ?? [])].sort()).toEqual(["input.yaml", "iptables.rules", "node.yaml", "packets.yaml"]);
});

test("a folder with expected files or a table of packets alone is found, one with settings alone is none", async () => {
  const folder = await aFolder({
    "orphan/summary.txt": "x",
    "table/packets.yaml": "",
    "settings/node.yaml": "",
    "settings/config.yaml": "",
  });
  expect((await findCases([folder])).map(({ path }) => path)).toEqual([join(folder, "orphan"), join(folder, "table")]);
});

test("a case that is given several times is found once", async () => {
  const folder = await aFolder({ "a/b/input.yaml": input });
  expect(await findCases([folder, join(folder, "a"), join(folder, "a/../a/b")])).toHaveLength(1);
});

test("a directory without any case, or that is not there, is refused", async () => {
  const folder = await aFolder({ "a/input.yaml": input, "none/manifest.yaml": input });
  await expect(findCases([folder, join(folder, "none")])).rejects.toThrow(InputError);
  await expect(findCases([join(folder, "missing")])).rejects.toThrow(/missing.*ENOENT/);
});
