import { describe, expect, test } from "@jest/globals";
import { lengthOf, listOf, longer, outOf, setOut, type Trail } from "../../../rules/trace/traveller.ts";
import { aNode, aPacket, aTraveller, ownPacket } from "./a-trace.ts";

describe("a packet sets out", () => {
  test("from the network before routing, by its interface", () => {
    expect(setOut(aPacket(), aNode())).toMatchObject({
      hook: "PREROUTING",
      inInterface: "eth0",
      outInterface: undefined,
      isOwn: false,
      isTracked: false,
      isFirst: true,
      mark: 0,
      connectionMark: 0,
    });
  });

  test("from the node after routing, by no interface", () => {
    expect(setOut(ownPacket(), aNode())).toMatchObject({
      hook: "OUTPUT",
      inInterface: "",
      outInterface: "cni0",
      isOwn: true,
    });
  });

  test.each([
    ["ESTABLISHED", undefined, false],
    ["NEW", 0, true],
  ] as const)("in state %s with the connection mark %s", (state, connectionMark, isFirst) => {
    expect(setOut(aPacket({ state }), aNode())).toMatchObject({ state, connectionMark, isFirst });
  });

  test("with one name of its protocol", () => {
    expect(setOut(aPacket({ protocol: "icmpv6" }), aNode()).protocol).toBe("ipv6-icmp");
  });
});

test.each([
  ["PREROUTING", ""],
  ["INPUT", ""],
  ["FORWARD", "cni0"],
  ["OUTPUT", "cni0"],
  ["POSTROUTING", "cni0"],
] as const)("at %s rules see it leave by %j", (hook, name) => {
  expect(outOf(aTraveller({ hook, outInterface: "cni0" }))).toBe(name);
});

test("trails share their beginnings", () => {
  const one: Trail<number> = longer(undefined, 1);
  const [a, b] = [longer(one, 2), longer(longer(one, 3), 4)];
  expect([listOf(undefined), listOf(one), listOf(a), listOf(b)]).toEqual([[], [1], [1, 2], [1, 3, 4]]);
  expect([undefined, one, a, b].map(lengthOf)).toEqual([0, 1, 2, 3]);
});
