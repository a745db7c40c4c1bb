// Tests of rules/ipvs/scheduler.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseScheduler, schedulerNames } from "../../../rules/ipvs/scheduler.ts";

test.each([
  ["rr", "rr", []],
  ["wlc", "wlc", []],
  ["mh", "mh", ["mh-port"]],
  ["mh,mh-fallback", "mh", ["mh-fallback"]],
  ["mh,mh-port,mh-fallback", "mh", ["mh-fallback", "mh-port"]],
  ["sh", "sh", []],
  ["sh,sh-port", "sh", ["sh-port"]],
])("%s is %s with the flags %j", (text, name, flags) => {
  expect(parseScheduler(text)).toEqual({ name, flags });
});

test.each(["", "RR", "rr ", "twos", "rr,sh-port", "sh,mh-port", "mh,", "rr\n-D -t 10.0.0.1:80", "constructor"])(
  "%j is no scheduler",
  (text) => {
    expect(parseScheduler(text)).toBeUndefined();
  },
);

test("what is read is a name that ip_vs has, whatever the text", () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom("", "rr", "mh", "sh,"), (text, start) => {
      const name = parseScheduler(start + text)?.name;
      expect(name === undefined || schedulerNames.includes(name)).toBe(true);
    }),
  );
});
