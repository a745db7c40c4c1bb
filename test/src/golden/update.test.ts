import { readFile, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { findCases } from "../../../src/golden/find.ts";
import { updateCase } from "../../../src/golden/update.ts";
import { aFolder, input } from "./a-case.ts";

async function update(directory: string) {
  const [folder] = await findCases([directory]);
  if (folder === undefined) throw new Error("bug: no case");
  return updateCase(folder);
}

test("creates, rewrites and removes, and says so", async () => {
  const directory = await aFolder({
    "input.yaml": input,
    "summary.txt": "old",
    "ip6tables.rules": "old",
    "notes.md": "",
  });
  const edits = [
    { kind: "created", file: "iptables.rules" },
    { kind: "removed", file: "ip6tables.rules" },
    { kind: "rewritten", file: "summary.txt" },
  ];
  expect(await update(directory)).toEqual({ kind: "updated", path: directory, edits });
  expect((await readdir(directory)).sort()).toEqual(["input.yaml", "iptables.rules", "notes.md", "summary.txt"]);
});

test("does not touch what is right", async () => {
  const directory = await aFolder({ "input.yaml": input });
  await update(directory);
  const before = await stat(join(directory, "iptables.rules"));
  expect(await update(directory)).toEqual({ kind: "updated", path: directory, edits: [] });
  expect((await stat(join(directory, "iptables.rules"))).mtimeMs).toBe(before.mtimeMs);
});

test("gives the same bytes wherever the case is", async () => {
  const files = {
    "input.yaml": `${input}---\njust text\n`,
    "config.yaml":
      "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: nftables\nodd: 1\n",
  };
  const [one, other] = [await aFolder(files), await aFolder({ "x/unused.md": "", ...files })];
  await update(one);
  await update(other);
  for (const file of ["iptables.rules", "summary.txt", "problems.txt"])
    expect(await readFile(join(one, file), "utf8")).toBe(await readFile(join(other, file), "utf8"));
});

test("says that rows fail, rewrites the rest, and leaves the table as it is", async () => {
  const rows = "packets: [{ from: node, to: svc/default/web, expect: dropped }]   # as people wrote it\r\n";
  const directory = await aFolder({ "input.yaml": input, "packets.yaml": rows });
  const findings = [{ kind: "packet", row: { position: { line: 1 } } }];
  const edits = [
    { kind: "created", file: "iptables.rules" },
    { kind: "created", file: "summary.txt" },
  ];
  expect(await update(directory)).toMatchObject({ kind: "failed", edits, findings });
  expect(await update(directory)).toMatchObject({ kind: "failed", edits: [], findings });
  expect(await readFile(join(directory, "packets.yaml"), "utf8")).toBe(rows);
});

test("leaves an orphan as it is", async () => {
  const directory = await aFolder({ "summary.txt": "mine" });
  expect(await update(directory)).toMatchObject({ kind: "failed", findings: [{ kind: "orphan" }] });
  expect(await readFile(join(directory, "summary.txt"), "utf8")).toBe("mine");
});

test("writes nothing of a case that cannot be run", async () => {
  const directory = await aFolder({ "input.yaml": input, "node.yaml": "nam: a" });
  expect(await update(directory)).toMatchObject({ kind: "broken" });
  expect((await readdir(directory)).sort()).toEqual(["input.yaml", "node.yaml"]);
});
