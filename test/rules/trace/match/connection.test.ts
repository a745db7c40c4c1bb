import { describe, expect, test } from "@jest/globals";
import { connmarkMatch, hasConnection, recentMatch } from "../../../../rules/trace/match/connection.ts";
import { optionsOf, type Answer } from "../../../../rules/trace/match/test.ts";
import { addressOf } from "../../../../rules/trace/packet.ts";
import type { Traveller } from "../../../../rules/trace/traveller.ts";
import { anIp } from "../../../make/objects.ts";
import { aPacket, aTraveller, answerOf } from "../a-trace.ts";

const inState = (state: Traveller["state"], fields: Partial<Traveller> = {}) => ({
  ...aTraveller({}, aPacket({ state })),
  ...fields,
});
const sentOn: Partial<Traveller> = { dnat: true, destination: addressOf(anIp("10.1.0.1")), destinationPort: 8080 };

describe("states", () => {
  test.each<readonly [string, Traveller, Answer]>([
    ["NEW", inState("NEW"), true],
    ["NEW", inState("ESTABLISHED"), false],
    ["RELATED,ESTABLISHED", inState("NEW"), false],
    ["RELATED,ESTABLISHED", inState("ESTABLISHED"), true],
    ["RELATED,ESTABLISHED", inState("RELATED"), true],
    ["INVALID", inState("INVALID"), true],
    ["INVALID", inState("NEW"), false],
    ["UNTRACKED", inState("UNTRACKED"), true],
    ["UNTRACKED", inState("NEW"), false],
    // The raw table comes before connection tracking.
    ["NEW", inState("NEW", { isTracked: false }), false],
    ["INVALID", inState("NEW", { isTracked: false }), true],
    ["UNTRACKED", inState("UNTRACKED", { isTracked: false }), true],
    ["INVALID", inState("UNTRACKED", { isTracked: false }), false],
    ["DNAT", inState("NEW"), false],
    ["DNAT", inState("NEW", sentOn), true],
    ["DNAT", inState("NEW", { dnat: true, destinationPort: 8080 }), true],
    // Translated to itself is not translated.
    ["DNAT", inState("NEW", { dnat: true }), false],
    ["DNAT", { ...aTraveller({}, aPacket({ protocol: "tcp" })), ...sentOn, isTracked: false }, false],
    ["DNAT", inState("ESTABLISHED"), undefined],
    ["DNAT", inState("UNTRACKED"), false],
    ["RELATED,ESTABLISHED,DNAT", inState("ESTABLISHED"), true],
    ["SNAT", inState("NEW"), false],
    ["SNAT", inState("NEW", { snat: { to: addressOf(anIp("192.168.0.2")) } }), true],
    ["SNAT", inState("NEW", { snat: { to: undefined } }), undefined],
    ["SNAT", inState("NEW", { snat: { to: addressOf(anIp("203.0.113.7")) } }), undefined],
    ["SNAT", inState("ESTABLISHED"), undefined],
  ])("%s", (states, traveller, answer) => {
    const inverted = answer === undefined ? undefined : !answer;
    expect(answerOf(`-m conntrack --ctstate ${states}`, traveller)).toBe(answer);
    expect(answerOf(`-m conntrack ! --ctstate ${states}`, traveller)).toBe(inverted);
    expect(answerOf(`-m state --state ${states}`, traveller)).toBe(answer);
    expect(answerOf(`-m conntrack --ctstate ${states} --ctproto 6`, traveller)).toBe(answer);
  });
});

describe("what connection tracking knows of the connection", () => {
  const sent = inState("NEW", sentOn);
  test.each<readonly [string, Traveller, Answer]>([
    ["--ctproto 6", sent, true],
    ["--ctproto 17", sent, false],
    ["! --ctproto 17", sent, true],
    ["--ctdir ORIGINAL", sent, true],
    ["--ctdir REPLY", sent, false],
    ["--ctdir ORIGINAL", inState("ESTABLISHED"), undefined],
    ["--ctorigsrc 203.0.113.7", sent, true],
    ["--ctorigsrc 203.0.113.0/24", sent, true],
    ["! --ctorigsrc 203.0.113.0/24", sent, false],
    ["--ctorigdst 10.1.0.9", sent, true],
    ["--ctorigdst 10.1.0.1", sent, false],
    ["--ctorigdst 10.1.0.9", inState("ESTABLISHED"), undefined],
    ["--ctreplsrc 10.1.0.1", sent, true],
    ["--ctreplsrc 10.1.0.9", sent, false],
    ["--ctrepldst 203.0.113.7", sent, undefined],
    ["--ctorigdstport 80", sent, true],
    ["--ctorigdstport 80:90", sent, true],
    ["--ctorigdstport 8080", sent, false],
    ["! --ctorigdstport 8080", sent, true],
    ["--ctorigsrcport 40000", sent, true],
    ["--ctreplsrcport 8080", sent, true],
    ["--ctorigdstport 80", inState("NEW", { original: { ...sent.original, destinationPort: undefined } }), undefined],
    ["--ctorigdst somewhere", sent, undefined],
    ["--ctorigdstport http", sent, undefined],
    ["--ctstatus NONE", sent, false],
    ["--ctstatus NONE", inState("ESTABLISHED"), false],
    ["! --ctstatus NONE", sent, true],
    ["--ctstatus CONFIRMED", sent, false],
    ["--ctstatus CONFIRMED", inState("NEW", { isOwn: true, hook: "INPUT" }), true],
    ["--ctstatus CONFIRMED", inState("NEW", { isOwn: true, hook: "POSTROUTING" }), false],
    ["--ctstatus SEEN_REPLY,ASSURED", sent, false],
    ["--ctstatus ASSURED", inState("ESTABLISHED"), undefined],
    ["--ctstatus EXPECTED", sent, false],
    ["--ctstatus EXPECTED", inState("RELATED"), undefined],
    ["--ctexpire 5", sent, undefined],
    ["--ctstate ESTABLISHED --ctexpire 5", sent, false],
    ["--ctstate NEW --ctexpire 5", sent, undefined],
    ["--ctstate NEW --ctorigdst 10.1.0.9", sent, true],
    ["--ctstate NEW ! --ctorigdst 10.1.0.9", sent, false],
    // Without a connection nothing but the state is asked, and without a state nothing matches.
    ["--ctproto 6", inState("INVALID"), false],
    ["! --ctproto 17", inState("UNTRACKED"), false],
    ["! --ctproto 17", inState("NEW", { isTracked: false }), false],
    ["--ctstate INVALID --ctproto 17", inState("INVALID"), true],
  ])("%s", (options, traveller, answer) => {
    expect(answerOf(`-m conntrack ${options}`, traveller)).toBe(answer);
  });

  test.each<readonly [Traveller, boolean]>([
    [inState("NEW"), true],
    [inState("ESTABLISHED"), true],
    [inState("NEW", { isTracked: false }), false],
    [inState("INVALID"), false],
    [inState("UNTRACKED"), false],
  ])("there is a connection where it is tracked", (traveller, answer) => {
    expect(hasConnection(traveller)).toBe(answer);
  });
});

describe("marks", () => {
  test.each<readonly [string, number | undefined, Answer]>([
    ["--mark 0x4000/0x4000", 0x4000, true],
    ["--mark 0x4000/0x4000", 0xffffffff, true],
    ["--mark 0x4000/0x4000", 0xbfff, false],
    ["! --mark 0x4000/0x4000", 0x4000, false],
    ["! --mark 0x4000/0x4000", 0, true],
    ["--mark 0x4000", 0x4001, false],
    ["--mark 0x80000000/0x80000000", 0x80000000, true],
    ["--mark 0x0/0xffff", 0x10000, true],
    // A value outside the mask never matches.
    ["--mark 0x3/0x1", 0x3, false],
    ["--mark 0x4000/0x4000", undefined, undefined],
    ["! --mark 0x4000/0x4000", undefined, undefined],
    ["--mark 0x0/0x0", undefined, true],
    ["--mark 0x1/0x0", undefined, false],
  ])("%s of %s: %s", (options, mark, answer) => {
    expect(answerOf(`-m mark ${options}`, aTraveller({ mark, connectionMark: 7 }))).toBe(answer);
    expect(answerOf(`-m connmark ${options}`, aTraveller({ mark: 7, connectionMark: mark }))).toBe(answer);
  });

  test("without a connection there is no mark of it, with or without !", () => {
    for (const lost of [inState("UNTRACKED"), inState("INVALID"), inState("NEW", { isTracked: false })]) {
      expect(answerOf("-m connmark --mark 0x0", lost)).toBe(false);
      expect(answerOf("-m connmark ! --mark 0x1", lost)).toBe(false);
    }
  });

  test.each(["--mark x", "--mark 1/2/3", "--other 1", "--mark 1 --mark 2"])("connmark %s is not known", (options) => {
    expect(connmarkMatch(optionsOf(options.split(" ")))).toBe(undefined);
  });
});

describe("recent", () => {
  const there = aTraveller({ recent: new Set(["L"]) });
  const away = aTraveller();
  const rest = "--name L --mask 255.255.255.255 --rsource";
  test.each<readonly [string, Answer, Answer]>([
    [`--set ${rest}`, true, true],
    [`! --set ${rest}`, false, false],
    [`--rcheck --seconds 10800 --reap ${rest}`, true, false],
    [`--rcheck ${rest}`, true, false],
    [`! --rcheck ${rest}`, false, true],
    [`--update --seconds 60 ${rest}`, true, false],
    [`--remove ${rest}`, true, false],
    [`--rcheck --seconds 60 --hitcount 4 ${rest}`, undefined, undefined],
    [`--rcheck --rttl ${rest}`, undefined, undefined],
    ["--rcheck --name L --mask 255.255.255.255 --rdest", undefined, undefined],
    ["--rcheck", undefined, undefined],
  ])("%s: %s for one who was there, %s for others", (options, known, unknown) => {
    const words = `-m recent ${options}`;
    expect([answerOf(words, there), answerOf(words, away)]).toEqual([known, unknown]);
  });

  test("an option that says nothing of what to do is not known", () => {
    expect(recentMatch(optionsOf(["--name", "L"]))).toBe(undefined);
  });
});
