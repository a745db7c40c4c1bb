import { describe, expect, test } from "@jest/globals";
import { parseRule } from "../../../../rules/iptables/text/parse-rule.ts";
import { splitWords } from "../../../../rules/iptables/text/quote.ts";
import { isInterface, questionsOf } from "../../../../rules/trace/match/compile-match.ts";
import type { Answer, Distinction, Lasting } from "../../../../rules/trace/match/test.ts";
import type { Traveller } from "../../../../rules/trace/traveller.ts";
import { aPacket, aTraveller, answerOf, chanceText, ownPacket, someSurroundings, vaguePacket } from "../a-trace.ts";

const vague = aTraveller({}, vaguePacket());
const own = aTraveller({}, ownPacket({ destination: "203.0.113.7" }));
const six = aTraveller({}, aPacket({ source: "2001:db8::7" }));
const inForward = aTraveller({ hook: "FORWARD", outInterface: "cni0" });
const questions = (words: string) => questionsOf(parseRule(splitWords(words)), someSurroundings());

describe("fields of the packet", () => {
  test.each<readonly [string, Traveller, Answer]>([
    ["-s 203.0.113.7/32", aTraveller(), true],
    ["-s 203.0.113.0/24", aTraveller(), true],
    ["-s 203.0.112.0/24", aTraveller(), false],
    ["! -s 203.0.112.0/24", aTraveller(), true],
    ["! -s 203.0.113.0/24", aTraveller(), false],
    ["-s 0.0.0.0/0", aTraveller(), true],
    ["-d 10.1.0.9/32", aTraveller(), true],
    ["! -d 10.0.0.0/8", aTraveller(), false],
    ["-d 10.1.0.8/31", aTraveller(), true],
    ["-s 128.0.0.0/1", aTraveller(), true],
    ["-d 128.0.0.0/1", aTraveller(), false],
    ["-s 2001:db8::/32", six, true],
    ["-s 2001:db9::/32", six, false],
    ["! -d fd00:1::9/128", six, false],
    ["-s ::/0", six, true],
    ["-s ::/0", aTraveller(), false],
    ["-p tcp", aTraveller(), true],
    ["-p 6", aTraveller(), true],
    ["-p udp", aTraveller(), false],
    ["! -p udp", aTraveller(), true],
    ["! -p tcp", aTraveller(), false],
    ["-p icmpv6", aTraveller({}, aPacket({ protocol: "ipv6-icmp" })), true],
    ["-p 58", aTraveller({}, aPacket({ protocol: "ipv6-icmp" })), true],
    ["-p gre", aTraveller({}, aPacket({ protocol: "47" })), true],
    ["-p 200", aTraveller({}, aPacket({ protocol: "200" })), true],
    ["-i eth0", aTraveller(), true],
    ["-i eth1", aTraveller(), false],
    ["! -i eth0", aTraveller(), false],
    ["-i eth+", aTraveller(), true],
    ["-i eth0", vague, undefined],
    ["! -i eth0", vague, undefined],
    ["-i eth0", own, false],
    ["-i eth+", own, false],
    ["! -i eth0", own, true],
    // Behind routing a packet still has the interface that it came by.
    ["-i eth0", aTraveller({ hook: "POSTROUTING" }), true],
    ["-o cni0", inForward, true],
    ["! -o cni0", inForward, false],
    ["-o cni+", inForward, true],
    ["-o cni0", { ...inForward, outInterface: undefined }, undefined],
    // Before routing it leaves by none.
    ["-o cni0", aTraveller({ outInterface: "cni0" }), false],
    ["! -o cni0", aTraveller({ outInterface: undefined }), true],
    ["-s 10.0.0.0/255.0.255.0", aTraveller(), undefined],
    ["-f", aTraveller(), undefined],
    ["", aTraveller(), true],
  ])("%s", (words, traveller, answer) => {
    expect(answerOf(words, traveller)).toBe(answer);
  });

  test.each<readonly [string, string | undefined, Answer]>([
    ["eth0", "eth0", true],
    ["eth0", "eth01", false],
    ["eth+", "eth", true],
    ["eth+", "", false],
    ["eth+", "veth0", false],
    ["+", "", true],
    ["+", undefined, true],
    ["eth+", undefined, undefined],
  ])("interface %s for %s: %s", (pattern, name, answer) => {
    expect(isInterface(pattern, name)).toBe(answer);
  });
});

describe("modules", () => {
  test.each<readonly [string, Traveller, Answer]>([
    ['-m comment --comment "any thing"', aTraveller(), true],
    ["-m nfacct --nfacct-name x", aTraveller(), true],
    ["-m owner --uid-owner 0", own, undefined],
    ["-m owner ! --uid-owner 0", own, undefined],
    // Nobody owns what came in by an interface; a rule matches it only if it asks for nobody in all it asks.
    ["-m owner --uid-owner 0", inForward, false],
    ["-m owner ! --uid-owner 0", inForward, true],
    ["-m owner ! --uid-owner 0 --gid-owner 0", inForward, false],
    ["-m owner ! --uid-owner 0 ! --gid-owner 0", inForward, true],
    ["-m owner --socket-exists", inForward, false],
    ["-m cgroup --cgroup 5", inForward, false],
    ["-m cgroup ! --cgroup 5", inForward, false],
    ["-m cgroup --cgroup 5", own, undefined],
    ["-m physdev --physdev-is-bridged", inForward, undefined],
    ["-m physdev --physdev-is-in", own, false],
    ["-m physdev ! --physdev-is-in", own, true],
    ["-m socket --nowildcard", aTraveller(), undefined],
    ["-m limit --limit 5/sec", aTraveller(), undefined],
    ["-m hashlimit --hashlimit-upto 5/sec --hashlimit-name x", aTraveller(), undefined],
    ["-m connlimit --connlimit-above 5", aTraveller(), undefined],
    ["-m icmp --icmp-type 8", aTraveller({}, aPacket({ protocol: "icmp" })), undefined],
    ["-m length --length 20", aTraveller(), undefined],
    ["-m string --string x --algo bm", aTraveller(), undefined],
    ["-m time --timestart 10:00:00", aTraveller(), undefined],
    ["-m rpfilter --invert", aTraveller(), undefined],
    ["-m ipvs --ipvs", aTraveller(), false],
    ["-m unheard-of --thing", aTraveller(), undefined],
    ["-m unheard-of", aTraveller(), undefined],
    ["-p tcp -m unheard-of --thing 1", aTraveller({}, aPacket({ protocol: "udp" })), false],
    ["-s 10.9.0.0/16 -m unheard-of --thing 1", aTraveller(), false],
  ])("%s", (words, traveller, answer) => {
    expect(answerOf(words, traveller)).toBe(answer);
  });
});

describe("chances", () => {
  test.each([
    ["-m statistic --mode random --probability 0.50000000000", "1/2"],
    ["-m statistic --mode random --probability 0.33333333349", "715827883/2147483648"],
    ["-m statistic --mode random ! --probability 0.25000000000", "3/4"],
    ["-m statistic --mode random --probability 1.00000000000", "1"],
    ["-m statistic --mode random --probability 0.00000000000", "0"],
    ["-m statistic --mode random ! --probability 1.00000000000", "0"],
    ["-m statistic --mode nth --every 3 --packet 0", "1/3"],
    ["-m statistic --mode nth --every 3 --packet 2", "1/3"],
    ["-m statistic --mode nth ! --every 3 --packet 0", "2/3"],
    ["-m statistic --mode nth --every 1 --packet 0", "1"],
    ["-m statistic --mode nth ! --every 1 --packet 0", "0"],
    ["-m statistic --mode nth --every 3 --packet 0 -m statistic --mode random --probability 0.50000000000", "1/6"],
    ["-p tcp -m tcp --dport 80", "1"],
  ])("%s: %s", (words, chance) => {
    const { chance: found, tests } = questions(words);
    expect(chanceText(found)).toBe(chance);
    expect(tests.length).toBe(words.startsWith("-p") ? 2 : 0);
  });

  test.each([
    "-m statistic --mode random --probability 2",
    "-m statistic --mode random --probability x",
    "-m statistic --mode random --probability -1",
    "-m statistic --mode nth --every 0",
    "-m statistic --mode nth --packet 0",
    "-m statistic --mode other --every 2",
    "-m statistic",
  ])("%s is no chance: it is left open", (words) => {
    expect([answerOf(words), chanceText(questions(words).chance)]).toEqual([undefined, "1"]);
  });
});

describe("what is asked, and for how long an answer holds that nobody knows", () => {
  test.each<readonly [string, Lasting]>([
    ["-i eth0", "always"],
    ["-o eth0", "destination"],
    ["-p tcp -m tcp --dport 80", "always"],
    ["-m mark --mark 0x1", "mark"],
    ["-m connmark --mark 0x1", "connection-mark"],
    ["-m conntrack --ctexpire 5", "always"],
    ["-m owner --uid-owner 1", "always"],
    ["-m addrtype --dst-type THROW", "destination"],
    ["-m socket", "destination"],
    ["-m limit --limit 1/sec", "never"],
    ["-m statistic --mode other", "never"],
    ["-m recent --rcheck --hitcount 5 --name x", "never"],
    ["-m set --match-set gone src", "hook"],
    ["-m unheard-of", "hook"],
  ])("%s: %s", (words, lasts) => {
    expect(questions(words).tests.at(-1)?.lasts).toBe(lasts);
  });

  test("those that tell clients apart come last", () => {
    const words = questions("-s 10.0.0.0/8 -d 10.1.0.0/16 -i eth0 -p tcp -m mark --mark 0x1").tests;
    expect(words.map(({ text }) => text())).toEqual([
      "-d 10.1.0.0/16",
      "-p tcp",
      "-m mark --mark 0x1",
      "-s 10.0.0.0/8",
      "-i eth0",
    ]);
  });

  test.each<readonly [string, boolean, Partial<Traveller>]>([
    ["-i eth1", true, { inInterface: "eth1" }],
    ["! -i eth1", false, { inInterface: "eth1" }],
    ["-o eth1", true, { outInterface: "eth1" }],
    ["-p tcp -m tcp --dport 81", true, { destinationPort: 81 }],
    ["-p tcp -m tcp --sport 81", true, { sourcePort: 81 }],
    ["-m mark --mark 0x7", true, { mark: 7 }],
    ["-m mark ! --mark 0x7", false, { mark: 7 }],
    ["-m connmark --mark 0x7", true, { connectionMark: 7 }],
  ])("%s being %s says what the value is", (words, from, fields) => {
    const learn = questions(words).tests.at(-1)?.learn;
    expect([learn?.from, learn?.then(vague)]).toEqual([from, { ...vague, ...fields }]);
  });

  test.each(["-i eth+", "-p tcp -m tcp --dport 80:90", "-m mark --mark 0x1/0x1", "-m owner --uid-owner 1"])(
    "%s says no single value",
    (words) => {
      expect(questions(words).tests.at(-1)?.learn).toBe(undefined);
    },
  );

  test("tells of sources and interfaces that rules ask for, where the packet came in by one", () => {
    const told: Distinction[] = [];
    const surroundings = { ...someSurroundings(), witness: { tell: (each: Distinction) => void told.push(each) } };
    answerOf("-s 10.0.0.0/8", aTraveller(), surroundings);
    answerOf("-i cni0", aTraveller(), surroundings);
    answerOf("-i cni1", own, surroundings);
    answerOf("-d 10.0.0.0/8 -s 10.2.0.0/16", aTraveller({}, aPacket({ destination: "11.0.0.1" })), surroundings);
    expect(told.slice(0, 2)).toEqual([
      { kind: "block", block: "10.0.0.0/8" },
      { kind: "interface", name: "cni0" },
    ]);
    expect(told.filter((each) => each.kind === "interface")).toHaveLength(1);
  });
});
