// Tests of rules/ipset/entry.ts.
import { describe, expect, test } from "@jest/globals";
import { markPart, parseEntry, type EntryForm } from "../../../rules/ipset/entry.ts";
import { isFault } from "../../../rules/ipset/options.ts";
import { describeType } from "../../../rules/ipset/set.ts";
import { anIp } from "./an.ts";

function aForm(type: string, more: Partial<EntryForm> = {}): EntryForm {
  const { dimensions } = describeType(type);
  return { type, dimensions, family: 4, addressMask: undefined, markMask: 0xffffffff, ...more };
}

describe("keys", () => {
  test.each<[string, EntryForm, string[]]>([
    ["10.0.0.1", aForm("hash:ip"), ["32 10.0.0.1"]],
    ["fd00:0::1", aForm("hash:ip", { family: 6 }), ["128 fd00::1"]],
    ["10.0.0.1,tcp:80", aForm("hash:ip,port"), ["32,16 10.0.0.1,tcp:80"]],
    ["10.0.0.1,icmp:ping,10.0.0.1", aForm("hash:ip,port,ip"), ["32,16,32 10.0.0.1,icmp:2048,10.0.0.1"]],
    ["10.0.0.1,tcp:80,10.1.2.3/8", aForm("hash:ip,port,net"), ["32,16,8 10.0.0.1,tcp:80,10.0.0.0/8"]],
    ["10.0.0.1,tcp:80,10.1.2.3", aForm("hash:ip,port,net"), ["32,16,32 10.0.0.1,tcp:80,10.1.2.3"]],
    ["0.0.0.0/0,10.0.0.0/8", aForm("hash:net,net"), ["0,8 0.0.0.0/0,10.0.0.0/8"]],
    ["10.0.0.1-10.0.0.3", aForm("hash:ip"), ["32 10.0.0.1", "31 10.0.0.2/31"]],
    ["80", aForm("bitmap:port"), ["16 80"]],
    ["udp:80-81", aForm("bitmap:port"), ["15 80/15"]],
    ["10.0.0.1,0x0000000f", aForm("hash:ip,mark"), ["32,0 10.0.0.1,15"]],
    ["10.0.0.1,0xffff00ff", aForm("hash:ip,mark", { markMask: 0xfff0000f }), ["32,0 10.0.0.1,4293918735"]],
    ["10.0.0.1,00:11:22:aa:Bb:cc", aForm("bitmap:ip,mac"), ["32,0 10.0.0.1,00:11:22:AA:BB:CC"]],
    ["10.0.0.1", aForm("bitmap:ip,mac"), ["32,0 10.0.0.1,"]],
    ["10.1.2.3", aForm("hash:ip", { addressMask: anIp("255.0.255.0") }), ["32 10.0.2.0"]],
  ])("%s", (text, form, keys) => {
    const entry = parseEntry(text, form, 5000);
    expect(isFault(entry) ? entry : entry.keys.map((key) => `${key.bits.join()} ${key.text}`)).toEqual(keys);
  });

  test("two ranges make every pair of their blocks", () => {
    const entry = parseEntry("10.0.0.1-10.0.0.2,80-82", aForm("hash:ip,port"), 5000);
    expect(isFault(entry) ? [] : entry.keys.map((key) => key.text)).toEqual([
      "10.0.0.1,tcp:80/15",
      "10.0.0.1,tcp:82",
      "10.0.0.2,tcp:80/15",
      "10.0.0.2,tcp:82",
    ]);
  });
});

test.each([
  ["10.0.0.0/8,eth0", { name: "eth0", physdev: false }],
  ["10.0.0.0/8,physdev:br-port", { name: "br-port", physdev: true }],
])("%s names an interface beside its key", (text, named) => {
  expect(parseEntry(text, aForm("hash:net,iface"), 5000)).toEqual({
    keys: [{ bits: [8], text: "10.0.0.0/8" }],
    interface: named,
  });
});

test.each([
  ["", "hash:ip", "not-an-address"],
  ["10.0.0", "hash:ip", "not-an-address"],
  ["10.0.0.0/33", "hash:net", "not-an-address"],
  ["host.example", "hash:ip", "not-an-address"],
  ["10.0.0.1-", "hash:ip", "not-an-address"],
  ["10.0.0.1-10.0.0.2-10.0.0.3", "hash:ip", "not-an-address"],
  ["10.0.0.1-fd00::1", "hash:ip", "not-an-address"],
  ["::ffff:10.0.0.1", "hash:ip", "not-an-address"],
  ["fd00::1", "hash:ip", "wrong-family"],
  ["10.0.0.1", "hash:ip,port", "not-an-entry"],
  ["10.0.0.1,80,80", "hash:ip,port", "not-an-entry"],
  ["10.0.0.1,http", "hash:ip,port", "not-a-port"],
  ["10.0.0.1,100000000000000000000", "hash:ip,mark", "not-a-mark"],
  ["10.0.0.1,4294967296", "hash:ip,mark", "not-a-mark"],
  ["00:11:22:33:44", "hash:mac", "not-a-mac"],
  ["10.0.0.0/8,", "hash:net,iface", "not-an-interface"],
  ["10.0.0.0/8,a/b", "hash:net,iface", "not-an-interface"],
  ["10.0.0.0/8,fifteen-letters", "hash:net,iface", undefined],
  ["10.0.0.0/8,sixteen-letters-", "hash:net,iface", "not-an-interface"],
  ["0.0.0.1-255.255.255.254,1-65534,0.0.0.1-255.255.255.254", "hash:ip,port,ip", "range-too-wide"],
])("%j in a %s: %j", (text, type, code) => {
  const entry = parseEntry(text, aForm(type), 5000);
  expect(isFault(entry) ? entry.fault.code : undefined).toBe(code);
});

test("marks are compared as unsigned numbers", () => {
  expect(markPart(0xffffffff, 0xffffffff)).toBe("4294967295");
  expect(markPart(0x1234, 0xff)).toBe("52");
});
