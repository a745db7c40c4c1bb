// Tests of src/watch/version.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { isOlder, parseVersion } from "../../../src/watch/version.ts";

test.each([
  ["", undefined],
  ["0", 0],
  ["123", 123],
  ["999999999999999", 999_999_999_999_999],
  ["1000000000000000", "1000000000000000"],
  ["01", "01"],
  ["1e3", "1e3"],
  ["-1", "-1"],
  ["abc", "abc"],
])("%j is the version %j", (text, version) => {
  expect(parseVersion(text)).toBe(version);
});

test("versions come back as the text that they were", () => {
  const text = fc.oneof(fc.string({ minLength: 1 }), fc.bigInt({ min: 0n, max: 2n ** 64n }).map(String));
  fc.assert(
    fc.property(text, (version) => {
      expect(String(parseVersion(version))).toBe(version);
    }),
  );
});

test.each([
  [9, 10, true],
  [10, 9, false],
  [10, 10, false],
  ["9", 10, false],
  [9, "x", false],
  ["a", "b", false],
])("%j is older than %j: %j", (a, b, older) => {
  expect(isOlder(a, b)).toBe(older);
});
