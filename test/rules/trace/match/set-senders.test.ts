// Tests of rules/trace/match/set-senders.ts.
import { expect, test } from "@jest/globals";
import { parseSets } from "../../../../rules/ipset/parse.ts";
import { sendersOf } from "../../../../rules/trace/match/set-senders.ts";
import { buildTracer } from "../../../../rules/trace/trace.ts";
import { aNode, aPacket, aTraveller, dumpText, firewallOf } from "../a-trace.ts";

function aSet(type: string, ...entries: readonly string[]) {
  const lines = [`create s ${type} family inet`, ...entries.map((entry) => `add s ${entry}`)];
  const set = parseSets(lines.map((text, at) => ({ number: at + 1, text }))).sets.get("s");
  if (set === undefined) throw new Error("bug: no set");
  return set;
}

const toWeb = aTraveller({}, aPacket({ destination: "10.96.0.1" }));

test.each<[string, string, string[], string, string[] | undefined]>([
  [
    "beside the packet's place",
    "hash:ip,port,net",
    ["10.96.0.1,tcp:80,198.51.100.0/24", "10.96.0.1,tcp:80,192.0.2.0/24", "10.96.0.1,tcp:81,10.0.0.0/8"],
    "dst,dst,src",
    ["198.51.100.0/24", "192.0.2.0/24"],
  ],
  ["of another protocol none", "hash:ip,port,net", ["10.96.0.1,udp:80,10.0.0.0/8"], "dst,dst,src", []],
  ["hosts too", "hash:ip,port,ip", ["10.96.0.1,tcp:80,10.1.0.1"], "dst,dst,src", ["10.1.0.1/32"]],
  ["in blocks of receivers", "hash:net,net", ["10.96.0.0/16,10.1.0.0/16"], "dst,src", ["10.1.0.0/16"]],
  ["alone", "hash:net", ["10.1.0.0/16", "10.2.0.0/16"], "src", ["10.1.0.0/16", "10.2.0.0/16"]],
  [
    "but not if they are very many",
    "hash:ip",
    Array.from({ length: 300 }, (_, at) => `10.1.${at >> 8}.${at & 255}`),
    "src",
    [],
  ],
  ["a set of receivers asks nothing of senders", "hash:ip,port", ["10.96.0.1,tcp:80"], "dst,dst", undefined],
  [
    "nor does one that a rule asks too little of",
    "hash:ip,port,ip",
    ["10.96.0.1,tcp:80,10.1.0.1"],
    "dst,dst",
    undefined,
  ],
  ["ports of senders are not told", "hash:ip,port", ["10.96.0.1,tcp:80"], "dst,src", undefined],
])("%s", (_, type, entries, flags, expected) => {
  expect(sendersOf(aSet(type, ...entries), flags.split(","))?.(toWeb)).toEqual(expected);
});

test("who asks a trace for distinctions hears of them; of the node's own addresses and of the packet's destination it does not", () => {
  const sets = [
    "create s hash:ip family inet",
    ...["192.0.2.1", "192.168.0.2", "10.1.0.9"].map((ip) => `add s ${ip}`),
    "",
  ];
  const rules = { filter: ["-A FORWARD -m set --match-set s src -j DROP"] };
  const heard: unknown[] = [];
  buildTracer(firewallOf(sets.join("\n") + dumpText(rules)), aNode()).trace(aPacket(), {
    tell: (each) => heard.push(each),
  });
  expect(heard).toEqual([{ kind: "block", block: "192.0.2.1/32" }]);
});
