import { describe, expect, test } from "@jest/globals";
import { endText, fateOf, isSameFate, placeText, sourceText } from "../../../rules/compare/fate.ts";
import { certain, fraction, toNumber } from "../../../rules/trace/fraction.ts";
import type { End } from "../../../rules/trace/end.ts";
import type { Branch } from "../../../rules/trace/trace.ts";
import { anIp } from "../../make/objects.ts";

const delivered: Extract<End, { kind: "delivered" }> = {
  kind: "delivered",
  to: anIp("10.1.0.1"),
  port: 80,
  here: false,
  translated: true,
  source: { kind: "kept" },
};

function aBranch(fields: Partial<Branch> = {}): Branch {
  return {
    chance: certain,
    conditions: [],
    hops: [],
    end: delivered,
    remembered: [],
    heldSeconds: undefined,
    ...fields,
  };
}

const half = fraction(1, 2);
const dropped: End = { kind: "dropped" };

describe("fateOf", () => {
  test("adds up branches that end alike under the same conditions, in whatever order they were met", () => {
    const [one, two] = [
      { on: "-m owner --uid-owner 0", line: 7, holds: true },
      { on: "-m time", line: 9, holds: false },
    ];
    const fate = fateOf([
      aBranch({ chance: fraction(1, 4), conditions: [one, two] }),
      aBranch({ chance: fraction(1, 4), conditions: [two, { ...one, line: 70 }] }),
      aBranch({ chance: half, conditions: [{ ...one, holds: false }] }),
    ]);
    expect([...fate.values()].map(({ conditions, chance }) => [conditions, chance])).toEqual([
      ["if -m owner --uid-owner 0, if not -m time", fraction(2, 4)],
      ["if not -m owner --uid-owner 0", half],
    ]);
  });

  test("what a scheduler chooses is told by its ends alone, however often each comes about", () => {
    const chosen = (ip: string, end: End = { ...delivered, to: anIp(ip) }) =>
      aBranch({ end, conditions: [{ on: `wlc chooses ${ip}:80`, line: 1, holds: true, choice: true }] });
    const fate = fateOf([
      chosen("10.1.0.1"),
      chosen("10.1.0.2"),
      chosen("10.1.0.3", dropped),
      chosen("10.1.0.4", dropped),
    ]);
    const outcomes = [...fate.values()].map(({ end, conditions, isChoice, chance }) => [
      endText(end),
      conditions,
      isChoice && toNumber(chance) === 1,
    ]);
    expect(outcomes).toEqual([
      ["to 10.1.0.1:80", "as wlc chooses", true],
      ["to 10.1.0.2:80", "as wlc chooses", true],
      ["dropped", "as wlc chooses", true],
    ]);
    expect(isSameFate(fateOf([chosen("10.1.0.1")]), fateOf([aBranch()]))).toBe(false);
  });

  const on = (text: string, holds: boolean) => ({ on: text, line: 1, holds });

  test.each<[string, Branch[], [string, number][]]>([
    [
      "leaves out a condition whose answer makes no difference",
      [aBranch({ conditions: [on("a", true)] }), aBranch({ conditions: [on("a", false)] })],
      [["", 1]],
    ],
    [
      "leaves out several of them",
      [
        aBranch({ conditions: [on("a", true)] }),
        aBranch({ conditions: [on("a", false), on("b", true)] }),
        aBranch({ conditions: [on("b", false), on("a", false)] }),
      ],
      [["", 1]],
    ],
    [
      "keeps one that makes a difference beside one that makes none",
      [
        aBranch({ conditions: [on("a", true), on("b", true)] }),
        aBranch({ conditions: [on("a", true), on("b", false)] }),
        aBranch({ conditions: [on("a", false)], end: dropped }),
      ],
      [
        ["if a", 1],
        ["if not a", 1],
      ],
    ],
    [
      "keeps one by which chances differ",
      [
        aBranch({ conditions: [on("a", true)] }),
        aBranch({ conditions: [on("a", false)], chance: half }),
        aBranch({ conditions: [on("a", false)], chance: half, end: dropped }),
      ],
      [
        ["if a", 1],
        ["if not a", 0.5],
        ["if not a", 0.5],
      ],
    ],
  ])("%s", (_, branches, expected) => {
    const found = [...fateOf(branches).values()].map(({ conditions, chance }) => [conditions, toNumber(chance)]);
    expect(found.toSorted()).toEqual(expected);
  });

  const others: readonly Partial<Branch>[] = [
    { end: dropped },
    { end: { ...delivered, port: 81 } },
    { end: { ...delivered, here: true } },
    { end: { ...delivered, translated: false } },
    { end: { ...delivered, source: { kind: "rewritten", to: undefined } } },
    { end: { kind: "rejected", with: "tcp-reset" } },
    { end: { kind: "undecided", on: "-j NFQUEUE" } },
    { heldSeconds: 60 },
    { conditions: [{ on: "-m time", line: 1, holds: true }] },
  ];

  test.each(others)("keeps apart what differs by %j", (other) => {
    const both = [aBranch({ chance: half }), aBranch({ chance: half, ...other })];
    expect(fateOf(both).size).toBe(2);
    expect(isSameFate(fateOf([aBranch()]), fateOf([aBranch(other)]))).toBe(false);
  });
});

describe("isSameFate", () => {
  const shares = (...list: [End, number][]) =>
    fateOf(list.map(([end, share]) => aBranch({ end, chance: fraction(share, 2 ** 31) })));
  const third = Math.round(2 ** 31 / 3);

  test.each([
    ["the same chance", third, third, true],
    ["chances that differ by the kernel's steps", third, third + 2, true],
    ["chances that differ by two in a million", third, third + Math.round(2 ** 31 * 2e-6), false],
    ["chances that differ by a tenth", third, Math.round(third * 1.1), false],
  ])("%s", (_, one, other, same) => {
    const [a, b] = [one, other].map((share) => shares([delivered, share], [dropped, 2 ** 31 - share]));
    expect(a !== undefined && b !== undefined && isSameFate(a, b)).toBe(same);
  });

  test("an outcome less is a difference, either way", () => {
    const [both, one] = [shares([delivered, third], [dropped, third]), shares([delivered, third])];
    expect([isSameFate(both, one), isSameFate(one, both), isSameFate(one, one)]).toEqual([false, false, true]);
  });

  test("does not look at order", () => {
    expect(isSameFate(shares([delivered, 1], [dropped, 2]), shares([dropped, 2], [delivered, 1]))).toBe(true);
  });
});

test.each<[End, string]>([
  [delivered, "to 10.1.0.1:80"],
  [{ ...delivered, port: undefined }, "to 10.1.0.1"],
  [{ ...delivered, to: anIp("fd00::1"), here: true }, "to [fd00::1]:80 on this node"],
  [{ ...delivered, translated: false }, "passed on as it is, to 10.1.0.1:80"],
  [{ ...delivered, source: { kind: "rewritten", to: undefined } }, "to 10.1.0.1:80, from the node"],
  [{ ...delivered, source: { kind: "rewritten", to: anIp("192.168.0.2") } }, "to 10.1.0.1:80, from 192.168.0.2"],
  [{ kind: "rejected", with: "tcp-reset" }, "rejected with tcp-reset"],
  [dropped, "dropped"],
  [{ kind: "undecided", on: "-j NFQUEUE" }, "depends on -j NFQUEUE"],
])("%j is told as: %s", (end, text) => {
  expect(endText(end)).toBe(text);
});

test("place and source alone are parts of that", () => {
  expect([placeText({ ...delivered, here: true }), sourceText(delivered.source)]).toEqual([
    "10.1.0.1:80 on this node",
    "",
  ]);
});
