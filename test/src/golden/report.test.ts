import { expect, test } from "@jest/globals";
import { failure } from "./a-table.ts";
import type { Finding } from "../../../src/golden/compare.ts";
import {
  brokenText,
  findingLine,
  renderOutcome,
  renderTally,
  renderUpdate,
  renderUpdateTally,
} from "../../../src/golden/report.ts";

const file = "iptables.rules";
const patch = "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n";
const different: Finding = { kind: "different", file, patch };

test("says nothing of a case that passed", () => {
  expect(renderOutcome({ kind: "passed", path: "a" }, false)).toBe("");
});

test("shows the findings of a case that failed, with the diff", () => {
  const text = renderOutcome(
    { kind: "failed", path: "a/b", findings: [{ kind: "missing", file: "summary.txt" }, different] },
    false,
  );
  expect(text).toMatch(/^a\/b: summary\.txt is missing.*\na\/b: iptables\.rules is not.*\n--- a\n/);
  expect(text.endsWith("-x\n+y\n")).toBe(true);
});

test("colours only when asked to", () => {
  const outcome = { kind: "failed", path: "a", findings: [different] } as const;
  expect(renderOutcome(outcome, true)).toContain("\u001b[31m-x");
  expect(renderOutcome(outcome, false)).not.toContain("\u001b");
});

test("says that a diff is too long", () => {
  const text = renderOutcome({ kind: "failed", path: "a", findings: [{ ...different, patch: undefined }] }, false);
  expect(text).toBe("a: iptables.rules is too different to show\n");
});

test.each<Finding>([
  { kind: "orphan", files: [file, "packets.yaml"] },
  { kind: "missing", file },
  { kind: "empty", file },
  { kind: "stale", file },
  { kind: "line-ends", file },
  different,
])("names the file and is one line: %j", (finding) => {
  expect(findingLine(finding)).toMatch(/^[^\n]*iptables\.rules[^\n]*$/);
});

test("nothing in a path or message leaves its line", () => {
  expect(renderOutcome({ kind: "broken", path: "a\nb\u001b", because: "c\u0007\nd" }, false)).toBe(
    "a?b?: could not be run: c?\n  d\n",
  );
  expect(brokenText("a\u001b\nb")).toBe("a?\n  b");
});

test("a case that could not be run counts as failed", () => {
  const outcomes = [
    { kind: "passed", path: "a" },
    { kind: "failed", path: "b", findings: [] },
    { kind: "broken", path: "c", because: "" },
  ] as const;
  expect(renderTally(outcomes)).toBe("1 passed, 2 failed\n");
});

const closed = failure("from: outside, to: 203.0.113.10:80, expect: delivered");

test("shows the walk below the line of a row that fails", () => {
  const text = renderOutcome({ kind: "failed", path: "a", findings: [closed] }, false);
  expect(text).toMatch(/^a: packets\.yaml:2:5: outside to .*\n {2}203\.0\.113\.7 to [^]*-j DROP.*\n$/);
});

test("an update names the rows that fail, whatever it rewrote", () => {
  const edits = [{ kind: "rewritten", file }] as const;
  const update = { kind: "failed", path: "a", edits, findings: [closed] } as const;
  expect(renderUpdate(update)).toMatch(/^a: rewritten iptables\.rules; packets\.yaml: [^\n]*\(line 2\)[^\n]*\n$/);
  const two = renderUpdate({ ...update, edits: [], findings: [closed, closed] });
  expect(two).toMatch(/^a: unchanged; packets\.yaml: 2 rows fail \(lines 2 and 2\)/);
  expect(renderUpdateTally([update])).toBe("0 updated, 0 unchanged, 1 failed\n");
});

test("says what was done to each case, and counts", () => {
  const updates = [
    { kind: "updated", path: "a", edits: [] },
    {
      kind: "updated",
      path: "b",
      edits: [
        { kind: "created", file },
        { kind: "removed", file: "problems.txt" },
      ],
    },
    { kind: "failed", path: "c", edits: [], findings: [{ kind: "orphan", files: [file] }] },
  ] as const;
  expect(updates.map(renderUpdate).slice(0, 2)).toEqual([
    "a: unchanged\n",
    "b: created iptables.rules, removed problems.txt\n",
  ]);
  expect(renderUpdateTally(updates)).toBe("1 updated, 1 unchanged, 1 failed\n");
});
