// Tests of rules/ipset/port.ts.
import { expect, test } from "@jest/globals";
import { hasPorts, parsePorts, protocolName } from "../../../rules/ipset/port.ts";

test.each([
  ["80", "tcp", 80, 80],
  ["0", "tcp", 0, 0],
  ["tcp:65535", "tcp", 65535, 65535],
  ["TCP:80", "tcp", 80, 80],
  ["6:80", "tcp", 80, 80],
  ["udp:80-90", "udp", 80, 90],
  ["udp:90-80", "udp", 80, 90],
  ["sctp:8", "sctp", 8, 8],
  ["udplite:8", "udplite", 8, 8],
  ["icmp:echo-request", "icmp", 2048, 2048],
  ["icmp:8/0", "icmp", 2048, 2048],
  ["icmp:TOS-host-redirect", "icmp", 5 * 256 + 3, 5 * 256 + 3],
  ["icmpv6:128/0", "ipv6-icmp", 32768, 32768],
  ["ipv6-icmp:neighbour-advertisement", "ipv6-icmp", 136 * 256, 136 * 256],
  ["gre:0", "gre", 0, 0],
  ["200:0", "200", 0, 0],
])("%s is of %s, from %d to %d", (text, protocol, first, last) => {
  expect(parsePorts(text)).toEqual({ protocol, first, last });
});

test.each([
  "",
  ":",
  "tcp:",
  "tcp:http",
  "http",
  "tcp:65536",
  "tcp:080",
  "tcp:-1",
  "tcp:1-",
  "tcp:1-2-3",
  "tcp:80 ",
  "tcp:8e1",
  "tcp:80:90",
  "icmp:8",
  "icmp:256/0",
  "icmp:8/0/0",
  "icmp:no-route",
  "icmp:constructor",
  "gre:1",
  "0:0",
  "256:0",
  "constructor:0",
  "nosuch:0",
])("refuses %j", (text) => {
  expect(parsePorts(text)).toBeUndefined();
});

test.each([
  ["58", "ipv6-icmp"],
  ["icmpv6", "ipv6-icmp"],
  ["UDP", "udp"],
  ["gre", "gre"],
  ["99", "99"],
  ["255", "255"],
  ["0", undefined],
  ["256", undefined],
  ["06", undefined],
  ["all", undefined],
  ["", undefined],
])("the protocol %j is %j", (text, name) => {
  expect(protocolName(text)).toBe(name);
});

test.each([
  ["tcp", true],
  ["udplite", true],
  ["icmp", true],
  ["ipv6-icmp", true],
  ["dccp", false],
  ["gre", false],
  ["200", false],
])("that %s has ports is %j", (protocol, has) => {
  expect(hasPorts(protocol)).toBe(has);
});
