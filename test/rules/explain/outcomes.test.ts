// Tests of rules/explain/outcomes.ts.
import { expect, test } from "@jest/globals";
import { endKey, findCases, place } from "../../../rules/explain/outcomes.ts";
import type { Branch } from "../../../rules/trace/trace.ts";
import type { End } from "../../../rules/trace/end.ts";
import { fraction, isCertain, plus, toNumber } from "../../../rules/trace/fraction.ts";
import { anIp } from "../../make/objects.ts";

const to = (ip: string): End => ({
  kind: "delivered",
  to: anIp(ip),
  port: 80,
  here: false,
  translated: true,
  source: { kind: "kept" },
});
const dropped: End = { kind: "dropped" };

function aBranch(
  end: End,
  [share, of]: readonly [number, number] = [1, 1],
  answers: Readonly<Record<string, boolean>> = {},
): Branch {
  const conditions = Object.entries(answers).map(([on, holds], at) => ({ on, holds, line: at + 1 }));
  return { chance: fraction(share, of), conditions, hops: [], end, remembered: [], heldSeconds: undefined };
}

const told = (branches: readonly Branch[]) =>
  findCases(branches).map(({ when, outcomes }) => [
    when.length,
    ...outcomes.map(({ end, chance }) => `${endKey(end)} ${chance === undefined ? "unknown" : toNumber(chance)}`),
  ]);

test("branches that end alike are added up", () => {
  const a = to("10.0.0.1");
  expect(told([aBranch(a, [1, 4]), aBranch(dropped, [1, 4]), aBranch(a, [1, 2])])).toEqual([
    [0, "dropped 0.25", "to 10.0.0.1:80 on from kept 0.75"],
  ]);
});

test("what makes no difference is left out", () => {
  const branches = [true, false].map((holds) => aBranch(dropped, [1, 1], { "-i eth0": holds }));
  expect(told(branches)).toEqual([[0, "dropped 1"]]);
});

test("answers that lead to the same are one case", () => {
  const branches = [
    aBranch(dropped, [1, 1], { a: true }),
    aBranch(to("10.0.0.1"), [1, 1], { a: false, b: true }),
    aBranch(dropped, [1, 1], { a: false, b: false }),
  ];
  expect(told(branches)).toEqual([
    [2, "dropped 1"],
    [1, "to 10.0.0.1:80 on from kept 1"],
  ]);
});

test("chances of each case add up to all", () => {
  const branches = [1, 2, 3].map((number) => aBranch(to(`10.0.0.${number}`), [1, 3]));
  for (const { outcomes } of findCases(branches)) {
    const sum = outcomes.reduce((total, { chance = fraction(0, 1) }) => plus(total, chance), fraction(0, 1));
    expect(isCertain(sum)).toBe(true);
  }
});

test("ends differ by place, by whether the source is kept, and by how they refuse", () => {
  const ends: End[] = [
    to("10.0.0.1"),
    to("10.0.0.2"),
    { ...to("10.0.0.1"), source: { kind: "rewritten", to: undefined } } as End,
    { kind: "rejected", with: "tcp-reset" },
    { kind: "rejected", with: "icmp-port-unreachable" },
    dropped,
    { kind: "undecided", on: "x" },
  ];
  expect(new Set(ends.map(endKey)).size).toBe(ends.length);
  const [here, there] = ["192.168.0.1", "192.168.0.2"].map(
    (ip): End => ({ ...to("10.0.0.1"), source: { kind: "rewritten", to: anIp(ip) } }) as End,
  );
  expect(here && endKey(here)).toBe(there && endKey(there));
});

test("a place without port is an address", () => {
  const end = { ...to("fd00::1"), port: undefined };
  expect([end, to("fd00::1")].map((each) => (each.kind === "delivered" ? place(each) : ""))).toEqual([
    "fd00::1",
    "[fd00::1]:80",
  ]);
});

test("what a scheduler chooses stands in one case, each without a chance", () => {
  const choosing = (ip: string): Branch => ({
    ...aBranch(to(ip), [1, 1], { "-i eth0": true }),
    conditions: [
      { on: "-i eth0", line: 1, holds: true },
      { on: `wlc chooses ${ip}:80`, line: 2, holds: true, choice: true },
    ],
  });
  const branches = [choosing("10.0.0.1"), choosing("10.0.0.2"), aBranch(dropped, [1, 1], { "-i eth0": false })];
  expect(told(branches)).toEqual([
    [1, "to 10.0.0.1:80 on from kept unknown", "to 10.0.0.2:80 on from kept unknown"],
    [1, "dropped 1"],
  ]);
});
