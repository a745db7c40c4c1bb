// Tests of src/manifest/located.ts.
import { expect, test } from "@jest/globals";
import { renderLocated, renderPosition } from "../../../src/manifest/located.ts";
import type { Problem } from "../../../rules/problem.ts";

const problem: Problem = {
  code: "out-of-range",
  severity: "error",
  object: "Service default/web",
  path: ["spec", "ports", 1, "port"],
  text: "is 70000, must be 1 to 65535",
};

test("a line begins with the place", () => {
  expect(renderLocated({ problem, source: { file: "web.yaml", line: 12, column: 9 } })).toBe(
    "web.yaml:12:9: Service default/web spec.ports[1].port: is 70000, must be 1 to 65535",
  );
});

test("a problem without place has none", () => {
  expect(renderLocated({ problem, source: undefined })).toMatch(/^Service default/);
});

test("neither file names nor fields can forge a line", () => {
  const path = ["a\nb"];
  const line = renderLocated({ problem: { ...problem, path }, source: { file: "x\n\u001b[31m", line: 1, column: 1 } });
  expect(line).toMatch(/^[\x20-\x7e]*$/);
  expect(renderPosition({ file: "a\r", line: 1, column: 2 })).toBe("a?:1:2");
});
