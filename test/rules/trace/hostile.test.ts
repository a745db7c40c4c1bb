// Dumps that are cut, broken or meant to do harm. In: texts. Out: problems with their lines, or a way that is left open; never an exception or a hang.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ruleLine } from "../../../rules/iptables/text/render-rule.ts";
import { parseFirewalls, type ParsedFirewalls } from "../../../rules/trace/firewall.ts";
import { buildTracer, type Branch } from "../../../rules/trace/trace.ts";
import { hostileRule, hostileText } from "../iptables/text/hostile.ts";
import { aNode, aPacket, certain, isSame, ownPacket, sumUnder, vaguePacket } from "./a-trace.ts";

const packets = [
  aPacket(),
  vaguePacket(),
  ownPacket({ destination: "192.168.0.2" }),
  aPacket({ state: "ESTABLISHED" }),
  aPacket({ destination: "fd00:1::9" }),
];

/** Every packet through what was read, also where there were problems. */
function traceAll({ firewalls }: ParsedFirewalls): readonly Branch[] {
  return packets.flatMap((packet) => {
    const firewall = firewalls[packet.source.includes(":") ? 6 : 4];
    return firewall === undefined ? [] : buildTracer(firewall, aNode()).trace(packet);
  });
}

const codes = (text: string) => parseFirewalls(text).problems.map(({ code, line }) => `${line} ${code}`);

/** The ends that the packet comes to by these rules of the filter table; each given with its share as a number. */
function ends(lines: readonly string[], packet = ownPacket()): string[] {
  const parsed = parseFirewalls(["*filter", ...lines, "COMMIT", ""].join("\n"));
  expect(parsed.problems).toEqual([]);
  const firewall = parsed.firewalls[4];
  if (firewall === undefined) throw new Error("bug: there is no table");
  return buildTracer(firewall, aNode())
    .trace(packet)
    .map(({ end }) => (end.kind === "undecided" ? `undecided ${end.on}` : end.kind));
}

const samples = join(import.meta.dirname, "..", "iptables", "samples");
const ours = readFileSync(join(samples, "lb-local-with-source-ranges.rules"), "utf8");
const foreign = readFileSync(join(import.meta.dirname, "foreign", "portmap.rules"), "utf8");
const ipvs = readFileSync(join(import.meta.dirname, "foreign", "ipvs.rules"), "utf8");

/** Rules by line, of all tables. */
function rulesIn({ firewalls }: ParsedFirewalls): ReadonlyMap<number, string> {
  const tables = [...(firewalls[4]?.dump.tables.values() ?? [])];
  return new Map(
    tables.flatMap(({ name, chains }) =>
      [...chains.values()].flatMap((chain) =>
        chain.rules.map(({ line, rule }) => [line, `${name} ${ruleLine(chain.name, rule)}`] as const),
      ),
    ),
  );
}

describe("a dump that is cut", () => {
  test.each([
    ["at every byte, with quotes in quotes", foreign, 1],
    ["of kube-proxy", ours.slice(ours.indexOf("*")), 23],
    ["with sets", ipvs, 11],
  ])("%s: says so, unless what is left is whole; no other line is read otherwise for it", (_, text, step) => {
    const whole = rulesIn(parseFirewalls(text));
    for (let length = 0; length <= text.length; length += step) {
      const part = text.slice(0, length);
      const parsed = parseFirewalls(part);
      const isOpen = /(?:^|\n)\*[^\n]*$/.test(part) || part.lastIndexOf("\n*") > part.lastIndexOf("\nCOMMIT");
      if (isOpen) expect([length, parsed.problems.length > 0]).toEqual([length, true]);
      const lastLine = part.split("\n").length;
      for (const { line } of parsed.problems) expect(line).toBeLessThanOrEqual(lastLine);
      for (const [line, rule] of rulesIn(parsed)) if (line < lastLine) expect(rule).toBe(whole.get(line));
      if (length % 97 === 0) traceAll(parsed);
    }
  });

  test("a rule that is cut after COMMIT was cut away is no rule of a closed table", () => {
    expect(codes("*nat\n:X - [0:0]\n-A X -s 10.0.0")).toEqual(["3 table-not-closed"]);
    expect(codes("*nat\n:X - [0:0]\n-A X -j DROP\nCOMM")).toEqual(["4 not-a-rule", "4 table-not-closed"]);
  });
});

describe("chains", () => {
  const line = (count: number, last: string) => [
    ...Array.from({ length: count }, (_, at) => `:C${at} - [0:0]`),
    "-A OUTPUT -j C0",
    ...Array.from({ length: count - 1 }, (_, at) => `-A C${at} -j C${at + 1}`),
    `-A C${count - 1} ${last}`,
  ];

  test.each([1000, 5000])("%i deep are followed", (count) => {
    expect(ends(line(count, "-j DROP"))).toEqual(["dropped"]);
    expect(ends(line(count, "-j RETURN"))).toEqual(["delivered"]);
  });

  test("20,000 deep are given up, not followed in part", () => {
    expect(ends(line(20_000, "-j DROP"))).toEqual(["undecided chains that nest deeper than 10000"]);
  });

  test("a loop is a problem, however long", () => {
    expect(codes("*nat\n:X - [0:0]\n-A X -j X\nCOMMIT\n")).toEqual(["3 chain-loop"]);
    const long = ["*filter", ...line(20_000, "-j C0"), "COMMIT", ""].join("\n");
    expect(codes(long)).toEqual(["40002 chain-loop"]);
    traceAll(parseFirewalls(long));
  });

  test("a loop that is traced all the same comes to an end", () => {
    const twice =
      "*filter\n:X - [0:0]\n-A OUTPUT -j X\n-A X -m socket -j X\n-A X -m statistic --mode random --probability 0.5 -j X\nCOMMIT\n";
    expect(parseFirewalls(twice).problems.map(({ code }) => code)).toEqual(["chain-loop", "chain-loop"]);
    expect(traceAll(parseFirewalls(twice)).length).toBeGreaterThan(0);
  });

  test("each called twice by the one before: 2^40 ways are given up", () => {
    const doubled = [
      ...Array.from({ length: 40 }, (_, at) => `:C${at} - [0:0]`),
      "-A OUTPUT -j C0",
      ...Array.from({ length: 39 }, (_, at) => [`-A C${at} -j C${at + 1}`, `-A C${at} -j C${at + 1}`]).flat(),
    ];
    expect(ends(doubled)).toEqual(["undecided more branches than can be followed"]);
  });

  test.each([
    ["a chain of another table", ["-A OUTPUT -j ELSEWHERE"], "undecided -j ELSEWHERE"],
    ["a goto to one", ["-A OUTPUT -g ELSEWHERE"], "undecided -g ELSEWHERE"],
    ["a target that nobody knows", ["-A OUTPUT -j FROBNICATE --hard"], "undecided -j FROBNICATE --hard"],
    ["a target that is cut", ["-A OUTPUT -j"], "undecided -j"],
    ["a target of which an option is cut", ["-A OUTPUT -j MARK --set-xmark"], "undecided -j MARK --set-xmark"],
  ])("%s is left open", (_, lines, end) => {
    expect(ends(lines)).toEqual([end]);
  });

  test("a chain that is declared twice is a problem", () => {
    expect(codes("*nat\n:X - [0:0]\n-A X -j DROP\n:X - [0:0]\nCOMMIT\n")).toEqual(["4 duplicate-chain"]);
  });
});

describe("what cannot be decided, many times over", () => {
  const many = (count: number, rule: (at: number) => string) => Array.from({ length: count }, (_, at) => rule(at));
  const gaveUp = "undecided more branches than can be followed";

  test("2^60 ways are given up, with all that is known of them", () => {
    const marks = many(
      60,
      (at) => `-A OUTPUT -m owner --uid-owner ${at} -j MARK --xor-mark 0x${(2 ** (at % 31)).toString(16)}`,
    );
    const found = ends(marks);
    expect(new Set(found)).toEqual(new Set([gaveUp]));
    expect(found.length).toBeLessThan(200_000);
  });

  test("in a chain that each of many ways goes through", () => {
    const marks = (chain: string, from: number) =>
      many(
        14,
        (at) => `-A ${chain} -m owner --uid-owner ${from + at} -j MARK --xor-mark 0x${(2 ** (from + at)).toString(16)}`,
      );
    const found = ends([
      ":X - [0:0]",
      ":Y - [0:0]",
      ...marks("OUTPUT", 0),
      "-A OUTPUT -j X",
      ...marks("X", 14),
      "-A X -j Y",
      ...marks("Y", 14),
    ]);
    expect(found).toContain(gaveUp);
  });

  test("by chance", () => {
    const lots = many(
      60,
      (at) =>
        `-A OUTPUT -m statistic --mode random --probability 0.5 -j MARK --xor-mark 0x${(2 ** (at % 31)).toString(16)}`,
    );
    expect(ends(lots)).toContain(gaveUp);
  });

  test("20,000 rules in a row that each end the way of some", () => {
    for (const target of ["-j DROP", "-j RETURN", "-j ACCEPT"]) {
      const found = ends(many(20_000, (at) => `-A OUTPUT -m owner --uid-owner ${at} ${target}`));
      expect(found).toContain(gaveUp);
    }
    expect(
      ends(
        many(
          20_000,
          (at) => `-A OUTPUT -m statistic --mode random --probability 0.000001 -m comment --comment ${at} -j DROP`,
        ),
      ).at(-1),
    ).toBe(gaveUp);
  });

  test("20,000 rules in a row that change nothing", () => {
    expect(ends(many(20_000, (at) => `-A OUTPUT -m owner --uid-owner ${at} -j LOG`))).toEqual(["delivered"]);
  });

  test("the chances add up to 1, what was given up with them", () => {
    const lines = many(
      40,
      (at) =>
        `-A OUTPUT -m statistic --mode random --probability 0.5 -j MARK --xor-mark 0x${(2 ** (at % 31)).toString(16)}`,
    );
    const firewall = parseFirewalls(["*filter", ...lines, "COMMIT", ""].join("\n")).firewalls[4];
    if (firewall === undefined) throw new Error("bug: there is no table");
    const branches = buildTracer(firewall, aNode()).trace(ownPacket(), { withoutHops: true });
    expect(
      isSame(
        sumUnder(branches, () => true),
        certain,
      ),
    ).toBe(true);
  });

  test("as many endpoints as a Service may have are followed exactly", () => {
    const count = 5000;
    const lines = many(count, (at) => {
      const lots = at === count - 1 ? "" : `-m statistic --mode nth --every ${count - at} --packet 0 `;
      return `-A OUTPUT ${lots}-j DNAT --to-destination 10.${at >> 8}.${at & 255}.1:80`;
    });
    const firewall = parseFirewalls(["*nat", ...lines, "COMMIT", ""].join("\n")).firewalls[4];
    if (firewall === undefined) throw new Error("bug: there is no table");
    const branches = buildTracer(firewall, aNode()).trace(ownPacket(), { withoutHops: true });
    expect(branches).toHaveLength(count);
    expect(branches.filter(({ chance }) => !isSame(chance, { share: 1n, of: BigInt(count) }))).toEqual([]);
  });
});

describe("lines", () => {
  const huge = 10 * 1024 * 1024;
  const large = 1024 * 1024;
  test.each<readonly [string, string, readonly string[]]>([
    ["of 10 MB, without a space", "x".repeat(huge), ["2 not-a-rule"]],
    ["of 10 MB of spaces", `-A OUTPUT ${" ".repeat(huge)}`, []],
    ["a comment of 10 MB", `-A OUTPUT -m comment --comment "${"x".repeat(huge)}" -j DROP`, []],
    ["200,000 options", `-A OUTPUT ${"-m x --y ! --z ".repeat(large / 16)}-j DROP`, []],
    ["a destination of 10 MB", `-A OUTPUT -j DNAT --to-destination ${":".repeat(huge)}`, []],
    ["another", `-A OUTPUT -j DNAT --to-destination [${":1".repeat(huge / 2)}`, []],
    ["ports of 1 MB", `-A OUTPUT -p tcp -m multiport --dports ${"80,".repeat(large / 3)}80 -j DROP`, []],
    ["a source of 10 MB", `-A OUTPUT -s ${"1.".repeat(huge / 2)} -j DROP`, []],
    ["a state of 1 MB", `-A OUTPUT -m conntrack --ctstate ${"X,".repeat(large / 2)}NEW -j DROP`, []],
    ["counters of 10 MB", `[${"1".repeat(huge)}`, ["2 not-a-rule"]],
    ["10 MB of quotes", `-A OUTPUT ${'"'.repeat(huge)} -j DROP`, []],
    ["1 MB of backslashes", `-A OUTPUT -m comment --comment "${"\\".repeat(large)}" -j DROP`, []],
    ["a chain of 10 MB", `:${"X".repeat(huge)} - [0:0]`, ["2 not-a-chain"]],
    ["a heading of 10 MB", `# Generated by ${"iptables".repeat(huge / 8)}`, []],
    ["IPv6, or so it seems, of 1 MB", `-A OUTPUT -s ${"f:".repeat(large / 2)} -j DROP`, []],
    ["IPv6 that never comes, of 1 MB", `-A OUTPUT ${"-s f: ".repeat(large / 6)} -j DROP`, []],
    [
      "a mark of 10 MB",
      `-A OUTPUT -m connmark --mark 0x${"0".repeat(huge)} -j MARK --or-mark 0x${"0".repeat(huge)}`,
      [],
    ],
  ])("%s", (_, text, wanted) => {
    const parsed = parseFirewalls(`*filter\n${text}\nCOMMIT\n`);
    expect(parsed.problems.map(({ code, line }) => `${line} ${code}`)).toEqual(wanted);
    for (const problem of parsed.problems) expect(problem.text.length).toBeLessThan(300);
    traceAll(parsed);
  });

  test("a million lines that are none", () => {
    expect(parseFirewalls("x\n".repeat(1_000_000)).problems).toHaveLength(1_000_000);
  });

  test("that end in CR LF say the same", () => {
    const of = (text: string) => ({ rules: [...rulesIn(parseFirewalls(text))], problems: codes(text) });
    expect(of(foreign.replaceAll("\n", "\r\n"))).toEqual(of(foreign));
    expect(of(foreign).rules.length).toBe(12);
  });
});

describe("any text", () => {
  const lines = fc.oneof(
    hostileText,
    hostileText.map((text) => `-A -t 10.1.0.9:81 -s ${text}`),
    hostileText.map((text) => `[{"ifname":${JSON.stringify(text)},"addr_info":[{"local":${JSON.stringify(text)}}]}]`),
    hostileRule.map((rule) => ruleLine("X", rule)),
    hostileRule.map((rule) => ruleLine("OUTPUT", rule)),
    fc.constantFrom(
      "*nat",
      "*filter",
      "*raw",
      "COMMIT",
      ":X - [0:0]",
      ":OUTPUT DROP [0:0]",
      "-A OUTPUT -j X",
      "create s hash:ip",
      "-A -t 10.1.0.9:80 -s rr",
      "-A -t 192.168.0.2:80 -s lblc -p 5",
      "-a -t 10.1.0.9:80 -r 10.1.0.9:80 -m -w 1",
      "-a -t 192.168.0.2:80 -r 10.1.0.8:0 -m -w 2147483647",
      "-A -f 1 -s fo",
      "-a -f 1 -r 10.1.0.8:0 -i -w 1",
      '[{"ifname":"kube-ipvs0","addr_info":[{"local":"10.1.0.9"},{"local":"fd00:1::9"},{}]}]',
      "[]",
      "address replace 10.1.0.9/32 dev kube-ipvs0",
      "add s 10.0.0.1",
    ),
  );

  test("is read and traced without an exception, and twice alike", () => {
    fc.assert(
      fc.property(fc.array(lines, { maxLength: 30 }), (list) => {
        const text = list.join("\n");
        const parsed = parseFirewalls(text);
        expect(traceAll(parsed)).toEqual(traceAll(parseFirewalls(text)));
        const count = text.split("\n").length;
        for (const { line } of parsed.problems) expect(line >= 1 && line <= count).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  test("as rules of one chain, too", () => {
    fc.assert(
      fc.property(fc.array(hostileRule, { minLength: 1, maxLength: 20 }), (rules) => {
        const text = [
          "*filter",
          ...rules.map((rule) => ruleLine("OUTPUT", rule)),
          ...rules.map((rule) => ruleLine("FORWARD", rule)),
          "COMMIT",
          "",
        ].join("\n");
        expect(traceAll(parseFirewalls(text)).length).toBeGreaterThan(0);
      }),
      { numRuns: 400 },
    );
  });
});
