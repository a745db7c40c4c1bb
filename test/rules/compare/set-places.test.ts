// Tests of rules/compare/set-places.ts.
import { expect, test } from "@jest/globals";
import { setPlacesOf } from "../../../rules/compare/set-places.ts";
import { parseSets } from "../../../rules/ipset/parse.ts";
import { parseRule } from "../../../rules/iptables/text/parse-rule.ts";
import { splitWords } from "../../../rules/iptables/text/quote.ts";

function placesOf(rule: string, ...sets: readonly string[]): string[] {
  const parsed = parseSets(sets.map((text, at) => ({ number: at + 1, text })));
  expect(parsed.problems).toEqual([]);
  return setPlacesOf(parseRule(splitWords(rule)), parsed.sets).flatMap(({ block, places }) =>
    places.length === 0
      ? [block ?? "anywhere"]
      : places.map(({ protocol, port, name }) => `${block ?? "anywhere"} ${protocol} ${port} ${name}`.trim()),
  );
}

const frontends = ["create KUBE-CLUSTER-IP hash:ip,port family inet", "add KUBE-CLUSTER-IP 10.96.0.1,udp:53"];

test.each<[string, string, string[], string[]]>([
  ["an address and a port", "dst,dst", frontends, ["10.96.0.1/32 udp 53 Service cluster IP"]],
  ["senders' ports beside an address", "dst,src", frontends, ["10.96.0.1/32"]],
  ["nothing of receivers", "src,src", frontends, []],
  ["fewer than the set has", "dst", frontends, []],
  ["blocks", "dst", ["create KUBE-X hash:net family inet6", "add KUBE-X fd00::/64"], ["fd00::/64"]],
  [
    "both ends of a range of ports",
    "dst,dst",
    ["create KUBE-X hash:net,port family inet", "add KUBE-X 10.0.0.0/8,tcp:80-81"],
    ["10.0.0.0/8 tcp 80", "10.0.0.0/8 tcp 81"],
  ],
  [
    "ports alone, of every protocol",
    "dst",
    ["create KUBE-6-NODE-PORT-TCP bitmap:port range 0-65535", "add KUBE-6-NODE-PORT-TCP 30080"],
    ["tcp", "udp", "sctp"].map((protocol) => `anywhere ${protocol} 30080 Service node port`),
  ],
])("%s", (_, flags, sets, expected) => {
  const name = sets[0]?.split(" ")[1] ?? "";
  expect(placesOf(`-m set --match-set ${name} ${flags} -j ACCEPT`, ...sets)).toEqual(expected);
  expect(placesOf(`-m comment --comment other -j ACCEPT`, ...sets)).toEqual([]);
});

test("the rule's protocol is that of ports without one", () => {
  const sets = ["create s bitmap:port range 0-65535", "add s 30080"];
  expect(placesOf("-p udp -m set --match-set s dst -j ACCEPT", ...sets)).toEqual(["anywhere udp 30080"]);
});
