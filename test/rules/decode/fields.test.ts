// Tests of rules/decode/fields.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type * as z from "zod";
import {
  cidr,
  label,
  list,
  object,
  optional,
  portNumber,
  routableIp,
  stringMap,
  subdomain,
  wholeNumber,
} from "../../../rules/decode/fields.ts";
import { anyText, cleanName, hostileTexts } from "./hostile.ts";

const take = (schema: z.ZodType, input: unknown) => schema.safeParse(input).data;

describe("names", () => {
  test.each(["a", "a-b", "0", "a".repeat(63)])("a label may be %j", (text) => {
    expect(take(label, text)).toBe(text);
    expect(take(subdomain, text)).toBe(text);
  });

  test.each(["", "-", "a-", "a".repeat(64), ...hostileTexts])("a label may not be %j", (text) => {
    expect(label.safeParse(text).success).toBe(false);
  });

  test.each(["a.b", "a-b.c", ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".")])(
    "a subdomain may be %j",
    (text) => {
      expect(take(subdomain, text)).toBe(text);
    },
  );

  test.each(["", ".", "a..b", ".a", "a.", "a".repeat(254), ...hostileTexts])("a subdomain may not be %j", (text) => {
    expect(subdomain.safeParse(text).success).toBe(false);
  });

  test("hold nothing but lower-case letters, digits, '-' and '.'", () => {
    const cleanIfTaken = (schema: z.ZodType<string>) => (text: string) => {
      expect(schema.safeParse(text).data ?? "").toMatch(cleanName);
    };
    fc.assert(fc.property(anyText, cleanIfTaken(label)));
    fc.assert(fc.property(anyText, cleanIfTaken(subdomain)));
  });
});

test.each([
  [1, true],
  [65535, true],
  [0, false],
  [65536, false],
  [1.5, false],
  ["80", false],
  [Number.NaN, false],
  [null, false],
])("port %j is taken: %s", (input, taken) => {
  expect(portNumber.safeParse(input).success).toBe(taken);
});

test.each([
  ["10.0.0.1", "10.0.0.1"],
  ["FD00::1", "fd00::1"],
  ["127.0.0.1", undefined],
  ["0.0.0.0", undefined],
  ["::", undefined],
  ["::1", undefined],
  [1, undefined],
])("an address %j is read as %j", (input, ip) => {
  expect(take(routableIp, input)).toBe(ip);
});

test.each([
  [" 10.1.2.3/8\n", "10.0.0.0/8"],
  ["10.0.0.0", undefined],
])("a block %j is read as %j", (input, block) => {
  expect(take(cidr, input)).toBe(block);
});

test.each([undefined, null, []])("a list written as %j is empty", (input) => {
  expect(take(list(label), input)).toEqual([]);
});

test.each([undefined, null])("an optional field written as %j is its other value", (input) => {
  expect(take(optional(label, "x"), input)).toBe("x");
});

test.each([null, [], 1, "x"])("%j is no object", (input) => {
  expect(object({}).safeParse(input).success).toBe(false);
});

test("a map of strings reads no prototype", () => {
  const input = JSON.parse('{"__proto__": "x", "constructor": "y", "a": "z"}') as unknown;
  const map = take(stringMap, input) as Record<string, string>;
  expect(map["a"]).toBe("z");
  expect(Object.getPrototypeOf(map)).toBe(Object.prototype);
  expect(stringMap.safeParse({ a: 1 }).success).toBe(false);
});

test("wholeNumber allows both ends", () => {
  const schema = wholeNumber(2, 4);
  expect([1, 2, 4, 5].map((number) => schema.safeParse(number).success)).toEqual([false, true, true, false]);
});
