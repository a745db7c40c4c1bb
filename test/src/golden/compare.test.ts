import { expect, test } from "@jest/globals";
import { compareTexts, type Finding } from "../../../src/golden/compare.ts";
import type { ExpectedFile, ExpectedTexts } from "../../../src/golden/expected-file.ts";

const texts = (entries: Partial<Record<ExpectedFile, string>>): ExpectedTexts =>
  new Map(Object.entries(entries) as [ExpectedFile, string][]);
const compare = (before: Partial<Record<ExpectedFile, string>>, after: Partial<Record<ExpectedFile, string>>) =>
  compareTexts(texts(before), texts(after));
const patchOf = ([finding]: readonly Finding[]) => (finding?.kind === "different" ? finding.patch : "no patch");

test("the same texts have no finding", () => {
  expect(compare({ "iptables.rules": "a\n" }, { "iptables.rules": "a\n" })).toEqual([]);
});

test.each<[Finding["kind"], string | undefined, string | undefined]>([
  ["missing", undefined, "a\n"],
  ["empty", "", "a\n"],
  ["empty", " \n\n", "a\n"],
  ["stale", "a\n", undefined],
  ["stale", "", undefined],
  ["line-ends", "a\r\nb\r\n", "a\nb\n"],
  ["different", "a\n", "b\n"],
  ["different", "a", "a\n"],
])("%s: %j, now %j", (kind, before, after) => {
  const found = compare(
    before === undefined ? {} : { "summary.txt": before },
    after === undefined ? {} : { "summary.txt": after },
  );
  expect(found).toMatchObject([{ kind, file: "summary.txt" }]);
});

test("finds every file, in a fixed order", () => {
  const found = compare(
    { "problems.txt": "x\n", "summary.txt": "a\n" },
    { "summary.txt": "b\n", "iptables.rules": "c\n" },
  );
  expect(found.map(({ kind }) => kind)).toEqual(["missing", "different", "stale"]);
});

test("the difference is a unified diff from the file to what comes out now", () => {
  const patch = patchOf(compare({ "iptables.rules": "a\nb\nc\n" }, { "iptables.rules": "a\nB\nc\n" }));
  expect(patch).toBe("--- iptables.rules\n+++ iptables.rules (now)\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n");
});

test("the difference is printable, whatever the file holds", () => {
  const patch = patchOf(compare({ "summary.txt": "a\u001b[2J\u0007\u202e\n" }, { "summary.txt": "a\n" }));
  expect(patch).toMatch(/^[\x20-\x7e\n]+$/);
});

test("no time is lost on texts that have nothing in common", () => {
  const lines = (word: string) => Array.from({ length: 40_000 }, (_, line) => `${word} ${line}\n`).join("");
  const found = compare({ "iptables.rules": lines("a") }, { "iptables.rules": lines("b") });
  expect(found).toEqual([{ kind: "different", file: "iptables.rules", patch: undefined }]);
}, 30_000);
