import { describe, expect, test } from "@jest/globals";
import { placesBelow, placesOf, type Place } from "../../../rules/compare/places.ts";
import { parseRule } from "../../../rules/iptables/text/parse-rule.ts";
import { splitWords } from "../../../rules/iptables/text/quote.ts";
import { aFirewall, heading } from "./a-tracer.ts";

const comment = (text: string) => `-m comment --comment "${text}"`;

describe("placesOf", () => {
  test.each<[string, string[]]>([
    ["-p tcp -m tcp --dport 80 -j ACCEPT", ["tcp 80 "]],
    ["-p udp -m udp --dport 30000:30007 -j X", ["udp 30000 ", "udp 30007 "]],
    ["-p sctp -m multiport --dports 1,5:7,9 -j X", ["sctp 1 ", "sctp 5 ", "sctp 7 ", "sctp 9 "]],
    [`-p tcp ${comment("default/web:http cluster IP")} -m tcp --dport 80 -j X`, ["tcp 80 default/web:http cluster IP"]],
    [`-p tcp ${comment("default/web external IP")} -m tcp --dport 80 -j X`, ["tcp 80 default/web external IP"]],
    [`-p tcp ${comment("default/web has no endpoints")} -m tcp --dport 80 -j REJECT`, ["tcp 80 default/web"]],
    [`-p tcp ${comment("default/web:http")} -m tcp --dport 30080 -j X`, ["tcp 30080 default/web:http"]],
    [`-p tcp ${comment("written by hand")} -m tcp --dport 25 -j DROP`, ["tcp 25 "]],
    ["-p tcp -j ACCEPT", []],
    ["-p icmp -j ACCEPT", []],
    ["-d 10.0.0.1/32 -j ACCEPT", []],
  ])("%s", (rule, places) => {
    expect(placesOf(parseRule(splitWords(rule))).map(text)).toEqual(places);
  });
});

describe("placesBelow", () => {
  const { dump } = aFirewall(`${heading(4)}*nat
:PREROUTING ACCEPT [0:0]
:A - [0:0]
:B - [0:0]
:C - [0:0]
:LOOP - [0:0]
-A PREROUTING -j A
-A PREROUTING -m addrtype --dst-type LOCAL -j B
-A PREROUTING -d 10.0.0.0/8 -j C
-A PREROUTING ! -d 10.0.0.0/8 -p tcp -m tcp --dport 22 -j ACCEPT
-A A -p tcp -m tcp --dport 25 -j DROP
-A A -d 10.0.0.1/32 -p tcp -m tcp --dport 26 -j DROP
-A A -p tcp -m tcp --dport 30000:30007 -g B
-A B -p udp ${comment("default/dns")} -m udp --dport 53 -j DROP
-A C -p tcp -m tcp --dport 443 -j DROP
COMMIT
`);
  const table = dump.tables.get("nat");
  if (table === undefined) throw new Error("bug: the table is there");
  const below = placesBelow(table);

  test.each([
    ["A", ["tcp 25 ", "tcp 30000 ", "tcp 30007 ", "udp 53 default/dns"], []],
    ["B", ["udp 53 default/dns"], []],
    ["C", ["tcp 443 "], []],
    ["PREROUTING", ["tcp 22 ", "tcp 25 ", "tcp 30000 ", "tcp 30007 ", "udp 53 default/dns"], ["udp 53 default/dns"]],
    ["LOOP", [], []],
    ["NOT-THERE", [], []],
  ])("of %s: its own, and those of chains that rules without a destination lead to", (chain, anywhere, own) => {
    const found = below(chain);
    expect([...found.anywhere.values()].map(text).sort()).toEqual(anywhere);
    expect([...found.own.values()].map(text).sort()).toEqual(own);
  });
});

function text({ protocol, port, name }: Place): string {
  return `${protocol} ${port} ${name}`;
}
