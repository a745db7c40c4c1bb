// Tests of src/http/answer.ts.
import { describe, expect, test } from "@jest/globals";
import { acceptsGzip, isFromLoopback, parseBearer, parseTarget, type Request } from "../../../src/http/answer.ts";

describe("gzip is taken", () => {
  test.each([
    [undefined, false],
    ["", false],
    ["gzip", true],
    ["GZIP", true],
    ["deflate, gzip;q=1.0, *;q=0.5", true],
    ["br", false],
    ["*", true],
    ["gzip;q=0", false],
    ["gzip; q=0, *", false],
    ["gzip;q=0.001", true],
    ["identity;q=1, *;q=0", false],
    ["gzip;q=nonsense", false],
  ])("by %j: %j", (header, expected) => {
    expect(acceptsGzip(header)).toBe(expected);
  });
});

describe("the token", () => {
  test.each([
    [undefined, undefined],
    ["Bearer abc.DEF-1_2~3+4/5==", "abc.DEF-1_2~3+4/5=="],
    ["bearer   abc", "abc"],
    ["Bearer", undefined],
    ["Bearer ", undefined],
    ["Bearer a b", undefined],
    ["Bearer a=b", undefined],
    ["Basic dXNlcjpwYXNz", undefined],
    ["abc", undefined],
  ])("of %j is %j", (header, expected) => {
    expect(parseBearer(header)).toBe(expected);
  });
});

describe("a target", () => {
  test.each([
    ["/", "/", {}],
    ["/a?b=c&d", "/a", { b: "c", d: "" }],
    ["/a?b=%2Fc?d", "/a", { b: "/c?d" }],
    ["/a/../b", "/a/../b", {}],
    ["/%64ebug", "/%64ebug", {}],
    ["//debug", "//debug", {}],
    ["http://host/a", "http://host/a", {}],
    ["*", "*", {}],
  ])("%j keeps its path as sent", (target, path, query) => {
    const parsed = parseTarget(target);
    expect([parsed.path, Object.fromEntries(parsed.query)]).toEqual([path, query]);
  });
});

describe("loopback", () => {
  test.each([
    ["127.0.0.1", true],
    ["127.8.9.1", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["10.0.0.1", false],
    ["::ffff:10.127.0.1", false],
    ["fd00::127.0.0.1", false],
    ["", false],
  ])("%j: %j", (remoteAddress, expected) => {
    const request: Request = {
      method: "GET",
      path: "/",
      query: new URLSearchParams(),
      token: undefined,
      remoteAddress,
    };
    expect(isFromLoopback(request)).toBe(expected);
  });
});
