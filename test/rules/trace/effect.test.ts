import { describe, expect, test } from "@jest/globals";
import { parseRule } from "../../../rules/iptables/text/parse-rule.ts";
import { splitWords } from "../../../rules/iptables/text/quote.ts";
import { effectOf, type Effect } from "../../../rules/trace/effect.ts";
import { anIp } from "../../make/objects.ts";

const all = 0xffffffff;
const unknown: Effect = { kind: "unknown" };
const dnat = (ip: string | undefined, port?: number): Effect => ({
  kind: "dnat",
  ip: ip === undefined ? undefined : anIp(ip),
  port,
});
const mark = (value: number, mask: number): Effect => ({ kind: "set-mark", bits: { value, mask } });
const connmark = (value: number, mask: number): Effect => ({ kind: "set-connection-mark", bits: { value, mask } });

describe("what a target does", () => {
  test.each<readonly [string, Effect]>([
    ["", { kind: "none" }],
    ["-j ACCEPT", { kind: "accept" }],
    ["-j DROP", { kind: "drop" }],
    ["-j RETURN", { kind: "return" }],
    ["-j CHAIN", { kind: "call", chain: "CHAIN", isGoto: false }],
    ["-g CHAIN", { kind: "call", chain: "CHAIN", isGoto: true }],
    ["-j ELSEWHERE", unknown],
    ["-g ELSEWHERE", unknown],
    ["-g ACCEPT", unknown],
    ["-j", unknown],
    ["-j REJECT", { kind: "reject", with: "icmp-port-unreachable" }],
    ["-j REJECT --reject-with tcp-reset", { kind: "reject", with: "tcp-reset" }],
    ["-j LOG --log-prefix x", { kind: "none" }],
    ["-j NFLOG --nflog-group 1", { kind: "none" }],
    ["-j TRACE", { kind: "none" }],
    ["-j TCPMSS --clamp-mss-to-pmtu", { kind: "none" }],
    ["-j CHECKSUM --checksum-fill", { kind: "none" }],
    ["-j NFQUEUE --queue-num 1", unknown],
    ["-j TPROXY --on-port 1 --on-ip 127.0.0.1 --tproxy-mark 0x1/0x1", unknown],
    ["-j SYNPROXY", unknown],
    ["-j NETMAP --to 10.0.0.0/8", unknown],
    ["-j NOTRACK", { kind: "untrack" }],
    ["-j CT --notrack", { kind: "untrack" }],
    ["-j CT --zone 1", { kind: "none" }],
    ["-j SET --add-set s src", { kind: "change-set", set: "s" }],
    ["-j SET --del-set s src,dst", { kind: "change-set", set: "s" }],
    ["-j SET --exist", unknown],
  ])("%s", (words, effect) => {
    expect(effectOf(parseRule(splitWords(words)), (name) => name === "CHAIN")).toEqual(effect);
  });
});

describe("translation", () => {
  test.each<readonly [string, Effect]>([
    ["DNAT --to-destination 10.0.0.1:80", dnat("10.0.0.1", 80)],
    ["DNAT --to-destination 10.0.0.1", dnat("10.0.0.1")],
    ["DNAT --to-destination :80", dnat(undefined, 80)],
    ["DNAT --to-destination 10.0.0.1:80 --random --persistent", dnat("10.0.0.1", 80)],
    ["DNAT --to-destination [fd00::1]:80", dnat("fd00::1", 80)],
    ["DNAT --to-destination fd00::1", dnat("fd00::1")],
    ["DNAT --to-destination fd00::1:80", dnat("fd00::1:80")],
    ["DNAT --to-destination [fd00::1]", dnat("fd00::1")],
    ["DNAT --to-destination 10.0.0.1-10.0.0.5", unknown],
    ["DNAT --to-destination 10.0.0.1-10.0.0.5:80", unknown],
    ["DNAT --to-destination 10.0.0.1:80-90", unknown],
    ["DNAT --to-destination 10.0.0.1:80-90/8080", unknown],
    ["DNAT --to-destination [fd00::1-fd00::5]:80", unknown],
    ["DNAT --to-destination somewhere", unknown],
    ["DNAT --to-destination 10.0.0.1:http", unknown],
    ["DNAT", unknown],
    ["DNAT --random", unknown],
    ["SNAT --to-source 192.168.0.2", { kind: "snat", ip: anIp("192.168.0.2") }],
    ["SNAT --to-source 192.168.0.2:1024-65535", { kind: "snat", ip: anIp("192.168.0.2") }],
    ["SNAT --to-source 192.168.0.2 --random-fully", { kind: "snat", ip: anIp("192.168.0.2") }],
    ["SNAT --to-source fd00::5:1", { kind: "snat", ip: anIp("fd00::5:1") }],
    ["SNAT --to-source [fd00::5]:1-9", { kind: "snat", ip: anIp("fd00::5") }],
    ["SNAT --to-source 10.0.0.1-10.0.0.5", { kind: "snat", ip: undefined }],
    // Ports alone leave the address, which is all that is traced of a source.
    ["SNAT --to-source :1024-65535", { kind: "accept" }],
    ["SNAT", unknown],
    ["MASQUERADE", { kind: "masquerade" }],
    ["MASQUERADE --random-fully", { kind: "masquerade" }],
    ["MASQUERADE --to-ports 1024-65535", { kind: "masquerade" }],
    ["REDIRECT --to-ports 8080", { kind: "redirect", port: 8080 }],
    ["REDIRECT", { kind: "redirect", port: undefined }],
    ["REDIRECT --to-ports 80-90", unknown],
  ])("%s", (words, effect) => {
    expect(effectOf(parseRule(["-j", ...words.split(" ")]), () => false)).toEqual(effect);
  });

  test("a destination of a million colons is no destination, at once", () => {
    const rule = parseRule(["-j", "DNAT", "--to-destination", `${":".repeat(1_000_000)}]`, "--random"]);
    expect(effectOf(rule, () => false)).toEqual(unknown);
  });
});

describe("spellings of marks", () => {
  test.each<readonly [string, Effect]>([
    ["MARK --set-xmark 0x4000/0x4000", mark(0x4000, 0x4000)],
    ["MARK --set-xmark 0x1/0xffffffff", mark(1, all)],
    ["MARK --set-xmark 0x1", mark(1, all)],
    ["MARK --set-mark 0x1", mark(1, all)],
    ["MARK --set-mark 0x3/0x1", mark(3, 3)],
    ["MARK --set-mark 1/0x10", mark(1, 0x11)],
    ["MARK --or-mark 0x8", mark(8, 8)],
    ["MARK --and-mark 0xf", mark(0, 0xfffffff0)],
    ["MARK --xor-mark 0x8", mark(8, 0)],
    ["MARK --set-mark x", unknown],
    ["MARK", unknown],
    ["CONNMARK --set-xmark 0x1/0xff", connmark(1, 0xff)],
    ["CONNMARK --set-mark 0x1/0xff", connmark(1, 0xff)],
    ["CONNMARK --or-mark 0x1", connmark(1, 1)],
    ["CONNMARK --save-mark --nfmask 0xff --ctmask 0xff", { kind: "save-mark", from: 0xff, to: 0xff }],
    ["CONNMARK --save-mark --nfmask 0xff --ctmask 0xf00", { kind: "save-mark", from: 0xff, to: 0xf00 }],
    ["CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff", { kind: "restore-mark", from: all, to: all }],
    ["CONNMARK --restore-mark --nfmask 0xf --ctmask 0xf0", { kind: "restore-mark", from: 0xf0, to: 0xf }],
    ["CONNMARK --save-mark", { kind: "save-mark", from: all, to: all }],
    ["CONNMARK --restore-mark --mask 0xff", { kind: "restore-mark", from: 0xff, to: 0xff }],
    ["CONNMARK --save-mark --left-shift-mark 2", unknown],
    ["CONNMARK --save-mark --nfmask x --ctmask 0xff", unknown],
    ["CONNMARK", unknown],
  ])("%s", (words, effect) => {
    const found = effectOf(parseRule(["-j", ...words.split(" ")]), () => false);
    expect(found.kind === "set-mark" ? mark(found.bits.value, found.bits.mask) : found).toEqual(effect);
  });
});
