// Tests of rules/net/ip.ts, with ipaddr.js as oracle where it is strict enough.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import {
  familyOf,
  hostPort,
  ipDigits,
  ipFromDigits,
  isLoopback,
  isUnspecified,
  parseIp,
  type Ip,
} from "../../../rules/net/ip.ts";

const groups = fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 });
/** Many zero groups, so that `::` is found at every place. */
const sparse = fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 0xffff })), {
  minLength: 8,
  maxLength: 8,
});
const isMapped = (parts: readonly number[]) => parts.slice(0, 5).every((part) => part === 0) && parts[5] === 0xffff;
const must = (text: string): Ip => {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`bug: ${text}`);
  return ip;
};

describe("parseIp", () => {
  test("takes every four-part IPv4 address as it is", () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        expect(ipaddr.IPv4.isValidFourPartDecimal(text)).toBe(true);
        expect(parseIp(text)).toBe(text);
      }),
    );
  });

  test("agrees with ipaddr.js on every IPv6 address, and writes it as RFC 5952 says", () => {
    fc.assert(
      fc.property(fc.oneof(groups, sparse), (parts) => {
        fc.pre(!isMapped(parts));
        const long = parts.map((part) => part.toString(16)).join(":");
        const ip = must(long);
        expect(ipaddr.IPv6.parse(ip).parts).toEqual(parts);
        expect(ip).toBe(ipaddr.IPv6.parse(long).toRFC5952String());
        expect(parseIp(ip)).toBe(ip);
      }),
      { numRuns: 1000 },
    );
  });

  test("takes every spelling of fast-check's IPv6 addresses that ipaddr.js takes", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        // ipaddr.js reads `::1.2.3.4` as `::ffff:1.2.3.4`, which is another address.
        fc.pre(!text.startsWith("::") || !text.includes("."));
        const parts = ipaddr.IPv6.parse(text).parts;
        const ip = parseIp(text);
        if (isMapped(parts)) expect(ip).toBeUndefined();
        else expect(ipaddr.IPv6.parse(ip ?? "").parts).toEqual(parts);
      }),
      { numRuns: 1000 },
    );
  });

  test.each([
    ["FD00::AB", "fd00::ab"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
    ["1:0:0:2:3:0:0:4", "1::2:3:0:0:4"],
    ["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
    ["64:ff9b::1.2.3.4", "64:ff9b::102:304"],
    ["::1.2.3.4", "::102:304"],
  ])("writes %s as %s", (text, canonical) => {
    expect(parseIp(text)).toBe(canonical);
  });

  test.each([
    "",
    " ",
    "1.2.3",
    "1.2.3.4.5",
    "01.2.3.4",
    "1.2.3.256",
    "1.2.3.4 ",
    " 1.2.3.4",
    "1.2.3.4\n",
    "0x7f.0.0.1",
    "1e1.0.0.1",
    "١.2.3.4",
    ":",
    ":::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8:9",
    "1::2::3",
    "::1:2:3:4:5:6:7:8",
    "12345::",
    "g::",
    "fe80::1%eth0",
    "::ffff:1.2.3.4",
    "::ffff:102:304",
    "::1.2.3",
    "1.2.3.4::",
    "1:2:3:4:5:6:7:1.2.3.4",
    "[::1]",
    "::1/128",
    "1.2.3.4:80",
    "::1\n",
  ])("refuses %j", (text) => {
    expect(parseIp(text)).toBeUndefined();
  });

  test("takes nothing else than what it would write, or ipaddr.js reads", () => {
    const near = fc.string({ unit: fc.constantFrom(...Array.from("0123456789abcdef:.%/ \n")), maxLength: 24 });
    fc.assert(
      fc.property(near, (text) => {
        const ip = parseIp(text);
        if (ip === undefined) return;
        expect(ipaddr.isValid(text)).toBe(true);
        expect(parseIp(ip)).toBe(ip);
      }),
    );
  });
});

test("ipDigits and ipFromDigits are inverse, and digits sort as addresses do", () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.ipV4(), (a, b) => {
      expect(ipFromDigits(ipDigits(must(a)))).toBe(a);
      const number = (text: string) =>
        ipaddr.IPv4.parse(text)
          .toByteArray()
          .reduce((sum, byte) => sum * 256 + byte, 0);
      expect(ipDigits(must(a)) < ipDigits(must(b))).toBe(number(a) < number(b));
    }),
  );
  fc.assert(
    fc.property(sparse, (parts) => {
      const digits = parts.map((part) => part.toString(16).padStart(4, "0")).join("");
      expect(ipDigits(ipFromDigits(digits))).toBe(digits);
    }),
  );
});

test.each([
  ["127.0.0.1", 4, true, false],
  ["127.255.0.1", 4, true, false],
  ["::1", 6, true, false],
  ["0.0.0.0", 4, false, true],
  ["::", 6, false, true],
  ["10.0.0.1", 4, false, false],
  ["fd00::1", 6, false, false],
])("%s is of family %d, loopback %s, unspecified %s", (text, family, loopback, unspecified) => {
  const ip = must(text);
  expect([familyOf(ip), isLoopback(ip), isUnspecified(ip)]).toEqual([family, loopback, unspecified]);
});

test.each([
  ["10.0.0.1", "10.0.0.1:80"],
  ["fd00::1", "[fd00::1]:80"],
])("hostPort writes %s as %s", (text, expected) => {
  expect(hostPort(must(text), 80)).toBe(expected);
});
