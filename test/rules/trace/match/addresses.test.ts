import { describe, expect, test } from "@jest/globals";
import { addressTypeMatch, rangeMatch, setMatch } from "../../../../rules/trace/match/addresses.ts";
import { optionsOf, type Answer, type Distinction } from "../../../../rules/trace/match/test.ts";
import type { Traveller } from "../../../../rules/trace/traveller.ts";
import { aPacket, aTraveller, answerOf, someSurroundings } from "../a-trace.ts";

const to = (destination: string) => aTraveller({}, aPacket({ destination }));
const from = (source: string) => aTraveller({}, aPacket({ source }));

describe("addrtype", () => {
  test.each<readonly [string, Traveller, Answer]>([
    ["--dst-type LOCAL", to("192.168.0.2"), true],
    ["--dst-type LOCAL", to("127.0.0.5"), true],
    ["--dst-type LOCAL", to("192.168.0.3"), false],
    ["! --dst-type LOCAL", to("192.168.0.3"), true],
    ["! --dst-type LOCAL", to("192.168.0.2"), false],
    ["--src-type LOCAL", from("192.168.0.2"), true],
    ["! --src-type LOCAL", from("192.168.0.3"), true],
    ["--src-type LOCAL --dst-type LOCAL", to("192.168.0.2"), false],
    ["! --src-type LOCAL --dst-type LOCAL", to("192.168.0.2"), true],
    ["--dst-type UNICAST", to("10.9.9.9"), true],
    ["--dst-type UNICAST", to("192.168.0.2"), false],
    ["--dst-type UNICAST", to("224.0.0.1"), false],
    ["--dst-type MULTICAST", to("239.1.2.3"), true],
    ["--dst-type MULTICAST", to("240.0.0.1"), false],
    ["--dst-type BROADCAST", to("255.255.255.255"), true],
    ["--dst-type BROADCAST", to("10.9.9.9"), false],
    ["--dst-type LOCAL,MULTICAST", to("224.0.0.1"), true],
    ["--dst-type LOCAL,BLACKHOLE", to("192.168.0.2"), true],
    ["--dst-type LOCAL,BLACKHOLE", to("10.9.9.9"), undefined],
    ["--dst-type BLACKHOLE", to("192.168.0.2"), false],
    ["! --dst-type BLACKHOLE", to("10.9.9.9"), undefined],
    ["--dst-type LOCAL --limit-iface-in", to("192.168.0.2"), undefined],
    ["--dst-type LOCAL", to("fd00:192::2"), true],
    ["--dst-type LOCAL", to("::1"), true],
    // As the kernel counts them, an IPv6 address of the node is UNICAST too.
    ["--dst-type UNICAST", to("fd00:192::2"), true],
    ["--dst-type UNICAST", to("ff02::1"), false],
    ["--dst-type MULTICAST", to("ff02::1"), true],
    ["--dst-type MULTICAST", to("fd00:1::1"), false],
    ["--dst-type LOCAL,UNICAST", to("fd00:1::1"), undefined],
    ["--dst-type ANYCAST", to("fd00:1::1"), undefined],
  ])("%s", (options, traveller, answer) => {
    expect(answerOf(`-m addrtype ${options}`, traveller)).toBe(answer);
  });

  test("tells that rules ask whether the source is the node's own", () => {
    const told: Distinction[] = [];
    const surroundings = { ...someSurroundings(), witness: { tell: (each: Distinction) => void told.push(each) } };
    addressTypeMatch(optionsOf(["--src-type", "LOCAL"]), surroundings)?.(from("10.0.0.1"));
    addressTypeMatch(optionsOf(["--dst-type", "LOCAL"]), surroundings)?.(from("10.0.0.1"));
    expect(told).toEqual([{ kind: "own" }]);
  });
});

describe("iprange", () => {
  test.each<readonly [string, Traveller, Answer]>([
    ["--src-range 10.0.0.5-10.0.0.9", from("10.0.0.5"), true],
    ["--src-range 10.0.0.5-10.0.0.9", from("10.0.0.9"), true],
    ["--src-range 10.0.0.5-10.0.0.9", from("10.0.0.4"), false],
    ["--src-range 10.0.0.5-10.0.0.9", from("10.0.0.10"), false],
    ["! --src-range 10.0.0.5-10.0.0.9", from("10.0.0.10"), true],
    ["--dst-range 9.255.255.255-10.0.0.1", to("10.0.0.0"), true],
    ["--dst-range 200.0.0.0-255.0.0.0", to("224.0.0.1"), true],
    ["--src-range 10.0.0.5-10.0.0.9 --dst-range 10.1.0.0-10.1.0.255", from("10.0.0.6"), true],
    ["--src-range 10.0.0.5-10.0.0.9 ! --dst-range 10.1.0.0-10.1.0.255", from("10.0.0.6"), false],
    ["--src-range fd00::5-fd00::1:0", from("fd00::ffff"), true],
    ["--src-range fd00::5-fd00::1:0", from("fd00::4"), false],
    ["--src-range abc-def", from("10.0.0.5"), undefined],
    ["--source 10.0.0.5", from("10.0.0.5"), undefined],
  ])("%s", (options, traveller, answer) => {
    expect(answerOf(`-m iprange ${options}`, traveller)).toBe(answer);
  });

  test("tells of the sources that rules ask for", () => {
    const told: Distinction[] = [];
    const surroundings = { ...someSurroundings(), witness: { tell: (each: Distinction) => void told.push(each) } };
    rangeMatch(optionsOf(["--src-range", "10.0.0.5-10.0.0.9"]), surroundings)?.(from("10.0.0.1"));
    expect(told).toEqual([{ kind: "range", low: "10.0.0.5", high: "10.0.0.9" }]);
  });
});

const sets = `create pods hash:net family inet hashsize 1024 maxelem 65536
add pods 10.1.0.0/24
create vips hash:ip,port family inet hashsize 1024 maxelem 65536
add vips 10.1.0.9,tcp:80
add vips 10.1.0.10,udp:53
create loop hash:ip,port,ip family inet hashsize 1024 maxelem 65536
add loop 10.1.0.9,tcp:80,203.0.113.7
create ports bitmap:port range 0-65535
add ports 80
create links hash:net,iface family inet hashsize 1024 maxelem 65536
add links 203.0.113.0/24,eth0
create marks hash:ip,mark family inet hashsize 1024 maxelem 65536
add marks 10.1.0.9,0x00000004
create six hash:ip family inet6 hashsize 1024 maxelem 65536
add six fd00:1::9
create both list:set size 8
add both ports
add both pods
create odd hash:mac hashsize 1024 maxelem 65536
add odd 01:02:03:04:05:06
`;

describe("set", () => {
  const surroundings = someSurroundings(sets);
  test.each<readonly [string, Traveller, Answer]>([
    ["--match-set pods dst", aTraveller(), true],
    ["--match-set pods src", aTraveller(), false],
    ["! --match-set pods dst", aTraveller(), false],
    ["! --match-set pods src", aTraveller(), true],
    ["--match-set vips dst,dst", aTraveller(), true],
    ["--match-set vips dst,src", aTraveller(), false],
    ["--match-set vips dst,dst", to("10.1.0.10"), false],
    ["--match-set vips dst,dst", aTraveller({ destinationPort: undefined }), undefined],
    // Fewer flags than the set has dimensions match nothing.
    ["--match-set vips dst", aTraveller(), false],
    ["! --match-set vips dst", aTraveller(), true],
    // More are not looked at.
    ["--match-set pods dst,dst", aTraveller(), true],
    ["--match-set loop dst,dst,src", aTraveller(), true],
    ["--match-set loop dst,dst,src", from("203.0.113.8"), false],
    ["--match-set ports dst", aTraveller(), true],
    ["--match-set ports src", aTraveller(), false],
    ["--match-set ports dst", aTraveller({ destinationPort: undefined }), undefined],
    ["--match-set links src,src", aTraveller(), true],
    ["--match-set links src,src", aTraveller({ inInterface: "eth1" }), false],
    ["--match-set links src,src", aTraveller({ inInterface: undefined }), undefined],
    // Before routing there is no interface to leave by.
    ["--match-set links src,dst", aTraveller({ outInterface: "eth0" }), false],
    ["--match-set links src,dst", aTraveller({ outInterface: "eth0", hook: "FORWARD" }), true],
    ["--match-set marks dst,dst", aTraveller({ mark: 4 }), true],
    ["--match-set marks dst,dst", aTraveller(), false],
    ["--match-set marks dst,dst", aTraveller({ mark: undefined }), undefined],
    ["--match-set six dst", to("fd00:1::9"), true],
    ["--match-set six dst", aTraveller(), false],
    ["--match-set both dst", to("10.9.9.9"), true],
    ["--match-set both dst", aTraveller({ destinationPort: 81 }), true],
    ["--match-set both src", aTraveller(), false],
    ["--match-set odd src", aTraveller(), undefined],
    ["--match-set gone dst", aTraveller(), undefined],
    ["--match-set pods dst --return-nomatch", aTraveller(), undefined],
    ["--match-set pods dst ! --update-counters", aTraveller(), true],
    ["--match-set pods dst --packets-gt 5", aTraveller(), undefined],
  ])("%s", (options, traveller, answer) => {
    expect(answerOf(`-m set ${options}`, traveller, surroundings)).toBe(answer);
  });

  test("of a set that a rule changed on the way nobody knows, nor of a list then", () => {
    const changed = aTraveller({ changedSets: { last: "pods", before: undefined, length: 1 } });
    const ask = (name: string) => setMatch(optionsOf(["--match-set", name, "dst,dst"]), surroundings)?.(changed);
    expect([ask("pods"), ask("vips"), ask("both")]).toEqual([undefined, true, undefined]);
  });
});
