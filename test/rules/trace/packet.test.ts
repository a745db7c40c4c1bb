import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { cidrHolds, networkOf } from "../../../rules/net/cidr.ts";
import { ipFromDigits } from "../../../rules/net/ip.ts";
import { addressOf, blockTest, interfaceTo, isOwn, ownIp, protocolOf } from "../../../rules/trace/packet.ts";
import { aCidr, anIp } from "../../make/objects.ts";
import { aNode } from "./a-trace.ts";

const hex = (digits: number) =>
  fc.string({ unit: fc.constantFrom(...Array.from("0123456789abcdef")), minLength: digits, maxLength: digits });
const ips = fc.oneof(hex(8), hex(32)).map(ipFromDigits);

describe("addresses", () => {
  test.each<readonly [string, number | bigint]>([
    ["0.0.0.0", 0],
    ["10.1.0.9", 0x0a010009],
    ["255.255.255.255", 0xffffffff],
    ["::", 0n],
    ["fd00::1", 0xfd000000000000000000000000000001n],
  ])("%s has these bits", (ip, bits) => {
    expect(addressOf(anIp(ip))).toEqual({ ip, bits });
  });

  test("are in a block exactly where the block holds them", () => {
    fc.assert(
      fc.property(ips, ips, fc.nat(128), fc.boolean(), (ip, other, length, near) => {
        const bits = Math.min(length, ip.includes(":") ? 128 : 32);
        const block = networkOf(near ? ip : other, Math.min(bits, (near ? ip : other).includes(":") ? 128 : 32));
        expect(blockTest(block)(addressOf(ip))).toBe(cidrHolds(block, ip));
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ["192.168.0.2", true],
    ["127.0.0.1", true],
    ["127.9.9.9", true],
    ["::1", true],
    ["fd00:192::2", true],
    ["192.168.0.3", false],
  ])("%s is the node's own: %s", (ip, own) => {
    expect(isOwn(aNode(), anIp(ip))).toBe(own);
  });

  test("the node speaks from its first address of the family that is no loopback", () => {
    const node = aNode({ localIps: ["127.0.0.1", "::1", "10.0.0.1", "192.168.0.2"].map(anIp) });
    expect([ownIp(node, 4), ownIp(node, 6)]).toEqual(["10.0.0.1", undefined]);
  });
});

describe("the interface towards an address", () => {
  test.each([
    ["10.1.0.9", "cni0"],
    ["10.1.1.9", "eth0"],
    ["192.168.0.3", "eth0"],
    ["192.168.0.2", "lo"],
    ["127.0.0.1", "lo"],
    ["fd00:1::9", "cni0"],
    ["2001:db8::1", "eth0"],
    ["::1", "lo"],
  ])("%s: %s", (ip, name) => {
    expect(interfaceTo(aNode(), addressOf(anIp(ip)))).toBe(name);
  });

  test("is not known where no block holds the address", () => {
    const node = aNode({ interfaces: [{ name: "cni0", blocks: [aCidr("10.1.0.0/24")] }] });
    expect(interfaceTo(node, addressOf(anIp("10.2.0.1")))).toBe(undefined);
  });
});

test.each([
  ["tcp", "tcp"],
  ["6", "tcp"],
  ["icmpv6", "ipv6-icmp"],
  ["58", "ipv6-icmp"],
  ["250", "250"],
  ["no such", "no such"],
])("protocol %s is %s", (text, name) => {
  expect(protocolOf(text)).toBe(name);
});
