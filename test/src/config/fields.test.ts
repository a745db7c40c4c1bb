import { describe, expect, test } from "@jest/globals";
import {
  nonNegativeDuration,
  count,
  duration,
  durationOrNanoseconds,
  exactly,
  flag,
  int32,
  isInterfaceName,
  parseDuration,
  parseSocketAddress,
  positiveDuration,
  section,
  socketAddress,
  strictCidr,
  text,
  word,
} from "../../../src/config/fields.ts";

describe("parseDuration", () => {
  test.each([
    ["0", 0],
    ["0s", 0],
    ["30s", 30],
    ["1m30s", 90],
    ["1h0m0s", 3600],
    ["1.5h", 5400],
    [".5s", 0.5],
    ["250ms", 0.25],
    ["1us", 0.000001],
    ["1µs", 0.000001],
    ["-1s", -1],
    ["+1s", 1],
    ["2540400h", 9145440000],
  ])("reads %s", (value, seconds) => {
    expect(parseDuration(value)).toBe(seconds);
  });

  test.each([
    "",
    "-",
    "30",
    "s",
    ".s",
    "1 s",
    "1d",
    "1s ",
    "1.2.3s",
    "1e3s",
    "2562048h",
    `${"9".repeat(400)}h`,
    "1s\n",
  ])("refuses %j", (value) => {
    expect(parseDuration(value)).toBeUndefined();
  });
});

describe("parseSocketAddress", () => {
  test.each([
    ["0.0.0.0:80", "0.0.0.0", 80],
    ["[::]:80", "::", 80],
    ["127.0.0.1", "127.0.0.1", 7],
    ["::1", "::1", 7],
  ])("reads %s", (value, ip, port) => {
    expect(parseSocketAddress(value, 7)).toEqual({ ip, port });
  });

  test.each([
    "",
    ":80",
    "x:80",
    "localhost:80",
    "1.2.3.4:",
    "1.2.3.4:0",
    "1.2.3.4:65536",
    "[::1]",
    "[1.2.3.4:80",
    "[]:80",
  ])("refuses %j", (value) => {
    expect(parseSocketAddress(value, 7)).toBeUndefined();
  });
});

describe("isInterfaceName", () => {
  test.each(["cali", "br-lan", "eth0.100", "a23456789012345", "veth@if3"])("takes %s", (name) => {
    expect(isInterfaceName(name)).toBe(true);
  });

  test.each(["", ".", "..", "-i", "a+", "a+b", "a/b", "a b", "a\n", "a\0", "!", 'a"', "é", "a234567890123456"])(
    "refuses %j",
    (name) => {
      expect(isInterfaceName(name)).toBe(false);
    },
  );
});

describe("fields", () => {
  test.each([
    ["text", text, ""],
    ["flag", flag, false],
    ["count", count(3), 3],
    ["word", word("a", ["b"]), "a"],
    ["duration", duration, 0],
    ["a positive duration", positiveDuration(5), 5],
    ["a socket address", socketAddress(1), undefined],
    ["a section", section({ a: flag }), { a: false }],
  ])("%s has the same default for absent and null", (_title, schema, otherwise) => {
    expect(section({ field: schema }).parse({ field: null })).toEqual({ field: otherwise });
    expect(section({ field: schema }).parse({})).toEqual({ field: otherwise });
  });

  test.each([
    ["an empty word is the first", word("a", ["b"]), "", "a"],
    ["an empty socket address is none", socketAddress(1), "", undefined],
    ["a positive duration of 0 is the default", positiveDuration(5), "0s", 5],
    ["a count of 0 is 0", count(3), 0, 0],
    ["a bare 0 is a duration", duration, 0, 0],
    ["a duration may be negative", duration, "-1s", -1],
    ["a bare number may be nanoseconds", durationOrNanoseconds, 5e9, 5],
  ])("%s", (_title, schema, input, expected) => {
    expect(schema.parse(input)).toBe(expected);
  });

  test.each<[string, { safeParse: (input: unknown) => { success: boolean } }, unknown]>([
    ["a number as text", text, 1],
    ["text as a flag", flag, "true"],
    ["an unknown word", word("a", ["b"]), "c"],
    ["a negative count", count(0), -1],
    ["more than int32", int32, 2 ** 31],
    ["a fraction", int32, 0.5],
    ["not a number", int32, NaN],
    ["a bare number as a duration", duration, 5],
    ["infinite nanoseconds", durationOrNanoseconds, Infinity],
    ["a negative duration", nonNegativeDuration, "-1s"],
    ["a CIDR with white space", strictCidr, " 10.0.0.0/8"],
    ["another text", exactly("a", "code"), "b"],
    ["no text", exactly("a", "code"), undefined],
    ["a list as a section", section({}), []],
    ["a field that a section does not have", section({}), { a: 1 }],
  ])("refuse %s", (_title, schema, input) => {
    expect(schema.safeParse(input).success).toBe(false);
  });
});
