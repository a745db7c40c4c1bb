// Tests of rules/graph/chain-ways.ts.
import { describe, expect, test } from "@jest/globals";
import { chainWays, type Goal } from "../../../rules/graph/chain-ways.ts";
import { plus, toNumber } from "../../../rules/trace/fraction.ts";
import { aDump } from "./a-dump.ts";

const read = (...rules: string[]) => {
  const chains = aDump(rules.map((rule) => (/^KUBE-\S+ /.test(rule) ? rule : `KUBE-SVC-A ${rule}`))).tables.get(
    "nat",
  )?.chains;
  const chain = chains?.get("KUBE-SVC-A");
  if (chains === undefined || chain === undefined) throw new Error("bug: no chain");
  return chainWays(chain, { chains, unsaid: { protocol: "tcp" }, opened: new Map() }, { protocol: "tcp" });
};
const name = (goal: Goal) =>
  goal.kind === "chain"
    ? goal.name
    : goal.kind === "endpoint"
      ? goal.to
      : goal.kind === "verdict"
        ? goal.text
        : goal.kind;
const ways = (...rules: string[]) =>
  read(...rules).ways.map(({ goal, share, words }) => [
    name(goal),
    share === undefined ? undefined : Number(toNumber(share).toFixed(6)),
    words.join("; "),
  ]);
const chance = (probability: string) => `-m statistic --mode random --probability ${probability}`;
const to = (ip: string) => `-j DNAT --to-destination ${ip}:80`;

test("each share is of what the rules before left, and the last takes the rest", () => {
  const rules = [`${chance("0.33333333349")} ${to("a")}`, `${chance("0.5")} ${to("b")}`, to("c")];
  expect(ways(...rules)).toEqual([
    ["a:80", 0.333333, ""],
    ["b:80", 0.333333, ""],
    ["c:80", 0.333333, ""],
  ]);
  const shares = read(...rules).ways.flatMap(({ share }) => share ?? []);
  const { share, of } = shares.reduce(plus);
  expect(share).toBe(of);
});

test("groups of endpoints are seen through", () => {
  expect(
    ways(`${chance("0.5")} -j KUBE-SEP-B`, to("c"), `KUBE-SEP-B ${chance("0.25")} ${to("a")}`, `KUBE-SEP-B ${to("b")}`),
  ).toEqual([
    ["a:80", 0.125, ""],
    ["b:80", 0.375, ""],
    ["c:80", 0.5, ""],
  ]);
});

test("what a group gives back goes to the next rule", () => {
  expect(ways("-j KUBE-SEP-B", to("b"), `KUBE-SEP-B ${chance("0.25")} ${to("a")}`)).toEqual([
    ["a:80", 0.25, ""],
    ["b:80", 0.75, ""],
  ]);
});

describe("what is left returns", () => {
  test.each([
    [
      "after rules that are all by chance",
      [`${chance("0.25")} ${to("a")}`],
      [
        ["a:80", 0.25, ""],
        ["return", 0.75, ""],
      ],
    ],
    [
      "after conditions",
      ["-s 10.0.0.0/8 -j KUBE-SVC-B", "KUBE-SVC-B -j DROP"],
      [
        ["KUBE-SVC-B", undefined, "from 10.0.0.0/8"],
        ["return", 1, "others"],
      ],
    ],
    ["by RETURN", ["-j RETURN", to("a")], [["return", 1, ""]]],
    ["from an empty chain", ["-m comment --comment x"], [["return", 1, ""]]],
  ])("%s", (_, rules, expected) => {
    expect(ways(...rules)).toEqual(expected);
  });
});

test.each([
  ["-j DROP", "dropped"],
  ["-j KUBE-MARK-DROP", "dropped"],
  ["-j REJECT --reject-with tcp-reset", "refused"],
  ["-j ACCEPT", "not translated"],
  ["-j REDIRECT --to-ports 80", "REDIRECT --to-ports 80"],
])("%s ends there", (rule, expected) => {
  expect(ways(rule, to("a"))).toEqual([[expected, 1, ""]]);
});

test.each(["-j LOG --log-prefix x", "-j MARK --set-xmark 0x1/0x1", "-m comment --comment x", "-j TRACE"])(
  "%s lets it go on",
  (rule) => {
    expect(ways(rule, to("a"))).toEqual([["a:80", 1, ""]]);
  },
);

describe("masquerading", () => {
  const mark = "-j KUBE-MARK-MASQ";
  test.each([
    [
      "all is said of every way after it",
      [mark, "-j KUBE-SVC-B", "KUBE-SVC-B -j DROP"],
      [["KUBE-SVC-B", 1, "masquerade"]],
      [],
    ],
    [
      "is not said of ways before it",
      [`-s 10.0.0.0/8 ${to("a")}`, mark, to("b")],
      [
        ["a:80", undefined, "from 10.0.0.0/8"],
        ["b:80", 1, "others; masquerade"],
      ],
      [],
    ],
    [
      "under a condition is said of the way under the same condition",
      [`-m addrtype --src-type LOCAL ${mark}`, `-m addrtype --src-type LOCAL ${to("a")}`, to("b")],
      [
        ["a:80", undefined, "from the node; masquerade"],
        ["b:80", 1, "others"],
      ],
      [],
    ],
    [
      "under another condition is said of the chain",
      [`! -s 10.0.0.0/8 ${mark}`, to("a")],
      [["a:80", 1, ""]],
      ["masquerade if not from 10.0.0.0/8"],
    ],
    [
      "of a frontend is said there, not here",
      [`! -s 10.0.0.0/8 -p tcp -m tcp --dport 80 ${mark}`, to("a")],
      [["a:80", 1, ""]],
      [],
    ],
  ])("%s", (_, rules, expected, masquerades) => {
    expect(ways(...rules)).toEqual(expected);
    expect(read(...rules).masquerades).toEqual(masquerades);
  });
});

test("clients that were seen before have a way of their own, which takes no share", () => {
  const seen = (list: string) =>
    `-m recent --rcheck --seconds 60 --reap --name ${list} --mask 255.255.255.255 --rsource -j ${list}`;
  expect(
    ways(
      seen("KUBE-SEP-A"),
      seen("KUBE-SEP-B"),
      `${chance("0.5")} -j KUBE-SEP-A`,
      "-j KUBE-SEP-B",
      `KUBE-SEP-A ${to("a")}`,
      `KUBE-SEP-B ${to("b")}`,
    ),
  ).toEqual([
    ["again", undefined, "client seen within 60 s"],
    ["again", undefined, "client seen within 60 s"],
    ["a:80", 0.5, ""],
    ["b:80", 0.5, ""],
  ]);
});

test("a rule with a condition and a chance says both, and takes nothing from the others", () => {
  expect(ways(`-s 10.0.0.0/8 ${chance("0.5")} ${to("a")}`, to("b"))).toEqual([
    ["a:80", undefined, "from 10.0.0.0/8; by chance"],
    ["b:80", 1, "others"],
  ]);
});
