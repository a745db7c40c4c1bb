// What is said of cases. In: Outcome, Update. Out: text for people.
import { styleText } from "node:util";
import { never } from "../../rules/never.ts";
import { list } from "../../rules/explain/reason/words.ts";
import { printable } from "../../rules/problem.ts";
import type { Outcome } from "./check.ts";
import type { Finding } from "./compare.ts";
import { packetsFile } from "./expected-file.ts";
import { rowLine, rowWalks } from "./packets-report.ts";
import type { Update } from "./update.ts";

/** What there is to say of one case: nothing where it passed, else its findings with their diffs and walks. */
export function renderOutcome(outcome: Outcome, colour: boolean): string {
  switch (outcome.kind) {
    case "passed":
      return "";
    case "failed":
      return outcome.findings
        .map((finding) => `${printable(outcome.path)}: ${findingLine(finding)}\n${findingDetails(finding, colour)}`)
        .join("");
    case "broken":
      return `${printable(outcome.path)}: could not be run: ${brokenText(outcome.because)}\n`;
    default:
      return never(outcome);
  }
}

/** `41 passed, 1 failed`; a case that could not be run counts as failed. */
export function renderTally(outcomes: readonly Outcome[]): string {
  const passed = outcomes.filter(({ kind }) => kind === "passed").length;
  return `${passed} passed, ${outcomes.length - passed} failed\n`;
}

/** What was done to one case, on one line. */
export function renderUpdate(update: Update): string {
  if (update.kind === "broken" || (update.kind === "failed" && update.findings.some(({ kind }) => kind === "orphan")))
    return renderOutcome(update, false);
  const edits = update.edits.map(({ kind, file }) => `${kind} ${file}`);
  const rows = update.kind === "updated" ? "" : failingRows(update.findings);
  return `${printable(update.path)}: ${edits.length === 0 ? "unchanged" : edits.join(", ")}${rows}\n`;
}

/** `3 updated, 38 unchanged, 0 failed`. */
export function renderUpdateTally(updates: readonly Update[]): string {
  const done = updates.flatMap((update) => (update.kind === "updated" ? [update.edits.length] : []));
  const changed = done.filter((edits) => edits > 0).length;
  return `${changed} updated, ${done.length - changed} unchanged, ${updates.length - done.length} failed\n`;
}

/** One line: what is wrong, and what to do. */
export function findingLine(finding: Finding): string {
  switch (finding.kind) {
    case "orphan":
      return `has ${finding.files.join(", ")}, but no input.yaml or input.json to check against`;
    case "missing":
      return `${finding.file} is missing; rulewright golden update makes it`;
    case "empty":
      return `${finding.file} is empty; rulewright golden update fills it`;
    case "stale":
      return `${finding.file} is there, but nothing gives it any more; rulewright golden update removes it`;
    case "line-ends":
      return `${finding.file} has line ends CR LF, must have LF; in git, .gitattributes with "*.rules text eol=lf" keeps them`;
    case "different":
      return finding.patch === undefined
        ? `${finding.file} is too different to show`
        : `${finding.file} is not what the input gives`;
    case "packet":
      return rowLine(finding);
    default:
      return never(finding);
  }
}

/** The reason on printable lines, one for each problem. */
export function brokenText(because: string): string {
  return because.split("\n").map(printable).join("\n  ");
}

/** What there is to see of a finding besides its line: the diff, or the walks of packets. Whole lines, or nothing. */
export function findingDetails(finding: Finding, colour: boolean): string {
  if (finding.kind === "packet") return rowWalks(finding, colour);
  if (finding.kind !== "different" || finding.patch === undefined) return "";
  return colour ? finding.patch.split("\n").map(paint).join("\n") : finding.patch;
}

/** `golden check` shows them: here they are only named. */
function failingRows(findings: readonly Finding[]): string {
  const lines = findings.flatMap((finding) => (finding.kind === "packet" ? [finding.row.position.line] : []));
  const which = lines.length === 1 ? "a row fails (line" : `${lines.length} rows fail (lines`;
  return `; ${packetsFile}: ${which} ${list(lines.map(String))}), rulewright golden check says why`;
}

function paint(line: string): string {
  const style = line.startsWith("-") ? "red" : line.startsWith("+") ? "green" : undefined;
  return style === undefined ? line : styleText(style, line, { validateStream: false });
}
