import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { standIns } from "../../../rules/compare/blocks.ts";
import { cidrHolds, networkOf, type Cidr } from "../../../rules/net/cidr.ts";
import type { Ip } from "../../../rules/net/ip.ts";
import { aCidr, anIp } from "../../make/objects.ts";

test.each<[string, string[], string[], string[]]>([
  ["none for no block", [], [], []],
  ["one for a block", ["10.0.0.0/8"], [], ["10.255.255.255"]],
  ["one for each part of nested blocks", ["10.0.0.0/8", "10.255.0.0/16"], [], ["10.255.255.255", "10.0.0.0"]],
  [
    "none for a block that others fill",
    ["10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9"],
    [],
    ["10.255.255.255", "10.0.0.0"],
  ],
  [
    "a part between two blocks",
    ["10.0.0.0/30", "10.0.0.0/32", "10.0.0.3/32"],
    [],
    ["10.0.0.3", "10.0.0.0", "10.0.0.2"],
  ],
  ["another address than one that rules name", ["10.0.0.0/8"], ["10.255.255.255"], ["10.0.0.0"]],
  ["one that rules name where there is no other", ["10.0.0.0/31"], ["10.0.0.0", "10.0.0.1"], ["10.0.0.1"]],
  ["the whole network", ["0.0.0.0/0", "128.0.0.0/1"], [], ["255.255.255.255", "0.0.0.0"]],
  ["IPv6", ["fd00::/8", "fd00::/16"], [], ["fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fd00::"]],
])("%s", (_, blocks, avoid, expected) => {
  expect(standIns(blocks.map(aCidr), new Set(avoid.map(anIp))).sort()).toEqual(expected.sort());
});

test("an address of any block is in the same blocks as one that stands for it", () => {
  // Few addresses, so that blocks nest, touch and fill each other.
  const ip = (last: number) => anIp(`10.0.0.${last}`);
  const block = fc
    .record({ last: fc.nat(31), bits: fc.integer({ min: 27, max: 32 }) })
    .map(({ last, bits }) => networkOf(ip(last), bits));
  fc.assert(
    fc.property(fc.uniqueArray(block, { maxLength: 12 }), (blocks) => {
      const holders = (each: Ip) => blocks.filter((cidr: Cidr) => cidrHolds(cidr, each)).join(" ");
      const found = standIns(blocks, new Set()).map(holders);
      const wanted = new Set(Array.from({ length: 32 }, (_, last) => holders(ip(last))).filter((each) => each !== ""));
      expect(found.toSorted()).toEqual([...wanted].sort());
    }),
    { numRuns: 300 },
  );
});
