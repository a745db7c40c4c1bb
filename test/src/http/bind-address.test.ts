// Tests of src/http/bind-address.ts.
import { describe, expect, test } from "@jest/globals";
import { hostsOf, parseBindAddress, renderBindAddress } from "../../../src/http/bind-address.ts";

describe("a bind address", () => {
  test.each([
    ["127.0.0.1:10249", "127.0.0.1", 10249],
    ["[::1]:10249", "::1", 10249],
    ["[FD00:0::1]:1", "fd00::1", 1],
    ["192.0.2.1:0", "192.0.2.1", 0],
    [":10249", "all", 10249],
    ["0.0.0.0:10256", "all", 10256],
    ["[::]:65535", "all", 65535],
  ])("%j is %j, port %j", (text, ip, port) => {
    expect(parseBindAddress(text)).toEqual({ ip, port });
  });

  test("that is empty switches the server off", () => {
    expect(parseBindAddress("")).toBe("off");
  });

  test.each([
    "127.0.0.1",
    "::1:10249",
    "[127.0.0.1]:1",
    "[]:1",
    "127.0.0.1:65536",
    "127.0.0.1:",
    ":",
    "localhost:1",
    "127.0.0.01:1",
    "127.0.0.1:1x",
    "127.0.0.1:-1",
    "[fe80::1%eth0]:1",
    " :1",
  ])("%j is refused", (text) => {
    expect(parseBindAddress(text)).toBeUndefined();
  });
});

test.each([
  [":10249", ["::", "0.0.0.0"], ":10249"],
  ["[::]:1", ["::", "0.0.0.0"], ":1"],
  ["127.0.0.1:1", ["127.0.0.1"], "127.0.0.1:1"],
  ["[::1]:1", ["::1"], "[::1]:1"],
])("%j opens %j and reads %j", (text, hosts, rendered) => {
  const at = parseBindAddress(text);
  if (at === undefined || at === "off") throw new Error("not an address");
  expect([hostsOf(at), renderBindAddress(at)]).toEqual([hosts, rendered]);
});
