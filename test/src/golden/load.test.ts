import { expect, test } from "@jest/globals";
import { InputError } from "../../../src/desired/desired.ts";
import type { CaseFolder } from "../../../src/golden/find.ts";
import { findCases } from "../../../src/golden/find.ts";
import { loadCase } from "../../../src/golden/load.ts";
import { aFolder, config, input } from "./a-case.ts";

async function caseOf(files: Readonly<Record<string, string | Uint8Array>>): Promise<CaseFolder> {
  const [folder] = await findCases([await aFolder(files)]);
  if (folder === undefined) throw new Error("bug: no case");
  return folder;
}

test("names every file without its folder", async () => {
  const loaded = await loadCase(await caseOf({ "input.yaml": input, "config.yaml": config, "summary.txt": "x" }));
  expect(loaded.read.sources).toEqual([{ name: "input.yaml", text: input }]);
  expect(loaded.config).toEqual({ name: "config.yaml", text: config });
  expect([...loaded.expected]).toEqual([["summary.txt", "x"]]);
});

test("reads the table of packets where there is one", async () => {
  const packets = "packets: [{ from: node, to: svc/default/web, expect: refused }]";
  const rows = (await loadCase(await caseOf({ "input.yaml": input, "packets.yaml": packets }))).packets;
  expect(rows).toMatchObject([{ position: { file: "packets.yaml", line: 1 }, expected: { kind: "refused" } }]);
  expect((await loadCase(await caseOf({ "input.yaml": input }))).packets).toEqual([]);
});

test("an input that is no text is a problem of the case, not trouble", async () => {
  const loaded = await loadCase(await caseOf({ "input.json": new Uint8Array([0x7b, 0xff]) }));
  expect(loaded.read.problems).toMatchObject([{ problem: { code: "not-utf8" }, source: { file: "input.json" } }]);
});

test.each<[string, Record<string, string>]>([
  ["two inputs", { "input.yaml": input, "input.json": "{}" }],
  ["wrong node settings", { "input.yaml": input, "node.yaml": "nam: a" }],
  ["a table of packets without rows", { "input.yaml": input, "packets.yaml": "" }],
  ["a folder in the place of a file", { "input.yaml": input, "node.yaml/x": "" }],
])("%s", async (what, files) => {
  const folder = await caseOf(files);
  const loading = loadCase({
    ...folder,
    files: new Set([...folder.files, ...(what.startsWith("a folder") ? ["node.yaml"] : [])]),
  });
  await expect(loading).rejects.toThrow(InputError);
});
