// Tests of src/conntrack/delete-flows.ts.
import { describe, expect, test } from "@jest/globals";
import { deletionsOf } from "../../../rules/conntrack/deletions.ts";
import { deleteFlows, type Limits } from "../../../src/conntrack/delete-flows.ts";
import { aFlow } from "../../rules/conntrack/harness.ts";
import { fakeConntrack } from "./fake.ts";

const limits: Limits = { seconds: 20, processes: 100, now: () => 0 };
const flowsTo = (frontends: number) =>
  Array.from({ length: frontends }, (_, at) => aFlow({ to: `10.96.0.${at + 1}:53`, by: "10.1.0.1:53" }));
const kept = aFlow({ to: "10.96.1.1:53", by: "10.1.0.1:53" });

test.each([0, 1, 25])("%d deletions take these flows away and nothing else, by a process each", async (count) => {
  const fake = fakeConntrack([...flowsTo(count), kept]);
  const deleted = await deleteFlows(deletionsOf(flowsTo(count)), fake.run, limits);
  expect(deleted).toEqual({ deleted: count, failed: 0, failure: undefined });
  expect(fake.flows()).toEqual([kept]);
  expect(fake.asked).toHaveLength(count);
});

test("flows that ended meanwhile are no failure", async () => {
  const deleted = await deleteFlows(deletionsOf(flowsTo(3)), fakeConntrack([]).run, limits);
  expect(deleted).toEqual({ deleted: 0, failed: 0, failure: undefined });
});

describe("stops", () => {
  test("at what is refused, and says how many flows are left", async () => {
    const refused = { code: 1, stdout: "", stderr: "Operation failed: no" };
    const fake = fakeConntrack(flowsTo(25), { fail: (line) => (line.includes("10.96.0.20 ") ? refused : undefined) });
    const deletions = deletionsOf(flowsTo(25));
    const at = deletions.findIndex(({ args }) => args.includes("10.96.0.20"));
    const deleted = await deleteFlows(deletions, fake.run, limits);
    expect(deleted).toEqual({ deleted: at, failed: 25 - at, failure: "Operation failed: no" });
  });

  test.each([
    ["processes", { ...limits, processes: 20 }],
    ["seconds", { ...limits, now: ticking(1_000) }],
  ])("at its limit of %s", async (_, given) => {
    const fake = fakeConntrack(flowsTo(25));
    expect(await deleteFlows(deletionsOf(flowsTo(25)), fake.run, given)).toMatchObject({ deleted: 20, failed: 5 });
    expect(fake.flows()).toHaveLength(5);
  });
});

/** A clock that goes on by `ms` each time that it is looked at, from the second time. */
function ticking(ms: number): () => number {
  let looked = -1;
  return () => Math.max(0, looked++) * ms;
}
