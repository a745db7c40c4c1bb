// Tests of rules/offline/placeholder.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { addressPool, nodePortPool } from "../../../rules/offline/placeholder.ts";
import { cidrHolds } from "../../../rules/net/cidr.ts";
import type { Ip } from "../../../rules/net/ip.ts";
import { cidrs } from "./an.ts";

describe("address pools", () => {
  test("give one key one address, and each family its own", () => {
    const take = addressPool(cidrs("10.96.0.0/12", "fd96::/108"), new Set());
    expect(take("a", 4)).toEqual(take("a", 4));
    expect(take("a", 6)?.from).toBe("fd96::/108");
  });

  test("give the same address whoever else asked, unless that took it", () => {
    const alone = addressPool(cidrs("10.96.0.0/12"), new Set())("a", 4);
    const crowded = addressPool(cidrs("10.96.0.0/12"), new Set());
    crowded("b", 4);
    expect(crowded("a", 4)).toEqual(alone);
  });

  test.each([
    ["10.0.0.0/29", 4, 6],
    ["10.0.0.0/30", 4, 2],
    ["10.0.0.0/31", 4, 0],
    ["10.0.0.0/32", 4, 0],
    ["fd00::/125", 6, 7],
    ["fd00::/128", 6, 0],
  ] as const)("give out %s without network and broadcast address, each once", (block, family, count) => {
    const take = addressPool(cidrs(block), new Set());
    const given = Array.from({ length: 10 }, (_, index) => take(`key-${index}`, family)?.value);
    const values = given.filter((ip) => ip !== undefined);
    expect(new Set(values).size).toBe(count);
    expect(values.length).toBe(count);
    for (const ip of values) expect(["10.0.0.0", "10.0.0.7", "fd00::"]).not.toContain(ip);
  });

  test("go on to the next range of the family", () => {
    const take = addressPool(cidrs("10.0.0.0/30", "10.0.1.0/30"), new Set());
    const from = ["a", "b", "c"].map((key) => take(key, 4)?.from);
    expect(from).toEqual(["10.0.0.0/30", "10.0.0.0/30", "10.0.1.0/30"]);
  });

  test("never give an address in use, and stay inside their range", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 8, max: 30 }), (key, bits) => {
        const ranges = cidrs(`10.0.0.0/${bits}`);
        const inUse = new Set<Ip>();
        const first = addressPool(ranges, inUse)(key, 4)?.value;
        const second = addressPool(ranges, inUse)(key, 4)?.value;
        expect(first).toBeDefined();
        expect(second).not.toBe(first);
        for (const ip of [first, second])
          expect(ip !== undefined && ranges.some((range) => cidrHolds(range, ip))).toBe(true);
      }),
    );
  });

  test("give the addresses that they gave in earlier versions", () => {
    const take = addressPool(cidrs("10.96.0.0/12", "fd96::/108"), new Set());
    expect([take("default/web", 4)?.value, take("default/web", 6)?.value]).toMatchInlineSnapshot(`
     [
       "10.110.242.5",
       "fd96::ee9c",
     ]
    `);
  });
});

describe("node port pools", () => {
  test("give each port of the range once, then none", () => {
    const take = nodePortPool({ low: 30000, high: 30003 }, new Set([30001]));
    const given = ["a", "b", "c", "d"].map((key) => take(key)?.value);
    expect(given.slice(0, 3).toSorted()).toEqual([30000, 30002, 30003]);
    expect(given[3]).toBeUndefined();
    expect(nodePortPool({ low: 1, high: 2 }, new Set())("a")?.from).toBe("1-2");
  });

  test.each([
    [0, 100],
    [200, 100],
    [1, 65536],
    [1.5, 3],
    [Number.NaN, 3],
  ])("give none from the range %d to %d", (low, high) => {
    expect(nodePortPool({ low, high }, new Set())("a")).toBeUndefined();
  });
});
