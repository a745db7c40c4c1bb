// Tests of rules/decode/decode.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import * as z from "zod";
import { at, decodeWith, objectName } from "../../../rules/decode/decode.ts";
import { object, portNumber, protocol } from "../../../rules/decode/fields.ts";

const schema = object({ spec: object({ port: portNumber, protocol }) });

describe("decodeWith", () => {
  test("gives the value where all is well", () => {
    const input = { spec: { port: 80, protocol: "TCP" }, more: 1 };
    expect(decodeWith(schema, input, "X")).toEqual({ value: { spec: { port: 80, protocol: "TCP" } }, problems: [] });
  });

  test("gives every problem, each with its path and what was found", () => {
    const { value, problems } = decodeWith(schema, { spec: { port: 70000, protocol: "ICMP" } }, "X");
    expect(value).toBeUndefined();
    expect(problems.map(({ code, path }) => [code, path])).toEqual([
      ["out-of-range", ["spec", "port"]],
      ["invalid-value", ["spec", "protocol"]],
    ]);
    expect(problems[0]?.text).toContain("70000");
  });

  const deep = JSON.parse("[".repeat(100000) + "]".repeat(100000)) as unknown;
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;
  let bomb: unknown = "x";
  for (let level = 0; level < 40; level++) bomb = [bomb, bomb];

  test.each([
    ["too deep for JSON.stringify", deep],
    ["circular", circular],
    ["of aliases of aliases", bomb],
  ])("never throws nor hangs on a value that is %s", (_, value) => {
    for (const input of [
      value,
      { spec: value },
      { spec: { port: value } },
      { metadata: { name: value, namespace: value } },
    ])
      expect(decodeWith(schema, input, "X").problems.length).toBeGreaterThan(0);
  });

  test("never throws on anything", () => {
    fc.assert(
      fc.property(fc.anything(), (input) => {
        for (const each of [input, { spec: input }, { metadata: input, spec: { port: input } }])
          expect(Array.isArray(decodeWith(schema, each, "X").problems)).toBe(true);
      }),
    );
  });

  test("keeps the code of a custom issue", () => {
    const custom = z.string().check((context) => {
      context.issues.push({ code: "custom", input: context.value, message: "must not", params: { code: "my-code" } });
    });
    expect(decodeWith(custom, "x", "X").problems[0]?.code).toBe("my-code");
  });
});

test.each([
  [{ metadata: { name: "web", namespace: "default" } }, "X default/web"],
  [{ metadata: { name: "web" } }, "X default/web"],
  [{ metadata: { name: "a\nb" } }, 'X default/"a\\nb"'],
  [{ metadata: { name: { a: 1 } } }, "X default/an object"],
  [{}, "X default/(no name)"],
  [null, "X default/(no name)"],
])("objectName of %j is %j", (input, name) => {
  expect(objectName("X", input)).toBe(name);
});

test.each([
  [["a", 0, "b"], 1],
  [["a", 1, "b"], undefined],
  [["__proto__", "polluted"], undefined],
  [["constructor"], undefined],
  [["a", "length", "x"], undefined],
])("at(%j) is %j", (path, value) => {
  expect(at({ a: [{ b: 1 }] }, path)).toBe(value);
});
