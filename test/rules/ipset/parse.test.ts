// Tests of rules/ipset/parse.ts.
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { setHolds } from "../../../rules/ipset/holds.ts";
import { parseSets } from "../../../rules/ipset/parse.ts";
import { aSet, parseText, values } from "./an.ts";

describe("create", () => {
  test("keeps a set's name, type, dimensions, family and line", () => {
    const { sets, problems } = parseText(
      "\n# a comment\ncreate KUBE-CLUSTER-IP hash:ip,port family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x7adbfed2\r\n",
    );
    expect(problems).toEqual([]);
    expect([...sets]).toEqual([
      [
        "KUBE-CLUSTER-IP",
        {
          name: "KUBE-CLUSTER-IP",
          type: "hash:ip,port",
          family: 4,
          dimensions: ["ip", "port"],
          line: 3,
          addressMask: undefined,
          markMask: 0xffffffff,
          entries: { kind: "keys", groups: [] },
        },
      ],
    ]);
  });

  test.each([
    ["hash:ip", 4, undefined, "keys"],
    ["hash:ip family inet6 netmask 64", 6, "ffff:ffff:ffff:ffff::", "keys"],
    ["hash:ip,port bitmask 255.0.255.0", 4, "255.0.255.0", "keys"],
    ["bitmap:ip range 10.0.0.0-10.0.255.255 netmask 24 timeout 0 counters comment skbinfo", 4, "255.255.255.0", "keys"],
    ["bitmap:port range 0-1000", undefined, undefined, "keys"],
    ["hash:mac hashsize 64", undefined, undefined, "keys"],
    ["list:set size 8", undefined, undefined, "members"],
    ["hash:net,iface family inet", 4, undefined, "interfaces"],
    ["hash:ip,vlan family inet shade 3", undefined, undefined, "unknown"],
  ])("%s is of family %p, with mask %p and entries %p", (create, family, mask, kind) => {
    const { addressMask, family: found, entries } = aSet(create);
    expect([found, addressMask, entries.kind]).toEqual([family, mask, kind]);
  });

  test("takes names of up to 31 printable characters, whatever they are", () => {
    const name = `"-x'$(y)\\${"z".repeat(22)}`;
    expect(parseText(`create ${name} hash:ip\nadd ${name} 10.0.0.1`)).toMatchObject({ problems: [] });
  });
});

describe("add", () => {
  test("groups entries by the lengths of their prefixes, those of longer nets first", () => {
    const { entries } = aSet(
      "hash:net,net",
      "10.0.0.0/8,10.0.0.0/24",
      "10.0.0.0/16,10.0.0.0/8 nomatch timeout 3",
      "10.0.0.0/16,10.0.0.0/16",
      "11.0.0.0/8,10.0.0.0/24",
    );
    expect(entries).toEqual({
      kind: "keys",
      groups: [
        { bits: [16, 16], keys: new Map([["10.0.0.0/16,10.0.0.0/16", "in"]]) },
        { bits: [16, 8], keys: new Map([["10.0.0.0/16,10.0.0.0/8", "except"]]) },
        {
          bits: [8, 24],
          keys: new Map([
            ["10.0.0.0/8,10.0.0.0/24", "in"],
            ["11.0.0.0/8,10.0.0.0/24", "in"],
          ]),
        },
      ],
    });
  });

  test("keeps the interfaces of a net in their order", () => {
    expect(
      aSet("hash:net,iface", "10.0.0.0/8,eth1 nomatch", "10.0.0.0/8,eth wildcard", "10.0.0.1,physdev:eth1").entries,
    ).toEqual({
      kind: "interfaces",
      groups: [
        { bits: 32, nets: new Map([["10.0.0.1", [{ name: "eth1", physdev: true, wildcard: false, means: "in" }]]]) },
        {
          bits: 8,
          nets: new Map([
            [
              "10.0.0.0/8",
              [
                { name: "eth1", physdev: false, wildcard: false, means: "except" },
                { name: "eth", physdev: false, wildcard: true, means: "in" },
              ],
            ],
          ]),
        },
      ],
    });
  });

  test("keeps the members of a list, missing ones too", () => {
    expect(aSet("list:set size 8", "a", "b timeout 0").entries).toEqual({
      kind: "members",
      names: new Set(["a", "b"]),
    });
  });

  test("reads no entries of sets that are not known", () => {
    expect(aSet("hash:ip,vlan", "whatever,it is").entries).toEqual({ kind: "unknown" });
  });
});

describe("problems", () => {
  test.each([
    ["nonsense", "not-a-set-line"],
    ["create", "not-a-set-line"],
    ["create s", "not-a-set-line"],
    ["add s", "not-a-set-line"],
    [" create s hash:ip", "not-a-set-line"],
    ["-A KUBE-SERVICES -j ACCEPT", "not-a-set-line"],
    ["flush s", "not-a-set-line"],
    ["create \u001b[31ms hash:ip", "bad-set-name"],
    ["create \u00fc hash:ip", "bad-set-name"],
    [`create ${"a".repeat(32)} hash:ip`, "bad-set-name"],
    [`create ${"a".repeat(1_000_000)} hash:ip`, "bad-set-name"],
    [`create s ${"hash:ip,".repeat(100_000)}`, "bad-set-type"],
    [`create s hash:\u0007`, "bad-set-type"],
    ["create s hash:ip famil", "unknown-option"],
    ["create s hash:ip family", "bad-option"],
    ["create s hash:ip netmask 33", "bad-option"],
    ["create s hash:ip bitmask ffff::", "bad-option"],
    ["add nosuch 10.0.0.1", "set-not-created"],
    ["create known hash:net", "duplicate-set"],
    ["add known 10.0.0.0/8", "duplicate-entry"],
    ["add known 10.9.9.9/8 nomatch", "duplicate-entry"],
    ["add known 10.0.0", "not-an-address"],
    ["add known 10.0.0.1 timeou", "unknown-option"],
    ['add known 10.0.0.1 comment "cut', "open-quotes"],
    [`add known ${"1".repeat(1_000_000)}`, "not-an-address"],
    [`add known ${",".repeat(1_000_000)}`, "not-an-entry"],
    [`add known 10.0.0.1 ${'"'.repeat(1_000_001)}`, "open-quotes"],
    [`add known 10.0.0.1 ${" ".repeat(1_000_000)}x`, "unknown-option"],
    ["add list known", "duplicate-entry"],
    ["add list a\u0000b", "bad-set-name"],
  ])("%.40j is %s", (line, code) => {
    const before = ["create known hash:net", "add known 10.0.0.0/8", "create list list:set", "add list known"];
    const { problems, sets } = parseText([...before, line].join("\n"));
    expect(problems).toMatchObject([{ code, line: 5 }]);
    expect(problems.map(({ text }) => /^[\x20-\x7e]{1,200}$/.test(text))).toEqual([true]);
    expect(setHolds(sets.get("known") ?? aSet("hash:ip"), values("10.1.1.1"), sets)).toBe(true);
  });

  test("a set whose options cannot be read is kept, and open", () => {
    const { sets, problems } = parseText("create s hash:ip shade 3\nadd s 10.0.0.1");
    expect(problems).toMatchObject([{ code: "unknown-option", line: 1 }]);
    expect(sets.get("s")?.entries).toEqual({ kind: "unknown" });
  });

  test("a net has 64 interfaces at most, as in the kernel", () => {
    const adds = Array.from({ length: 65 }, (_, at) => `add s 10.0.0.0/8,eth${at}`);
    const { problems } = parseText(["create s hash:net,iface", ...adds].join("\n"));
    expect(problems).toMatchObject([{ code: "too-many-interfaces", line: 66 }]);
  });

  test("ranges that would fill the memory are refused", () => {
    const ranges = Array.from(
      { length: 300 },
      (_, at) => `add s 0.0.0.1-255.255.255.254,udp:1-65534,10.0.${at >> 8}.${at & 255}`,
    );
    const { problems } = parseText(["create s hash:ip,port,ip", ...ranges].join("\n"));
    expect(new Set(problems.map(({ code }) => code))).toEqual(new Set(["range-too-wide"]));
    expect(problems[0]?.line).toBeGreaterThan(250);
    // Entries that are no ranges are taken all the same.
    const { problems: after } = parseText(
      ["create s hash:ip,port,ip", ...ranges, "add s 10.9.9.9,tcp:1,10.9.9.9"].join("\n"),
    );
    expect(after).toEqual(problems);
  });

  test("no text makes an exception", () => {
    const word = fc.constantFrom(
      ...[
        "create",
        "add",
        "s",
        "l",
        "hash:ip",
        "hash:net,iface",
        "list:set",
        "hash:ip,port",
        "10.0.0.1",
        "10.0.0.1,80",
      ],
      ...[
        "10.0.0.0/8,eth0",
        "nomatch",
        "comment",
        '"',
        '"a b"',
        "timeout",
        "3",
        "family",
        "inet6",
        "netmask",
        "0x",
        "\t",
      ],
    );
    const line = fc.oneof(
      fc.array(fc.oneof(word, fc.string()), { maxLength: 8 }).map((words) => words.join(" ")),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const { problems } = parseSets(lines.map((text, at) => ({ number: at + 1, text })));
        for (const { line: number, text } of problems) {
          expect(number).toBeLessThanOrEqual(lines.length);
          expect(text).toMatch(/^[\x20-\x7e]+$/);
        }
      }),
    );
  });
});
