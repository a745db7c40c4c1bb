import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import type { Outcome } from "../../../src/golden/check.ts";
import { failure } from "./a-table.ts";
import { escapeXml, renderJunit } from "../../../src/golden/junit.ts";
import { anyString } from "../../make/any-string.ts";

const outcomes: readonly Outcome[] = [
  { kind: "passed", path: "good" },
  { kind: "failed", path: "bad", findings: [{ kind: "different", file: "summary.txt", patch: "-a\n+b <c>\n" }] },
  {
    kind: "failed",
    path: "worse",
    findings: [
      { kind: "missing", file: "summary.txt" },
      { kind: "empty", file: "problems.txt" },
    ],
  },
  { kind: "broken", path: "broken", because: "config.yaml:1:1: no" },
];

test("one test case for each outcome, with totals", () => {
  const text = renderJunit(outcomes);
  expect(text).toContain('<testsuite name="rulewright golden" tests="4" failures="2" errors="1" skipped="0">');
  expect(text.match(/<testcase /g)).toHaveLength(4);
  expect(text).toContain('<testcase classname="golden" name="good"/>');
  expect(text).toContain("+b &lt;c&gt;");
  expect(text).toContain("(and 1 more)");
  expect(text).toContain('<error message="could not be run">');
  checkWellFormed(text);
});

test("a row that fails has its line as the message, and its walk as the text", () => {
  const row = failure("from: outside, to: 203.0.113.10:80, expect: delivered, note: <shop>");
  const text = renderJunit([{ kind: "failed", path: "a", findings: [row] }]);
  expect(text).toContain('<failure message="packets.yaml:2:5: outside to 203.0.113.10:80 must be delivered');
  expect(text).toContain("note: &lt;shop&gt;");
  expect(text).toMatch(/filter KUBE-PROXY-FIREWALL:\d+ /);
  checkWellFormed(text);
});

test("the same outcomes give the same bytes", () => {
  expect(renderJunit(outcomes)).toBe(renderJunit(outcomes));
});

test("is well formed whatever names and messages hold", () => {
  const hostile = fc.oneof(
    anyString(),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
    fc.constantFrom("]]>", '"/><x', "<!--", "&#0;", "\u0000\u001b[2J", "\ud800", "\ufffe", "a\r\nb\tc"),
  );
  fc.assert(
    fc.property(hostile, hostile, (path, text) => {
      checkWellFormed(
        renderJunit([
          { kind: "passed", path },
          { kind: "failed", path, findings: [{ kind: "different", file: "summary.txt", patch: text }] },
          { kind: "broken", path, because: text },
        ]),
      );
    }),
  );
});

test("escapes what a parser would take for markup, and keeps the rest", () => {
  expect(escapeXml("a<b>&\"'\n\u{1F600}é")).toBe("a&lt;b&gt;&amp;&quot;&apos;&#10;\u{1F600}é");
  expect(escapeXml("\u0000\u0008\u001b\ufffe\ud800")).toBe("");
});

/** A parser for the little XML that the report consists of: throws where a real one would. */
function checkWellFormed(text: string): void {
  expect(text).not.toMatch(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u);
  const open: string[] = [];
  let at = '<?xml version="1.0" encoding="UTF-8"?>\n'.length;
  const tag = /<(\/?)([a-z]+)((?: [a-z]+="[^"<&]*(?:&(?:amp|lt|gt|quot|apos|#\d+);[^"<&]*)*")*)(\/?)>/y;
  const content = /(?:[^<&]|&(?:amp|lt|gt|quot|apos|#\d+);)+/y;
  while (at < text.length) {
    tag.lastIndex = content.lastIndex = at;
    const found = tag.exec(text);
    if (found === null) {
      const plain = content.exec(text);
      if (plain === null || plain[0].includes("]]>"))
        throw new Error(`not well formed at ${at}: ${text.slice(at, at + 80)}`);
      at = content.lastIndex;
      continue;
    }
    at = tag.lastIndex;
    const [, closing, name = "", , alone] = found;
    if (closing === "/") expect(open.pop()).toBe(name);
    else if (alone !== "/") open.push(name);
  }
  expect(open).toEqual([]);
}
