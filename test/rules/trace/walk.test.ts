import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  ownPacket,
  aPacket,
  branchesOf,
  certain,
  hopsOf,
  isSame,
  sumUnder,
  vaguePacket,
  waysOf,
  type Rules,
} from "./a-trace.ts";

const packet = aPacket();
const owner = (uid: number) => `-m owner --uid-owner ${uid}`;

describe("chains of one table", () => {
  test.each<readonly [string, readonly string[], readonly string[]]>([
    ["no rule: the policy", [":FORWARD ACCEPT"], ["to 10.1.0.9:80 on"]],
    ["no rule: the policy DROP", [":FORWARD DROP"], ["dropped"]],
    ["a chain that the packet does not pass", [":INPUT DROP"], ["to 10.1.0.9:80 on"]],
    [
      "the first rule that matches",
      ["-A FORWARD -p udp -j ACCEPT", "-A FORWARD -p tcp -j DROP", "-A FORWARD -j ACCEPT"],
      ["dropped"],
    ],
    ["REJECT", ["-A FORWARD -j REJECT --reject-with icmp-host-prohibited"], ["rejected icmp-host-prohibited"]],
    ["ACCEPT before a policy DROP", [":FORWARD DROP", "-A FORWARD -j ACCEPT"], ["to 10.1.0.9:80 on"]],
    [
      "RETURN in a built-in chain: the policy",
      [":FORWARD DROP", "-A FORWARD -p tcp -j RETURN", "-A FORWARD -j ACCEPT"],
      ["dropped"],
    ],
    [
      "RETURN in a chain: the rule after the jump",
      ["-A FORWARD -j X", "-A FORWARD -j DROP", "-A X -j RETURN", "-A X -j ACCEPT"],
      ["dropped"],
    ],
    [
      "the end of a chain: the rule after the jump",
      ["-A FORWARD -j X", "-A FORWARD -j DROP", "-A X -p udp -j ACCEPT"],
      ["dropped"],
    ],
    [
      "ACCEPT in a chain ends the table",
      ["-A FORWARD -j X", "-A FORWARD -j DROP", "-A X -j ACCEPT"],
      ["to 10.1.0.9:80 on"],
    ],
    [
      "goto: no way back to the chain that it left",
      [":FORWARD DROP", "-A FORWARD -g X", "-A FORWARD -j ACCEPT", ":X"],
      ["dropped"],
    ],
    [
      "goto from a chain: back to where that was called from",
      ["-A FORWARD -j X", "-A FORWARD -j DROP", "-A X -g Y", "-A X -j ACCEPT", "-A Y -p udp -j ACCEPT"],
      ["dropped"],
    ],
    [
      "RETURN after goto: the same",
      ["-A FORWARD -j X", "-A FORWARD -j DROP", "-A X -g Y", "-A X -j ACCEPT", "-A Y -j RETURN", "-A Y -j ACCEPT"],
      ["dropped"],
    ],
    [
      "a jump after goto comes back to the chain that was gone to",
      ["-A FORWARD -j X", "-A X -g Y", "-A X -j ACCEPT", "-A Y -j Z", "-A Y -j DROP", ":Z"],
      ["dropped"],
    ],
    [
      "a target that is not known",
      ["-A FORWARD -j NFQUEUE --queue-num 3", "-A FORWARD -j DROP"],
      ["undecided -j NFQUEUE --queue-num 3"],
    ],
    ["a chain of another table", ["-A FORWARD -j ELSEWHERE"], ["undecided -j ELSEWHERE"]],
    ["a rule without a target", ["-A FORWARD -p tcp", "-A FORWARD -j DROP"], ["dropped"]],
    [
      "a mark that a later rule asks for",
      ["-A FORWARD -j MARK --or-mark 0x2", "-A FORWARD -m mark --mark 0x2/0x2 -j DROP"],
      ["dropped"],
    ],
  ])("%s", (_, lines, ways) => {
    expect(waysOf({ filter: lines, nat: [":ELSEWHERE"] }, packet)).toEqual(ways);
  });
});

describe("what cannot be decided splits the way", () => {
  const own = ownPacket();
  test.each<readonly [string, readonly string[], readonly string[]]>([
    ["in two", [`-A OUTPUT ${owner(1)} -j DROP`], [`if ${owner(1)}: dropped`, `if not ${owner(1)}: to 10.1.0.9:80 on`]],
    [
      "asked twice, it gets the same answer",
      [
        `-A OUTPUT ${owner(1)} -j MARK --or-mark 0x1`,
        "-A OUTPUT -p tcp",
        `-A OUTPUT ${owner(1)} -m mark --mark 0x1/0x1 -j DROP`,
        `-A OUTPUT ${owner(1)} -j REJECT --reject-with tcp-reset`,
      ],
      [`if ${owner(1)}: dropped`, `if not ${owner(1)}: to 10.1.0.9:80 on`],
    ],
    [
      "asked again in another chain",
      [
        `-A OUTPUT ${owner(1)} -j X`,
        `-A OUTPUT ${owner(1)} -j ACCEPT`,
        "-A OUTPUT -j DROP",
        `-A X ${owner(1)} -j MARK --or-mark 0x1`,
        `-A X -m mark ! --mark 0x1/0x1 -j REJECT --reject-with tcp-reset`,
      ],
      [`if ${owner(1)}: to 10.1.0.9:80 on`, `if not ${owner(1)}: dropped`],
    ],
    [
      "and the opposite question the opposite answer",
      [`-A OUTPUT ${owner(1)} -j DROP`, "-A OUTPUT -m owner ! --uid-owner 1 -j REJECT --reject-with tcp-reset"],
      [`if ${owner(1)}: dropped`, `if not ${owner(1)}: rejected tcp-reset`],
    ],
    [
      "two questions of one rule, asked again together",
      [`-A OUTPUT ${owner(1)} -m socket -j DROP`, `-A OUTPUT -m socket ${owner(1)} -j REJECT --reject-with tcp-reset`],
      [`if ${owner(1)} -m socket: dropped`, `if not ${owner(1)} -m socket: to 10.1.0.9:80 on`],
    ],
    [
      "asked again one by one",
      [
        `-A OUTPUT ${owner(1)} -m socket -j DROP`,
        `-A OUTPUT ${owner(1)} -j X`,
        "-A X -m socket -j REJECT --reject-with tcp-reset",
        "-A X -j DROP",
      ],
      [
        `if ${owner(1)} -m socket: dropped`,
        `if not ${owner(1)} -m socket, if ${owner(1)}: dropped`,
        `if not ${owner(1)} -m socket, if not ${owner(1)}: to 10.1.0.9:80 on`,
      ],
    ],
    [
      "rules that count are asked each by itself",
      ["-A OUTPUT -m limit --limit 1/sec -j ACCEPT", "-A OUTPUT -m limit --limit 1/sec -j DROP"],
      [
        "if -m limit --limit 1/sec: to 10.1.0.9:80 on",
        "if not -m limit --limit 1/sec, if -m limit --limit 1/sec: dropped",
        "if not -m limit --limit 1/sec, if not -m limit --limit 1/sec: to 10.1.0.9:80 on",
      ],
    ],
    [
      "a rule that another part rules out is not asked",
      [`-A OUTPUT -p udp ${owner(1)} -j DROP`],
      ["to 10.1.0.9:80 on"],
    ],
    [
      "a target that is not known, too",
      [`-A OUTPUT ${owner(1)} -j NFQUEUE`],
      [`if ${owner(1)}: undecided -j NFQUEUE`, `if not ${owner(1)}: to 10.1.0.9:80 on`],
    ],
    [
      "RETURN",
      [":OUTPUT DROP", `-A OUTPUT -j X`, "-A OUTPUT -j ACCEPT", `-A X ${owner(1)} -j RETURN`, "-A X -j DROP"],
      [`if ${owner(1)}: to 10.1.0.9:80 on`, `if not ${owner(1)}: dropped`],
    ],
    [
      "goto",
      [":OUTPUT DROP", `-A OUTPUT ${owner(1)} -g X`, "-A OUTPUT -j ACCEPT", ":X"],
      [`if ${owner(1)}: dropped`, `if not ${owner(1)}: to 10.1.0.9:80 on`],
    ],
    [
      "a mark that changed is not the one that was asked for before",
      [`-A OUTPUT ${owner(1)} -j MARK --or-mark 0x1`, `-A OUTPUT -m mark --mark 0x1/0x1 -j DROP`],
      [`if ${owner(1)}: dropped`, `if not ${owner(1)}: to 10.1.0.9:80 on`],
    ],
  ])("%s", (_, lines, ways) => {
    expect(waysOf({ filter: lines }, own)).toEqual(ways);
  });

  test("an interface that is not known is one, not two", () => {
    const ways = waysOf(
      { filter: ["-A FORWARD -i eth0 -j MARK --or-mark 0x1", "-A FORWARD -i eth1 -m mark --mark 0x1 -j DROP"] },
      vaguePacket(),
    );
    expect(ways).toEqual(["if -i eth0: to 10.1.0.9 on", "if not -i eth0: to 10.1.0.9 on"]);
  });

  test("so is a port", () => {
    const rules = {
      nat: [
        ...[80, 81].map((port) => `-A PREROUTING -p tcp -m tcp --dport ${port} -j MARK --or-mark 0x${port}`),
        "-A PREROUTING -m mark --mark 0xd1/0xd1 -j DROP",
      ],
    };
    expect(waysOf(rules, vaguePacket())).toEqual(
      [
        "if -p tcp -m tcp --dport 80: to 10.1.0.9:80 on",
        "if not -p tcp -m tcp --dport 80, if -p tcp -m tcp --dport 81: to 10.1.0.9:81 on",
        "if not -p tcp -m tcp --dport 80, if not -p tcp -m tcp --dport 81: to 10.1.0.9 on",
      ].map((way) => way.replaceAll("-p tcp -m tcp", "-m tcp")),
    );
  });

  test("a mark that is not known may change between two questions", () => {
    const rules = {
      mangle: [
        "-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff",
        "-A PREROUTING -m mark --mark 0x3/0x3 -j ACCEPT",
        "-A PREROUTING -j MARK --or-mark 0x2",
        "-A PREROUTING -m mark --mark 0x3/0x3 -j DROP",
      ],
    };
    expect(waysOf(rules, aPacket({ state: "ESTABLISHED" }))).toEqual([
      "if -m mark --mark 0x3/0x3: to 10.1.0.9:80 on",
      "if not -m mark --mark 0x3/0x3, if -m mark --mark 0x3/0x3: dropped",
      "if not -m mark --mark 0x3/0x3, if not -m mark --mark 0x3/0x3: to 10.1.0.9:80 on",
    ]);
  });
});

describe("a detour that changes nothing splits nothing", () => {
  test.each<readonly [string, readonly string[]]>([
    ["a rule that only counts or logs", [`-A OUTPUT ${owner(1)}`, "-A OUTPUT -m limit --limit 1/sec -j LOG"]],
    ["a chain without rules", [`-A OUTPUT ${owner(1)} -j X`, ":X"]],
    ["a chain where nothing matches", [`-A OUTPUT ${owner(1)} -j X`, "-A X -p udp -j DROP"]],
    ["by chance", ["-A OUTPUT -m statistic --mode random --probability 0.5 -j X", "-A X -p udp -j DROP"]],
    [
      "by chance, where it cannot be decided",
      [`-A OUTPUT ${owner(1)} -m statistic --mode random --probability 0.5 -j X`, ":X"],
    ],
    ["a chain in a chain", [`-A OUTPUT ${owner(1)} -j X`, `-A X ${owner(2)} -j Y`, "-A Y -p udp -j DROP"]],
  ])("%s", (_, lines) => {
    for (const options of [{}, { withoutHops: true }] as const)
      expect(waysOf({ filter: lines, mangle: lines }, ownPacket(), options)).toEqual(["to 10.1.0.9:80 on"]);
  });

  test.each<readonly [string, readonly string[]]>([
    ["another mark", [`-A OUTPUT ${owner(1)} -j MARK --or-mark 0x1`]],
    ["another mark of the connection", [`-A OUTPUT ${owner(1)} -j CONNMARK --set-xmark 0x1/0x1`]],
    [
      "a list that the client is put in",
      [`-A OUTPUT ${owner(1)} -m recent --set --name L --mask 255.255.255.255 --rsource`],
    ],
    ["a set", [`-A OUTPUT ${owner(1)} -j SET --add-set s src`]],
  ])("but %s does", (_, lines) => {
    expect(branchesOf({ filter: lines }, ownPacket(), { withoutHops: true })).toHaveLength(2);
  });

  test("nor is an unknown mark that was changed the one that it was", () => {
    const rules = {
      mangle: [
        "-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff",
        "-A PREROUTING -m socket -j MARK --xor-mark 0x1",
      ],
    };
    expect(branchesOf(rules, aPacket({ state: "ESTABLISHED" }))).toHaveLength(2);
  });
});

describe("recent lists", () => {
  const rest = "--name L --mask 255.255.255.255 --rsource";
  const rules = (...lines: readonly string[]) => ({
    filter: [...lines, `-A FORWARD -m recent --rcheck --seconds 60 ${rest} -j DROP`],
  });

  test("a client that a rule puts in is found by the next", () => {
    expect(waysOf(rules(), packet)).toEqual(["to 10.1.0.9:80 on"]);
    expect(waysOf(rules(`-A FORWARD -m recent --set ${rest}`), packet)).toEqual(["dropped"]);
    expect(waysOf(rules(`-A FORWARD -m recent --set --name L --mask 255.255.255.255 --rdest`), packet)).toEqual([
      "to 10.1.0.9:80 on",
    ]);
  });

  test("one that a rule takes out is not", () => {
    const known = aPacket({ recent: new Set(["L"]) });
    expect(waysOf(rules(), known)).toEqual(["dropped"]);
    expect(waysOf(rules(`-A FORWARD -m recent --remove ${rest}`), known)).toEqual(["to 10.1.0.9:80 on"]);
  });

  test("the lists and seconds are told", () => {
    const [branch] = branchesOf(
      {
        filter: [
          `-A FORWARD -m recent --rcheck --seconds 60 --reap ${rest} -j X`,
          `-A X -m recent --set ${rest} -j ACCEPT`,
        ],
      },
      aPacket({ recent: new Set(["L"]) }),
    );
    expect([branch?.remembered, branch?.heldSeconds]).toEqual([["L"], 60]);
  });
});

describe("rules that took part", () => {
  test.each<readonly [string, Rules, readonly string[]]>([
    [
      "verdicts and the jumps to them",
      { filter: ["-A FORWARD -p udp -j DROP", "-A FORWARD -j X", "-A X -j DROP"] },
      ["filter FORWARD: -j X", "filter X: -j DROP"],
    ],
    [
      "not jumps after which nothing matched",
      { filter: ["-A FORWARD -j X", "-A FORWARD -j DROP", "-A X -p udp -j DROP"] },
      ["filter FORWARD: -j DROP"],
    ],
    ["RETURN", { filter: ["-A FORWARD -j X", "-A X -j RETURN"] }, ["filter FORWARD: -j X", "filter X: -j RETURN"]],
    ["the policy DROP, which has no line", { filter: [":FORWARD DROP"] }, ["filter FORWARD: policy DROP"]],
    ["not the policy ACCEPT", { filter: [":FORWARD ACCEPT"] }, []],
    ["not rules that only count", { filter: ["-A FORWARD -p tcp"] }, []],
  ])("%s", (_, rules, hops) => {
    expect(hopsOf(rules, packet)).toEqual(hops);
  });

  test("with their lines", () => {
    const [branch] = branchesOf({ filter: [":FORWARD DROP", "-A FORWARD -p tcp -j MARK --or-mark 0x1"] }, packet);
    expect(branch?.hops.map(({ line }) => line)).toEqual([4, undefined]);
  });

  test("not at all where nobody wants them", () => {
    const branches = branchesOf({ filter: ["-A FORWARD -j DROP"] }, packet, { withoutHops: true });
    expect(branches.map(({ hops }) => hops)).toEqual([[]]);
  });
});

describe("any rules", () => {
  // Answers to what is not known, each rule of a module that counts by itself.
  const asks = [
    owner(1),
    owner(2),
    "-m owner ! --uid-owner 1",
    "-m socket",
    "-m limit --limit 1/sec",
    `${owner(1)} -m socket`,
  ];
  const rule = fc
    .tuple(
      fc.constantFrom("", "-p tcp", "-p udp", "-m mark --mark 0x1/0x1", ...asks),
      fc.constantFrom(
        "",
        "",
        "-m statistic --mode nth --every 3 --packet 0",
        "-m statistic --mode random --probability 0.25000000000",
      ),
      fc.constantFrom(
        "-j ACCEPT",
        "-j DROP",
        "-j RETURN",
        "-j A",
        "-j B",
        "-g B",
        "-j MARK --or-mark 0x1",
        "-j MARK --and-mark 0x0",
        "-j LOG",
        "-j NFQUEUE",
        "-j REJECT --reject-with tcp-reset",
        "",
      ),
    )
    .map((words) => words.filter((word) => word !== "").join(" "));
  // A leads to B only, and B nowhere: no loops.
  const chains = fc.record({
    OUTPUT: fc.array(rule, { maxLength: 8 }),
    A: fc.array(
      rule.map((words) => words.replace("-j A", "-j B")),
      { maxLength: 5 },
    ),
    B: fc.array(
      rule.map((words) => words.replace(/-[jg] [AB]$/, "-j RETURN")),
      { maxLength: 5 },
    ),
  });
  const answers = fc.array(fc.boolean(), { minLength: 16, maxLength: 16 });

  test("whatever is answered, the chances of what can happen then add up to 1", () => {
    fc.assert(
      fc.property(chains, answers, fc.constantFrom("ACCEPT", "DROP"), (lists, given, policy) => {
        const lines = Object.entries(lists).flatMap(([chain, rules]) =>
          rules.map((words) => `-A ${chain} ${words}`.trim()),
        );
        const rules = { filter: [`:OUTPUT ${policy}`, ":A", ":B", ...lines] };
        const branches = branchesOf(rules, ownPacket());
        const atom = (words: string, line: number): boolean => {
          if (words === "-m owner ! --uid-owner 1") return !atom(owner(1), line);
          const at = [owner(1), owner(2), "-m socket"].indexOf(words);
          return given[at < 0 ? 3 + (line % 13) : at] ?? false;
        };
        const isTrue = (on: string, line: number) => on.split(/ (?=-m )/).every((words) => atom(words, line));
        expect(isSame(sumUnder(branches, isTrue), certain)).toBe(true);
        // Without the rules that took part the same comes about.
        expect(isSame(sumUnder(branchesOf(rules, ownPacket(), { withoutHops: true }), isTrue), certain)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
