// Tests of rules/graph/collapse.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { collapse, mostEndpointNodes } from "../../../rules/graph/collapse.ts";

const endpoints = (count: number, ip: (index: number) => string, by = "chain") =>
  new Map(Array.from({ length: count }, (_, index) => [`${ip(index)}:80`, by]));
const rows = (reachedBy: ReadonlyMap<string, string>) =>
  collapse(reachedBy).nodes.map(({ lines, endpoints }) => [lines[0], endpoints?.length]);

test("up to 12 are shown each, in order of address", () => {
  const { nodes } = collapse(endpoints(12, (index) => `10.0.0.${20 - index}`));
  expect(nodes.map(({ lines }) => lines[0])).toEqual(
    Array.from({ length: 12 }, (_, index) => `10.0.0.${9 + index}:80`),
  );
});

describe("more are put together", () => {
  test.each([
    [
      "by a node's usual block",
      endpoints(50, (i) => `10.0.${i % 4}.${i + 1}`),
      [
        ["10.0.0.0/24", 13],
        ["10.0.1.0/24", 13],
        ["10.0.2.0/24", 12],
        ["10.0.3.0/24", 12],
      ],
    ],
    [
      "in parts of it, where all are in one",
      endpoints(16, (i) => `10.0.0.${i}`),
      [0, 2, 4, 6, 8, 10, 12, 14].map((low) => [`10.0.0.${low}/31`, 2]),
    ],
    [
      "in wider blocks, where there are too many",
      endpoints(50, (i) => `10.0.${i}.1`),
      [0, 8, 16, 24, 32, 40, 48].map((low) => [`10.0.${low}.0/21`, low === 48 ? 2 : 8]),
    ],
    [
      "by /64 in IPv6",
      endpoints(14, (i) => `[fd00:0:0:${i % 2}::${(i + 1).toString(16)}]`),
      [
        ["fd00::/64", 7],
        ["fd00:0:0:1::/64", 7],
      ],
    ],
    [
      "but not one alone",
      new Map([...endpoints(13, (i) => `10.0.0.${i}`), ["10.0.1.9:80", "chain"]]),
      [
        ["10.0.0.0/24", 13],
        ["10.0.1.9:80", undefined],
      ],
    ],
    [
      "but not those that other chains lead to",
      new Map([...endpoints(13, (i) => `10.0.0.${i}`), ...endpoints(2, (i) => `10.0.0.${i}`, "local")]),
      [
        ["10.0.0.0/24", 2],
        ["10.0.0.0/24", 11],
      ],
    ],
    [
      "with what is no address as one",
      new Map([...endpoints(13, (i) => `10.0.0.${i}`), ["10.0.0.1-10.0.0.9", "chain"], ["x:80", "chain"]]),
      [
        ["10.0.0.0/24", 13],
        ["other targets", 2],
      ],
    ],
  ])("%s", (_, reachedBy, expected) => {
    expect(rows(reachedBy)).toEqual(expected);
  });

  test("and the node says how many, and their port where it is one", () => {
    const mixed = new Map([...endpoints(14, (i) => `10.0.${i % 2}.${i}`), ["10.0.1.99:81", "chain"]]);
    expect(collapse(mixed).nodes.map(({ lines }) => lines[1])).toEqual(["7 endpoints at port 80", "8 endpoints"]);
  });
});

const anEndpoint = fc.tuple(fc.nat(255), fc.nat(255), fc.constantFrom(80, 8080), fc.constantFrom("SVC", "SVC SVL"));

test("whatever the endpoints are, there are few nodes, and each endpoint is in one", () => {
  fc.assert(
    fc.property(fc.array(anEndpoint, { maxLength: 200 }), (list) => {
      const reachedBy = new Map(list.map(([c, d, port, by]) => [`10.0.${c}.${d}:${port}`, by]));
      const { nodes, nodeOf } = collapse(reachedBy);
      expect(nodes.length).toBeLessThanOrEqual(mostEndpointNodes);
      expect(new Set(nodes.map(({ id }) => id)).size).toBe(nodes.length);
      const members = nodes.flatMap(({ endpoints, lines }) => endpoints ?? lines);
      expect([...members].sort()).toEqual([...reachedBy.keys()].sort());
      for (const { id, endpoints, lines } of nodes)
        for (const to of endpoints ?? lines) expect(nodeOf.get(to)).toBe(id);
    }),
  );
});

test("the order in which they come does not matter", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(65_535), { minLength: 13, maxLength: 100 }), (list) => {
      const of = (order: readonly number[]) =>
        collapse(new Map(order.map((n) => [`10.0.${n >> 8}.${n & 255}:80`, "a"])));
      expect(of(list.toReversed())).toEqual(of(list));
    }),
  );
});
