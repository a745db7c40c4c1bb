// Tests of rules/iptables/text/parse-event.ts, with lines of xtables-monitor 1.8.9.
import { expect, test } from "@jest/globals";
import { parseEvent, type RulesetEvent } from "../../../../rules/iptables/text/parse-event.ts";

test.each<[RulesetEvent, string]>([
  ["generation", "NEWGEN: GENID=290 PID=27082 NAME=iptables-nft-re"],
  // Whatever the program is called.
  ["generation", "NEWGEN: GENID=291 PID=1 NAME= EVENT: -4 -t nat"],
  [
    "ours",
    ' EVENT: -4 -t nat -D KUBE-SVC-2257ZIQGHFYAB5UL ! -s 10.128.0.0/9 -m comment --comment "team-37/service-04137:http cluster IP" -j KUBE-MARK-MASQ',
  ],
  ["ours", " EVENT: -6 -t nat -A KUBE-SERVICES -d fd00:96::1/128 -j KUBE-SVC-2257ZIQGHFYAB5UL"],
  ["ours", " EVENT: -4 -t nat -N KUBE-SEP-HAIRPINS"],
  ["ours", " EVENT: -4 -t nat -X KUBE-SEP-HAIRPINS"],
  ["ours", " EVENT: -4 -t filter -A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP"],
  ["ours", " EVENT: -4 -t nat -A PREROUTING -j ACCEPT"],
  ["ours", " EVENT: -4 -t filter -D FORWARD -j cali-FORWARD"],
  ["ours", " EVENT: -6 -t mangle -A POSTROUTING -j LOG"],
  ["others", " EVENT: -4 -t nat -N FOO"],
  ["others", " EVENT: -4 -t nat -A KUBE-KUBELET-CANARY -j RETURN"],
  // In another table that name is not ours.
  ["others", " EVENT: -4 -t nat -A KUBE-FORWARD -j RETURN"],
  ["others", " EVENT: -4 -t mangle -N KUBE-IPTABLES-HINT"],
  [
    "others",
    ' EVENT: -4 -t filter -A cali-FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j MARK --set-xmark 0x0/0xe0000',
  ],
  [
    "others",
    ' EVENT: -4 -t nat -A CNI-HOSTPORT-DNAT -p tcp -m comment --comment "dnat -t nat -A KUBE-SERVICES" -j ACCEPT',
  ],
  ["others", " EVENT: -4 -t raw -A PREROUTING -j NOTRACK"],
  ["others", " EVENT: -4 -t security -A INPUT -j ACCEPT"],
  // What is not understood may be about ours.
  ["ours", " EVENT: nft: NEW table: table mangle ip flags 0 use 1 handle 6"],
  [
    "ours",
    " EVENT: # nft: ip mangle FORWARD use 1 type filter hook forward prio -150 policy accept packets 0 bytes 0 flags 1",
  ],
  ["ours", ""],
  ["ours", "something new"],
])("%s: %s", (expected, line) => {
  expect(parseEvent(line)).toBe(expected);
});
