// Tests of rules/ipset/options.ts.
import { expect, test } from "@jest/globals";
import {
  addOptions,
  createOptions,
  fault,
  interfaceOptions,
  isFault,
  memberOptions,
  netOptions,
  parseOptions,
  type OptionForms,
} from "../../../rules/ipset/options.ts";

test.each<[string, OptionForms, Record<string, string>]>([
  ["", addOptions, {}],
  [
    "family inet hashsize 1024 maxelem 65536 bucketsize 12 initval 0x1d47b9e9",
    createOptions,
    { family: "inet", hashsize: "1024", maxelem: "65536", bucketsize: "12", initval: "0x1d47b9e9" },
  ],
  [
    "range 10.0.0.0-10.0.0.255 counters comment",
    createOptions,
    { range: "10.0.0.0-10.0.0.255", counters: "", comment: "" },
  ],
  [
    'timeout 0 packets 1 bytes 30 comment "a  b \\ nomatch" skbmark 0x11/0xff skbprio 1:10 skbqueue 3',
    addOptions,
    {
      timeout: "0",
      packets: "1",
      bytes: "30",
      comment: "a  b \\ nomatch",
      skbmark: "0x11/0xff",
      skbprio: "1:10",
      skbqueue: "3",
    },
  ],
  ['comment "" nomatch', netOptions, { comment: "", nomatch: "" }],
  ["wildcard nomatch", interfaceOptions, { wildcard: "", nomatch: "" }],
  ["before other", memberOptions, { before: "other" }],
])("reads %j", (text, forms, options) => {
  expect(parseOptions(text, forms)).toEqual(new Map(Object.entries(options)));
});

test.each<[string, OptionForms, string]>([
  ["nomatch", addOptions, "unknown-option"],
  ["wildcard", netOptions, "unknown-option"],
  ["shade 3", createOptions, "unknown-option"],
  ["timeout 1 timeout 2", addOptions, "unknown-option"],
  ["timeou", addOptions, "unknown-option"],
  ["timeout", addOptions, "bad-option"],
  ["timeout soon", addOptions, "bad-option"],
  ["skbmark 17", addOptions, "bad-option"],
  ["initval 12", createOptions, "bad-option"],
  ["family ipv4", createOptions, "bad-option"],
  ['comment "cut', addOptions, "open-quotes"],
  ['comment "a"b"', addOptions, "open-quotes"],
])("refuses %j", (text, forms, code) => {
  expect(parseOptions(text, forms)).toMatchObject({ fault: { code } });
});

test("options and faults are told apart", () => {
  expect([isFault(fault("x", "y")), isFault(new Map())]).toEqual([true, false]);
});
