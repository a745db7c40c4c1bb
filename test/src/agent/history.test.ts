// Tests of src/agent/history.ts.
import { describe, expect, test } from "@jest/globals";
import { createHistory, type FamilyRecord, type PassRecord } from "../../../src/agent/history.ts";

type Fields = Partial<Omit<PassRecord, "families">> & { readonly family?: Partial<FamilyRecord> };

/** A good pass of IPv4 that changed one chain. */
const aRecord = ({ family = {}, ...fields }: Fields = {}): Omit<PassRecord, "number"> => ({
  ...{ kind: "pass", cause: "first pass", startedAt: 1, seconds: 0.1, services: [] },
  families: [{ family: 4, scope: "full", changes: 1, batches: 1, seconds: 0.1, result: "good", ...family }],
  ...fields,
});
const aBatch = (script: string, message = "Error occurred at line: 1") => ({
  ...{ at: 1, family: 4 as const },
  message,
  script,
});

describe("passes and repairs", () => {
  test.each<[string, Fields, boolean]>([
    ["that changed something are kept", {}, true],
    ["that failed are kept", { family: { changes: 0, result: "failed", message: "killed" } }, true],
    ["that have something to say are kept", { family: { changes: 0, message: "a/b stays as it was" } }, true],
    ["that did nothing are not", { family: { changes: 0, batches: 0 } }, false],
  ])("%s", (_, fields, isKept) => {
    const history = createHistory();
    history.add(aRecord(fields));
    history.add(aRecord({ ...fields, kind: "repair" }));
    expect(history.passes().map(({ kind }) => kind)).toEqual(isKept ? ["repair", "pass"] : []);
  });

  test("come newest first, with numbers that count those that did nothing too, and no more than 100", () => {
    const history = createHistory();
    for (let at = 1; at <= 300; at++) history.add(aRecord({ startedAt: at, family: { changes: at % 2 } }));
    const kept = history.passes();
    expect(kept).toHaveLength(100);
    expect(kept.map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, at) => 299 - 2 * at));
    expect(kept.every(({ number, startedAt }) => number === startedAt)).toBe(true);
  });

  test("name 20 Services at most, and cut what the tool says", () => {
    const history = createHistory();
    const services = Array.from({ length: 30 }, (_, at) => `default/s${at}`);
    history.add(aRecord({ services, family: { message: "x".repeat(5000) } }));
    const [kept] = history.passes();
    expect(kept?.services).toEqual(services.slice(0, 20));
    expect(kept?.families[0]?.message).toBe(`${"x".repeat(1997)}...`);
  });

  test("are counted by how they ended", () => {
    const history = createHistory();
    const idle = { changes: 0 };
    history.add(aRecord());
    history.add(aRecord({ family: idle }));
    history.add(aRecord({ family: { result: "failed" } }));
    history.add(aRecord({ kind: "repair" }));
    history.add(aRecord({ kind: "repair", family: idle }));
    expect(history.totals()).toEqual({ passes: 3, failedPasses: 1, readBacks: 2, repairs: 1 });
  });
});

describe("the last refused batch", () => {
  test("replaces the one before", () => {
    const history = createHistory();
    expect(history.lastFailed()).toBeUndefined();
    history.failed(aBatch("*nat\nCOMMIT\n"));
    history.failed(aBatch("*filter\nCOMMIT\n", "killed"));
    expect(history.lastFailed()).toEqual(aBatch("*filter\nCOMMIT\n", "killed"));
  });

  const script = Array.from({ length: 20_000 }, (_, at) => `-A KUBE-X -m comment --comment ${at + 1}\n`).join("");
  const total = 20_000;
  test.each([
    ["the first line", 1],
    ["a line near the beginning", 300],
    ["a line in the middle", 9_000],
    ["a line near the end", 19_900],
    ["the last line", total],
  ])("keeps 100,000 characters around %s of a long one, in whole lines", (_, line) => {
    const history = createHistory();
    history.failed(aBatch(script, `Error occurred at line: ${line}`));
    const kept = history.lastFailed()?.script ?? "";
    const lines = kept.split("\n").slice(0, -1);
    const left = lines.filter((each) => each.startsWith("#")).map((each) => Number(/\d+/.exec(each)?.[0]));
    const rules = lines.filter((each) => !each.startsWith("#"));
    expect(rules.every((each) => script.includes(`${each}\n`))).toBe(true);
    expect(rules).toContain(`-A KUBE-X -m comment --comment ${line}`);
    expect(rules.length + left.reduce((sum, count) => sum + count, 0)).toBe(total);
    expect(kept.length).toBeLessThan(100_100);
    expect(kept.length).toBeGreaterThan(49_000);
  });

  test("keeps the beginning where no line is named, and of one line without end as much as fits", () => {
    const history = createHistory();
    history.failed(aBatch(script, "out of memory"));
    expect(history.lastFailed()?.script.startsWith("-A KUBE-X -m comment --comment 1\n")).toBe(true);
    history.failed(aBatch("x".repeat(300_000)));
    expect(history.lastFailed()?.script).toBe("x".repeat(100_000));
  });
});
