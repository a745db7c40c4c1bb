// Tests of rules/explain/reason/reason.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { reasonCodes, renderReason } from "../../../../rules/explain/reason/reason.ts";
import { anyString } from "../../../make/any-string.ts";

test("no code is of two groups", () => {
  expect(new Set(reasonCodes).size).toBe(reasonCodes.length);
});

test("whatever text is in a reason, its sentence is one line of printable ASCII", () => {
  fc.assert(
    fc.property(anyString(), (text) => {
      const rule = { table: text, chain: text, line: 1, text, by: text, whose: undefined };
      for (const reason of [
        { code: "foreign-drops", rule } as const,
        { code: "no-rules-of-family", source: text, family: 4 } as const,
        { code: "external-name", service: "a/b", alias: text } as const,
      ])
        expect(renderReason(reason)).toMatch(/^[\x20-\x7e]+$/);
    }),
  );
});
