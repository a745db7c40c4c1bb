// Tests of rules/net/cidr.ts, with ipaddr.js as oracle.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import {
  cidrFamily,
  cidrFromDigits,
  cidrHolds,
  coveringCidr,
  hostCidr,
  isZeroCidr,
  networkOf,
  parseCidr,
  splitCidr,
  type Cidr,
} from "../../../rules/net/cidr.ts";
import { ipDigits, parseIp, type Ip } from "../../../rules/net/ip.ts";

const mustIp = (text: string): Ip => {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`bug: ${text}`);
  return ip;
};
const must = (text: string): Cidr => {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new Error(`bug: ${text}`);
  return cidr;
};
const v4 = fc.record({ text: fc.ipV4(), bits: fc.integer({ min: 0, max: 32 }) });
const v6 = fc.record({
  // The first group is never zero, so that no address is an IPv4-mapped one.
  text: fc
    .tuple(
      fc.integer({ min: 1, max: 0xffff }),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 7, maxLength: 7 }),
    )
    .map(([first, rest]) => [first, ...rest].map((part) => part.toString(16)).join(":")),
  bits: fc.integer({ min: 0, max: 128 }),
});

describe("parseCidr", () => {
  test("clears host bits as ipaddr.js does", () => {
    fc.assert(
      fc.property(v4, ({ text, bits }) => {
        expect(parseCidr(`${text}/${bits}`)).toBe(
          `${ipaddr.IPv4.networkAddressFromCIDR(`${text}/${bits}`).toString()}/${bits}`,
        );
      }),
    );
    fc.assert(
      fc.property(v6, ({ text, bits }) => {
        const network = ipaddr.IPv6.networkAddressFromCIDR(`${text}/${bits}`).toRFC5952String();
        expect(parseCidr(`${text}/${bits}`)).toBe(`${network}/${bits}`);
      }),
    );
  });

  test.each([
    "10.0.0.0",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/08",
    "10.0.0.0/+8",
    "10.0.0.0/8/8",
    "10.0.0.0/-1",
    "/8",
    "::/129",
    "10.0.0/8",
    "10.0.0.0/8 ",
    "10.0.0.0/8\n",
    "fe80::%1/64",
    "::ffff:1.2.3.4/128",
  ])("refuses %j", (text) => {
    expect(parseCidr(text)).toBeUndefined();
  });
});

test("cidrHolds agrees with ipaddr.js", () => {
  fc.assert(
    fc.property(v4, fc.ipV4(), ({ text, bits }, other) => {
      const matches = ipaddr.IPv4.parse(other).match(ipaddr.IPv4.parse(text), bits);
      expect(cidrHolds(must(`${text}/${bits}`), mustIp(other))).toBe(matches);
      expect(cidrHolds(must(`${text}/${bits}`), mustIp(text))).toBe(true);
    }),
  );
  fc.assert(
    fc.property(v6, v6, ({ text, bits }, other) => {
      const matches = ipaddr.IPv6.parse(other.text).match(ipaddr.IPv6.parse(text), bits);
      expect(cidrHolds(must(`${text}/${bits}`), mustIp(other.text))).toBe(matches);
    }),
  );
});

test("no block holds an address of the other family", () => {
  expect(cidrHolds(must("0.0.0.0/0"), mustIp("::1"))).toBe(false);
  expect(cidrHolds(must("::/0"), mustIp("1.2.3.4"))).toBe(false);
});

test.each([
  ["10.0.0.1", "10.0.0.1/32"],
  ["fd00::1", "fd00::1/128"],
])("the block of one address %s is %s", (text, expected) => {
  expect(hostCidr(mustIp(text))).toBe(expected);
});

test.each([
  ["10.11.12.13", 12, "10.0.0.0/12"],
  ["10.11.12.13", 0, "0.0.0.0/0"],
  ["fd00:ffff::1", 23, "fd00:fe00::/23"],
])("networkOf(%s, %d) is %s", (text, bits, expected) => {
  expect(networkOf(mustIp(text), bits)).toBe(expected);
});

test("cidrFromDigits is the block of leading digits", () => {
  expect(cidrFromDigits("0a0", 8)).toBe("10.0.0.0/12");
  expect(cidrFromDigits("", 8)).toBe("0.0.0.0/0");
  expect(cidrFromDigits(ipDigits(mustIp("fd00::1")), 32)).toBe("fd00::1/128");
});

test.each([
  ["10.0.0.0/8", "10.0.0.0", 8, 4, false],
  ["0.0.0.0/0", "0.0.0.0", 0, 4, true],
  ["fd00::/64", "fd00::", 64, 6, false],
  ["::/0", "::", 0, 6, true],
])("%s has network %s, length %d, family %d, is everything: %s", (text, ip, bits, family, zero) => {
  const cidr = must(text);
  expect([splitCidr(cidr), cidrFamily(cidr), isZeroCidr(cidr)]).toEqual([{ ip, bits }, family, zero]);
});

describe("the block that covers several", () => {
  test.each([
    [["10.244.0.5/32"], "10.244.0.0/24"],
    [["10.244.0.5/32", "10.244.0.9/32"], "10.244.0.0/24"],
    [["10.244.0.0/20", "10.244.16.0/24"], "10.244.0.0/16"],
    [["10.0.0.0/8", "192.0.2.1/32"], "0.0.0.0/0"],
    [["fd00:10:244::5/128", "fd00:10:244::15/128"], "fd00:10:244::/64"],
    [["10.0.0.0/9"], "10.0.0.0/8"],
    [[], undefined],
  ])("%j", (texts, covering) => {
    expect(coveringCidr(texts.map(must))).toBe(covering);
  });
});
