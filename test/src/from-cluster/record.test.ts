// Tests of src/from-cluster/record.ts.
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import type { Ip } from "../../../rules/index.ts";
import { refuseUnlessEmpty, writeCase, type RecordedNode } from "../../../src/from-cluster/record.ts";
import { decodeNodeSettings, noNodeSettings } from "../../../src/golden/node-settings.ts";
import { loadSources } from "../../../src/manifest/load.ts";
import { aFolder } from "../golden/a-case.ts";

const inputError = expect.objectContaining({ name: "InputError" });
const nowhere: RecordedNode = { name: undefined, addresses: [], families: [] };

describe("a folder is", () => {
  test("good where it is empty, and where it is not there", async () => {
    const folder = await aFolder();
    await expect(refuseUnlessEmpty(folder)).resolves.toBeUndefined();
    await expect(refuseUnlessEmpty(join(folder, "a", "b"))).resolves.toBeUndefined();
  });

  test.each(["input.yaml", ".hidden", "folder/file"])(
    "refused where it holds %s, and where it is a file",
    async (file) => {
      const folder = await aFolder({ [file]: "" });
      await expect(refuseUnlessEmpty(folder)).rejects.toThrow(inputError);
      await expect(refuseUnlessEmpty(join(folder, file))).rejects.toThrow(inputError);
    },
  );
});

describe("a case", () => {
  test("is its input, its node and its configuration", async () => {
    const folder = join(await aFolder(), "a", "b");
    await writeCase(folder, { input: "in\n", config: "conf\r\n", node: nowhere });
    expect((await readdir(folder)).sort()).toEqual(["config.yaml", "input.yaml", "node.yaml"]);
    expect(await readFile(join(folder, "input.yaml"), "utf8")).toBe("in\n");
    expect(await readFile(join(folder, "config.yaml"), "utf8")).toBe("conf\r\n");
  });

  test("without a configuration has no file for one", async () => {
    const folder = await aFolder();
    await writeCase(folder, { input: "", config: undefined, node: nowhere });
    expect((await readdir(folder)).sort()).toEqual(["input.yaml", "node.yaml"]);
  });

  test("is written over none that is there", async () => {
    const folder = await aFolder({ "node.yaml": "mine" });
    await expect(writeCase(folder, { input: "", config: undefined, node: nowhere })).rejects.toThrow(inputError);
    expect(await readFile(join(folder, "node.yaml"), "utf8")).toBe("mine");
  });

  test.each<[string, RecordedNode]>([
    ["nothing", nowhere],
    ["everything", { name: "node-a", addresses: ["10.0.0.1", "fd00::1"] as Ip[], families: [6, 4], backend: "ipvs" }],
    ["a name that YAML takes for something else", { name: "0644", addresses: [], families: [] }],
  ])("has a node of which %s is known: golden reads it, and plan -f passes over it", async (_, node) => {
    const folder = await aFolder();
    await writeCase(folder, { input: "", config: undefined, node });
    const text = await readFile(join(folder, "node.yaml"), "utf8");
    expect(decodeNodeSettings(text, "node.yaml")).toEqual({
      kind: "decoded",
      settings: { ...noNodeSettings, ...node, placeholders: "none" },
    });
    expect(loadSources([{ name: "node.yaml", text }]).problems).toEqual([]);
  });
});
