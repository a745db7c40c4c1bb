// Tests of src/events/ledger.ts.
import { expect, test } from "@jest/globals";
import { nodeReference, serviceReference, type Event } from "../../../src/events/event.ts";
import { createLedger, objectRate, seriesMs } from "../../../src/events/ledger.ts";

const event = (note = "n", name = "web"): Event => ({
  regarding: serviceReference(`default/${name}`),
  type: "Warning",
  reason: "RulesRefused",
  action: "WriteRules",
  note,
});

test("the same event again within 10 minutes of the last is the same entry, with a higher count", () => {
  const ledger = createLedger();
  const first = ledger.note(event(), 0);
  expect(ledger.note(event(), seriesMs)).toBe(first);
  expect(ledger.note(event(), 2 * seriesMs)).toBe(first);
  expect(first?.series).toEqual({ firstAt: 0, lastAt: 2 * seriesMs, count: 3 });
  expect(ledger.note(event(), 3 * seriesMs + 1)).not.toBe(first);
});

test("another note, or another object, is another entry", () => {
  const ledger = createLedger();
  const entries = [event(), event("m"), event("n", "other"), { ...event(), regarding: nodeReference("n") }].map(
    (each) => ledger.note(each, 0),
  );
  expect(new Set(entries).size).toBe(4);
});

test("an object has 25 at once, and then one in 5 minutes, whatever they say; other objects have theirs", () => {
  const ledger = createLedger();
  const allowed = (now: number, count: number) =>
    Array.from({ length: count }, (_, at) => ledger.note(event(String(at % 40)), now)).filter((entry) => entry).length;
  expect(allowed(0, 100)).toBe(objectRate.burst);
  expect(allowed(299_000, 10)).toBe(0);
  expect(allowed(300_000, 10)).toBe(1);
  expect(ledger.note(event("n", "other"), 300_000)).toBeDefined();
});

test("counts go on while nothing may be sent", () => {
  const ledger = createLedger();
  for (let at = 0; at < 100; at++) ledger.note(event(), 0);
  expect(ledger.note(event(), 300_000)?.series.count).toBe(101);
});

test("forgets what is old, and remembers 4096 events at most", () => {
  const ledger = createLedger();
  for (let at = 0; at < 5000; at++) ledger.note(event("n", `s${at}`), at);
  expect(ledger.size()).toBe(4096);
  ledger.note(event(), 5000 + seriesMs);
  expect(ledger.size()).toBe(1);
});
