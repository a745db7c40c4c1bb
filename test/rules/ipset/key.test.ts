// Tests of rules/ipset/key.ts, with ipaddr.js as oracle.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import ipaddr from "ipaddr.js";
import {
  addressBlocks,
  addressPart,
  blockPart,
  maskIp,
  maskOfLength,
  portBlocks,
  portPart,
} from "../../../rules/ipset/key.ts";
import { cidrHolds, parseCidr, splitCidr } from "../../../rules/net/cidr.ts";
import { ipFromDigits } from "../../../rules/net/ip.ts";
import { anIp } from "./an.ts";

test.each([
  ["10.1.2.3", 32, "10.1.2.3"],
  ["10.1.2.3", 9, "10.0.0.0/9"],
  ["fd00::1", 128, "fd00::1"],
  ["fd00::1", 32, "fd00::/32"],
])("the part of %s of %d bits is %s", (ip, bits, part) => {
  expect(addressPart(anIp(ip), bits)).toBe(part);
  const block = parseCidr(`${ip}/${bits}`);
  expect(block && blockPart(block)).toBe(part);
});

test.each([
  ["tcp", 80, 16, "tcp:80"],
  ["", 80, 16, "80"],
  ["udp", 83, 14, "udp:80/14"],
  ["udp", 65535, 0, "udp:0/0"],
])("the part of %s %d of %d bits is %s", (protocol, port, bits, part) => {
  expect(portPart(protocol, port, bits)).toBe(part);
});

test.each([
  ["10.0.0.1", "10.0.0.6", ["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.6/32"]],
  ["10.0.0.6", "10.0.0.6", ["10.0.0.6/32"]],
  ["10.0.0.255", "10.0.0.0", ["10.0.0.0/24"]],
  ["0.0.0.0", "255.255.255.255", ["0.0.0.0/0"]],
  ["fd00::", "fd00::ffff", ["fd00::/112"]],
])("%s to %s is %j", (one, other, blocks) => {
  expect(addressBlocks(anIp(one), anIp(other))).toEqual(blocks);
});

test("the widest ranges are few blocks", () => {
  expect(addressBlocks(anIp("0.0.0.1"), anIp("255.255.255.254"))).toHaveLength(62);
  expect(addressBlocks(anIp("::1"), anIp("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"))).toHaveLength(254);
  expect(portBlocks(1, 65534)).toHaveLength(30);
});

test("the blocks of a range hold what is in it, each address once", () => {
  const small = fc.integer({ min: 0, max: 300 });
  fc.assert(
    fc.property(small, small, small, (one, other, asked) => {
      const [ip, ...ends] = [asked, one, other].map((low) =>
        ipFromDigits((0x0a00_0000 + low).toString(16).padStart(8, "0")),
      );
      const [first, last] = ends;
      if (ip === undefined || first === undefined || last === undefined) throw new Error("bug: three in, three out");
      const inside = asked >= Math.min(one, other) && asked <= Math.max(one, other);
      expect(addressBlocks(first, last).filter((block) => cidrHolds(block, ip))).toHaveLength(inside ? 1 : 0);
      const blocks = portBlocks(Math.min(one, other), Math.max(one, other));
      const holding = blocks.filter(({ port, bits }) => portPart("", port, bits) === portPart("", asked, bits));
      expect(holding).toHaveLength(inside ? 1 : 0);
    }),
  );
});

test.each([
  ["10.1.2.3", "255.0.255.0", "10.0.2.0"],
  ["fd00:1234::ff", "ffff:ff::f", "fd00:34::f"],
])("%s with the mask %s is %s", (ip, mask, masked) => {
  expect(maskIp(anIp(ip), anIp(mask))).toBe(masked);
});

test("masks of every length are those of ipaddr.js", () => {
  for (let bits = 0; bits <= 32; bits++)
    expect(maskOfLength(bits, 4)).toBe(ipaddr.IPv4.subnetMaskFromPrefixLength(bits).toString());
  for (let bits = 0; bits <= 128; bits++)
    expect(maskOfLength(bits, 6)).toBe(ipaddr.IPv6.subnetMaskFromPrefixLength(bits).toRFC5952String());
});

test("a mask of a length leaves the network", () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), (text, bits) => {
      const block = parseCidr(`${text}/${bits}`);
      expect(block && maskIp(anIp(text), maskOfLength(bits, 4))).toBe(block && splitCidr(block).ip);
    }),
  );
});
