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

test("a table of packets without input is an orphan", async () => {
  const outcome = await check({ "summary.txt": "x", "packets.yaml": "packets: [" });
  const findings = [{ kind: "orphan", files: ["summary.txt", "packets.yaml"] }];
  expect(outcome).toMatchObject({ kind: "failed", findings });
});

const refused = "packets:\n  - { from: node, to: svc/default/web, expect: refused }\n";

test("a case whose packets fare as they should passes", async () => {
  const directory = await aFolder({ "input.yaml": input, "packets.yaml": refused });
  for (const folder of await findCases([directory])) await updateCase(folder);
  for (const folder of await findCases([directory])) expect(await checkCase(folder)).toMatchObject({ kind: "passed" });
});

test("rows are checked where expected files are missing too", async () => {
  const rows = `${refused}  - { from: outside, to: svc/default/web, expect: delivered }\n`;
  const outcome = await check({ "input.yaml": input, "packets.yaml": rows });
  const findings = [
    { kind: "missing", file: "iptables.rules" },
    { kind: "missing", file: "summary.txt" },
    { kind: "packet", row: { position: { file: "packets.yaml", line: 3 } }, fault: { kind: "otherwise" } },
  ];
  expect(outcome).toMatchObject({ kind: "failed", findings });
});

test("settings that are wrong break the case", async () => {
  expect(await check({ "input.yaml": input, "node.yaml": "nam: a" })).toMatchObject({ kind: "broken" });
  expect(await check({ "input.yaml": input, "packets.yaml": refused.replace("expect", "expct") })).toMatchObject({
    kind: "broken",
    because: expect.stringMatching(/^packets\.yaml:2:5: .*\npackets\.yaml:2:/),
  });
  expect(await check({ "input.yaml": input, "config.yaml": `${config}clusterCIDR: x` })).toMatchObject({
    kind: "broken",
    because: expect.stringMatching(/^config\.yaml:3:1: /),
  });
});

test("a folder with an input is no orphan", () => {
  expect(orphanFinding({ path: "x", files: new Set(["input.json", "summary.txt"]) })).toBeUndefined();
});
