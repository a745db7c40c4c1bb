import { describe, expect, test } from "@jest/globals";
import { multiportMatch, protocolMatch } from "../../../../rules/trace/match/ports.ts";
import { optionsOf, type Answer } from "../../../../rules/trace/match/test.ts";
import { aPacket, aTraveller, answerOf, vaguePacket } from "../a-trace.ts";

const known = aTraveller({ sourcePort: 1000, destinationPort: 80 });
const unknown = aTraveller({}, vaguePacket());
const later = aTraveller({}, aPacket({ state: "ESTABLISHED" }));
const udp = aTraveller({}, aPacket({ protocol: "udp" }));

describe("what a packet's ports answer, and one whose ports are not known", () => {
  test.each<readonly [string, Answer, Answer]>([
    ["-p tcp -m tcp --dport 80", true, undefined],
    ["-p tcp -m tcp --dport 81", false, undefined],
    ["-p tcp -m tcp ! --dport 80", false, undefined],
    ["-p tcp -m tcp ! --dport 81", true, undefined],
    ["-p tcp -m tcp --dport 80:90", true, undefined],
    ["-p tcp -m tcp --dport 70:80", true, undefined],
    ["-p tcp -m tcp --dport 81:90", false, undefined],
    ["-p tcp -m tcp --sport 1000", true, undefined],
    ["-p tcp -m tcp --sport 80", false, undefined],
    ["-p tcp -m tcp --sport 80 --dport 80", false, undefined],
    ["-p tcp -m tcp --sport 1000 --dport 80", true, undefined],
    ["-p tcp -m tcp --sport 1024:65535", false, undefined],
    ["-p tcp -m tcp ! --sport 1024:65535", true, undefined],
    ["-p tcp -m multiport --dports 80,443", true, undefined],
    ["-p tcp -m multiport --dports 81,443", false, undefined],
    ["-p tcp -m multiport --dports 1,70:90,443", true, undefined],
    ["-p tcp -m multiport ! --dports 80,443", false, undefined],
    ["-p tcp -m multiport ! --dports 443", true, undefined],
    ["-p tcp -m multiport --sports 1000", true, undefined],
    ["-p tcp -m multiport --sports 80", false, undefined],
    ["-p tcp -m multiport --ports 1000", true, undefined],
    ["-p tcp -m multiport --ports 80", true, undefined],
    ["-p tcp -m multiport --ports 81", false, undefined],
    ["-p tcp -m multiport ! --ports 81", true, undefined],
    ["-p udp -m udp --dport 80", false, false],
  ])("%s: %s, %s", (words, whenKnown, whenUnknown) => {
    expect([answerOf(words, known), answerOf(words, unknown)]).toEqual([whenKnown, whenUnknown]);
  });
});

describe("flags of TCP: the first packet of a connection is a SYN, of later ones nothing is known", () => {
  test.each<readonly [string, Answer]>([
    ["--tcp-flags FIN,SYN,RST,ACK SYN", true],
    ["! --tcp-flags FIN,SYN,RST,ACK SYN", false],
    ["--syn", true],
    ["! --syn", false],
    ["--tcp-flags SYN,RST SYN", true],
    ["--tcp-flags SYN,ACK SYN,ACK", false],
    ["--tcp-flags ACK ACK", false],
    ["--tcp-flags ALL NONE", false],
    ["--tcp-flags RST,ACK NONE", true],
    ["--tcp-flags FIN SYN", false],
    ["--tcp-flags FIN,SYN,RST,PSH,ACK,URG FIN,PSH,URG", false],
  ])("-m tcp %s: %s", (options, first) => {
    const words = `-p tcp -m tcp ${options}`;
    expect([answerOf(words), answerOf(words, later), answerOf(words, udp)]).toEqual([first, undefined, false]);
  });

  test("a SYN stays one where a rule switches tracking off", () => {
    expect(answerOf("-p tcp -m tcp --syn", aTraveller({ state: "UNTRACKED" }))).toBe(true);
  });
});

describe("what is not known", () => {
  test.each([
    "-p tcp -m tcp --tcp-option 5",
    "-p sctp -m sctp --chunk-types any INIT",
    "-p dccp -m dccp --dccp-types REQUEST",
    "-p tcp -m multiport --dports http",
    "-p tcp -m multiport --dports 80 --sports 80",
    "-p tcp -m tcp --dport http",
  ])("%s is left open", (words) => {
    const protocol = words.split(" ")[1] ?? "";
    expect(answerOf(words, aTraveller({}, aPacket({ protocol })))).toBe(undefined);
  });

  test("an option that is not known leaves those that are", () => {
    expect(answerOf("-p tcp -m tcp --dport 81 --tcp-option 5")).toBe(false);
    expect(protocolMatch(optionsOf(["--dport", "80", "--tcp-option", "5"]))(known)).toBe(undefined);
  });

  test("multiport without ports asks nothing that is known", () => {
    expect(multiportMatch([])).toBe(undefined);
    expect(multiportMatch(optionsOf(["--dports", "80,"]))).toBe(undefined);
  });
});
