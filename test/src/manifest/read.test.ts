// Tests of src/manifest/read.ts.
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { ManifestReadError, readSources } from "../../../src/manifest/read.ts";

let root = "";
const stdin = (...chunks: readonly Uint8Array[]): AsyncIterable<Uint8Array> => Readable.from(chunks);
const read = (paths: readonly string[], recursive = false) =>
  readSources(
    paths.map((path) => (path === "-" ? path : join(root, path))),
    { recursive, stdin: stdin(Buffer.from("a: \u00e4").subarray(0, 4), Buffer.from("a: \u00e4").subarray(4)) },
  );
const names = async (paths: readonly string[], recursive = false) =>
  (await read(paths, recursive)).sources.map(({ name }) => name.replace(`${root}/`, ""));

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "rulewright-read-"));
  await mkdir(join(root, "dir/sub"), { recursive: true });
  await mkdir(join(root, "empty"));
  await mkdir(join(root, "dir/odd.yaml"));
  for (const file of ["dir/b.yaml", "dir/a.yml", "dir/c.json", "dir/d.txt", "dir/sub/e.yaml", "one.txt"])
    await writeFile(join(root, file), file);
  await symlink(join(root, "one.txt"), join(root, "dir/link.yaml"));
  await writeFile(join(root, "latin1.yaml"), Buffer.from("a: 1\nb: \xe4\n", "latin1"));
  await writeFile(join(root, "bom.yaml"), "\uFEFFa: 1");
});
afterAll(() => rm(root, { recursive: true }));

describe("readSources", () => {
  test.each([
    [["one.txt"], false, ["one.txt"]],
    [["dir"], false, ["dir/a.yml", "dir/b.yaml", "dir/c.json", "dir/link.yaml"]],
    [["dir"], true, ["dir/a.yml", "dir/b.yaml", "dir/c.json", "dir/link.yaml", "dir/sub/e.yaml"]],
    [["one.txt", "dir/sub"], false, ["one.txt", "dir/sub/e.yaml"]],
    [["-", "one.txt"], false, ["stdin", "one.txt"]],
    [[], false, []],
  ])("expands %j (recursive: %s)", async (paths, recursive, expected) => {
    expect(await names(paths, recursive)).toEqual(expected);
  });

  test("joins the chunks of standard input before decoding them", async () => {
    expect((await read(["-"])).sources).toEqual([{ name: "stdin", text: "a: \u00e4" }]);
  });

  test("reports a file that is not UTF-8, and reads the others", async () => {
    const { sources, problems } = await read(["latin1.yaml", "one.txt"]);
    expect(sources).toHaveLength(1);
    expect(problems).toMatchObject([{ problem: { code: "not-utf8" }, source: { line: 2, column: 4 } }]);
  });

  test("takes the byte order mark off", async () => {
    expect((await read(["bom.yaml"])).sources[0]?.text).toBe("a: 1");
  });

  test.each([
    [["missing.yaml"], "ENOENT"],
    [["empty"], "no-manifests"],
    [["-", "-"], "stdin-twice"],
    [["one.txt/x"], "ENOTDIR"],
  ])("throws for %j an error with code %s", async (paths, code) => {
    const error = await read(paths).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ManifestReadError);
    expect(error).toMatchObject({ code });
  });
});
