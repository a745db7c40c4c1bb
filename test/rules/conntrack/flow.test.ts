// Tests of rules/conntrack/flow.ts, with lines that conntrack 1.4.7 printed.
import { expect, test } from "@jest/globals";
import { parseFlows } from "../../../rules/conntrack/flow.ts";

const dnated = {
  family: 4,
  protocol: "UDP",
  source: "10.0.0.5",
  sourcePort: 4000,
  destination: "10.96.0.10",
  destinationPort: 53,
  replySource: "10.1.0.7",
  replySourcePort: 5353,
  zone: 0,
};
const tuples = "src=10.0.0.5 dst=10.96.0.10 sport=4000 dport=53";
const replies = "src=10.1.0.7 dst=10.0.0.5 sport=5353 dport=4000";

test.each([
  ["an answered flow", `ipv4     2 udp      17 598 ${tuples} ${replies} [ASSURED] mark=0 use=1`, dnated],
  ["one without answer", `ipv4     2 udp      17 29 ${tuples} [UNREPLIED] ${replies} mark=0 use=1`, dnated],
  [
    "counted packets",
    `ipv4     2 udp      17 29 ${tuples} packets=1 bytes=29 ${replies} packets=0 bytes=0 mark=0`,
    dnated,
  ],
  ["an offloaded flow", `ipv4     2 udp      17 ${tuples} ${replies} [OFFLOAD] mark=0 use=2`, dnated],
  ["a zone", `ipv4     2 udp      17 99 ${tuples} ${replies} mark=0 zone=5 use=1`, { ...dnated, zone: 5 }],
  [
    "a zone of one direction",
    `ipv4     2 udp      17 99 ${tuples} ${replies} mark=0 zone-orig=5 use=1`,
    { ...dnated, zone: 5 },
  ],
  ["an id", `ipv4     2 udp      17 99 ${tuples} ${replies} mark=0 use=1 id=3843968939`, dnated],
  [
    "a state",
    `ipv4     2 sctp     132 99 ESTABLISHED ${tuples} ${replies} mark=0 use=1`,
    { ...dnated, protocol: "SCTP" },
  ],
  [
    "TCP",
    `ipv4     2 tcp      6 99 TIME_WAIT ${tuples} ${replies} [ASSURED] mark=0 use=1`,
    { ...dnated, protocol: "TCP" },
  ],
])("reads %s", (_, line, flow) => {
  expect(parseFlows(line)).toEqual([flow]);
});

test("reads IPv6, and spells addresses as everybody here does", () => {
  const line =
    "ipv6     10 udp      17 99 src=fd00::9 dst=fd00::1:0:5 sport=1 dport=53 src=::1.2.3.4 dst=fd00::9 sport=53 dport=1 mark=0 use=1";
  expect(parseFlows(`${line}\n`)).toMatchObject([
    { family: 6, source: "fd00::9", destination: "fd00::1:0:5", replySource: "::102:304" },
  ]);
});

test("keeps the order, and leaves out what has no ports or is no entry", () => {
  const text = [
    "conntrack v1.4.7 (conntrack-tools): 3 flow entries have been shown.",
    `ipv4     2 udp      17 29 ${tuples} ${replies} mark=0 use=1`,
    "ipv4     2 icmp     1 29 src=10.0.0.5 dst=10.96.0.10 type=8 code=0 id=7 src=10.96.0.10 dst=10.0.0.5 type=0 code=0 id=7 mark=0 use=1",
    `ipv4     2 udp      17 29 src=010.0.0.5 dst=10.96.0.10 sport=1 dport=53 ${replies} mark=0 use=1`,
    `ipv4     2 udp      17 29 ${tuples.replace("4000", "4001")} ${replies} mark=0 use=1`,
    "",
  ].join("\n");
  expect(parseFlows(text).map(({ sourcePort }) => sourcePort)).toEqual([4000, 4001]);
  expect(parseFlows("")).toEqual([]);
});
