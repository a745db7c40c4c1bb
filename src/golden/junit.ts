// A report for CI systems. In: Outcome[]. Out: JUnit XML.
import { never } from "../../rules/never.ts";
import type { Outcome } from "./check.ts";
import { brokenText, findingDetails, findingLine } from "./report.ts";

/**
 * One suite, one test case for each outcome. Without times, so that the same outcomes give the same bytes.
 * Source: the JUnit schema that Jenkins, GitLab and GitHub's actions read (testmoapp/junitxml).
 */
export function renderJunit(outcomes: readonly Outcome[]): string {
  const count = (kind: Outcome["kind"]) => outcomes.filter((outcome) => outcome.kind === kind).length;
  const totals = `tests="${outcomes.length}" failures="${count("failed")}" errors="${count("broken")}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${totals}>`,
    `  <testsuite name="rulewright golden" ${totals} skipped="0">`,
    ...outcomes.map(testCase),
    "  </testsuite>",
    "</testsuites>",
    "",
  ].join("\n");
}

function testCase(outcome: Outcome): string {
  const open = `    <testcase classname="golden" name="${escapeXml(outcome.path)}"`;
  switch (outcome.kind) {
    case "passed":
      return `${open}/>`;
    case "failed": {
      const [first, ...others] = outcome.findings.map(findingLine);
      const message = `${first ?? ""}${others.length > 0 ? ` (and ${others.length} more)` : ""}`;
      const texts = outcome.findings.map((finding) => `${findingLine(finding)}\n${findingDetails(finding, false)}`);
      return `${open}>\n${element("failure", message, texts.join("\n"))}\n    </testcase>`;
    }
    case "broken":
      return `${open}>\n${element("error", "could not be run", brokenText(outcome.because))}\n    </testcase>`;
    default:
      return never(outcome);
  }
}

function element(name: "failure" | "error", message: string, text: string): string {
  return `      <${name} message="${escapeXml(message)}">${escapeXml(text)}</${name}>`;
}

/** Text for content and attributes alike. What XML 1.0 has no way to say (control characters, half surrogate pairs) is left out. */
export function escapeXml(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, "")
    .replaceAll(/[&<>"'\n\r\t]/g, (character) => escapes[character] ?? character);
}

/** White space too: a parser would make plain spaces of it in an attribute. */
const escapes: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\n": "&#10;",
  "\r": "&#13;",
  "\t": "&#9;",
};
