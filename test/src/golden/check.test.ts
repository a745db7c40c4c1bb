import { expect, test } from "@jest/globals";
import { checkCase, orphanFinding } from "../../../src/golden/check.ts";
import { findCases } from "../../../src/golden/find.ts";
import { updateCase } from "../../../src/golden/update.ts";
import { aFolder, config, input } from "./a-case.ts";

async function check(files: Readonly<Record<string, string>>) {
  const [folder] = await findCases([await aFolder(files)]);
  if (folder === undefined) throw new Error("bug: no case");
  return checkCase(folder);
}

test("a case whose files are as they come out passes", async () => {
  const directory = await aFolder({ "input.yaml": input });
  for (const folder of await findCases([directory])) await updateCase(folder);
  for (const folder of await findCases([directory])) expect(await checkCase(folder)).toMatchObject({ kind: "passed" });
});

test("a case without expected files fails by each of them", async () => {
  const outcome = await check({ "input.yaml": input });
  const findings = [
    { kind: "missing", file: "iptables.rules" },
    { kind: "missing", file: "summary.txt" },
  ];
  expect(outcome).toMatchObject({ kind: "failed", findings });
});

test("an orphan fails", async () => {
  const outcome = await check({ "summary.txt": "x", "node.yaml": "" });
  expect(outcome).toMatchObject({ kind: "failed", findings: [{ kind: "orphan", files: ["summary.txt"] }] });
});

test("settings that are wrong break the case", async () => {
  expect(await check({ "input.yaml": input, "node.yaml": "nam: a" })).toMatchObject({ kind: "broken" });
  expect(await check({ "input.yaml": input, "config.yaml": `${config}clusterCIDR: x` })).toMatchObject({
    kind: "broken",
    because: expect.stringMatching(/^config\.yaml:3:1: /),
  });
});

test("a folder with an input is no orphan", () => {
  expect(orphanFinding({ path: "x", files: new Set(["input.json", "summary.txt"]) })).toBeUndefined();
});
