// Tests of rules/ipset/read-table.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseSetTable } from "../../../rules/ipset/read-table.ts";
import type { KeptType } from "../../../rules/ipset/set-table.ts";
import { entries } from "../../../rules/radix/radix.ts";

const types: Readonly<Record<string, KeptType>> = {
  "KUBE-P": "hash:ip,port",
  "KUBE-N": "hash:ip,port,net",
  "KUBE-B": "bitmap:port",
  "KUBE-I": "hash:ip",
};

function read(text: string, family: 4 | 6 = 4) {
  const { table, problems } = parseSetTable(text, { family, types });
  const sets = Object.values(table.sets).map(({ name, entries: held, mostEntries }) => [
    name,
    mostEntries,
    [...entries(held)].map(({ key }) => key),
  ]);
  return { sets, codes: problems.map(({ code, line }) => `${line} ${code}`) };
}

const made = (name: string, rest: string) => `create ${name} ${rest} bucketsize 12 initval 0x7f727a26\n`;

test("reads sets of our names as the kernel prints them, with their limit", () => {
  const text =
    made("KUBE-P", "hash:ip,port family inet hashsize 1024 maxelem 131072") +
    "add KUBE-P 10.0.0.2,tcp:80\nadd KUBE-P 10.0.0.1,sctp:80\n" +
    made("KUBE-N", "hash:ip,port,net family inet hashsize 1024 maxelem 65536") +
    "add KUBE-N 10.0.0.1,tcp:80,1.2.3.4\nadd KUBE-N 10.0.0.1,tcp:80,10.0.0.0/8\n" +
    "create KUBE-B bitmap:port range 0-65535\nadd KUBE-B 30080\n";
  expect(read(text)).toEqual({
    sets: [
      ["KUBE-P", 131072, ["10.0.0.1,sctp:80", "10.0.0.2,tcp:80"]],
      ["KUBE-N", 65536, ["10.0.0.1,tcp:80,1.2.3.4", "10.0.0.1,tcp:80,10.0.0.0/8"]],
      ["KUBE-B", undefined, ["30080"]],
    ],
    codes: [],
  });
});

test.each([
  ["a set of others", "create cali-1 hash:net family inet hashsize 1024 maxelem 65536\nadd cali-1 10.0.0.0/8\n", 0, []],
  [
    "a set of ours of another type",
    made("KUBE-P", "hash:ip family inet hashsize 1024 maxelem 65536") + "add KUBE-P 10.0.0.1\n",
    0,
    ["1 set-of-others"],
  ],
  [
    "a set of ours of another family",
    made("KUBE-P", "hash:ip,port family inet6 hashsize 1024 maxelem 65536"),
    0,
    ["1 set-of-others"],
  ],
  ["a bitmap of another range", "create KUBE-B bitmap:port range 0-1023\n", 0, ["1 set-of-others"]],
  ["an entry without its set", "add KUBE-P 10.0.0.1,tcp:80\n", 0, ["1 set-not-created"]],
  ["a set twice", made("KUBE-I", "hash:ip family inet maxelem 65536").repeat(2), 1, ["2 duplicate-set"]],
])("%s", (_, text, count, codes) => {
  const found = read(text);
  expect([found.sets.length, found.codes]).toEqual([count, codes]);
});

test.each([
  "10.0.0.1",
  "10.0.0.1,icmp:8",
  "10.0.0.1,tcp:70000",
  "10.0.0.01,tcp:80",
  "10.0.0.1,tcp:80,10.0.0.1",
  "constructor,tcp:1",
  "",
])("the entry %j is a problem and is left out", (entry) => {
  const { sets, codes } = read(`${made("KUBE-P", "hash:ip,port family inet maxelem 65536")}add KUBE-P ${entry}\n`);
  expect([sets[0]?.[2], codes]).toEqual([[], ["2 not-an-entry"]]);
});

test("no text makes an exception", () => {
  const word = fc.constantFrom(
    "create",
    "add",
    "KUBE-P",
    "KUBE-B",
    "__proto__",
    "constructor",
    "hash:ip,port",
    "family",
    "inet",
    "maxelem",
    "-1",
    "10.0.0.1,tcp:80",
    "\u0000",
  );
  const line = fc.array(word, { maxLength: 8 }).map((words) => words.join(" "));
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(line).map((lines) => lines.join("\n")),
      ),
      (text) => {
        const { table } = parseSetTable(text, { family: 4, types });
        expect(Object.keys(table.sets).every((name) => name in types)).toBe(true);
      },
    ),
  );
});
