// Tests of src/commands/report.ts.
import { expect, test } from "@jest/globals";
import type { Logger } from "winston";
import { exit, reportInput } from "../../../src/commands/report.ts";
import { createLog } from "../../../src/log.ts";
import { aDesired } from "../desired/a-desired.ts";
import { badInput, input } from "../golden/a-case.ts";
import { madeUp } from "./a-manifest.ts";

const levelsOf = (text: string) => {
  const levels: string[] = [];
  const log: Logger = createLog({ level: "debug", format: "text" });
  for (const level of ["error", "warn", "info"] as const)
    log[level] = ((line: string) => {
      levels.push(level);
      expect(line).not.toContain("\n");
      return log;
    }) as Logger["error"];
  const failed = reportInput(aDesired(text), log);
  return { failed, levels };
};

test.each([
  ["sound input", input, { failed: false, levels: [] }],
  ["an error", badInput, { failed: true, levels: ["error"] }],
  ["two errors", `${badInput}---\n{}\n`, { failed: true, levels: ["error", "error"] }],
  ["a warning", `${input}---\n${input.replace("web", "web2")}`, { failed: false, levels: ["warn"] }],
  [
    "skipped kinds, counted in one line",
    `${input}---\n{ apiVersion: v1, kind: Secret }\n---\n{ apiVersion: v1, kind: ConfigMap }\n`,
    { failed: false, levels: ["info"] },
  ],
  ["values that were made up, counted in one line", madeUp, { failed: false, levels: ["info"] }],
])("%s", (_, text, expected) => {
  expect(levelsOf(text)).toEqual(expected);
});

test("no difference is success, and trouble is more than a difference", () => {
  expect(exit).toEqual({ ok: 0, problems: 1, differences: 1, trouble: 2 });
});
