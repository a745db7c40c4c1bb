// Tests of src/watch/intake.ts.
import { expect, test } from "@jest/globals";
import { createIntake, type ObjectChange } from "../../../src/watch/intake.ts";
import type { Resource } from "../../../src/watch/resources.ts";
import type { Problem } from "../../../rules/problem.ts";

const problem: Problem = { code: "bad", severity: "error", object: "Thing a", path: [], text: "is bad" };

/** Things are good where they have a `value`. */
const things: Resource<unknown> = {
  name: "things",
  path: "/things",
  selectors: {},
  decode: (object) => {
    const { value } = object as { value?: unknown };
    return value === undefined ? { problems: [problem] } : { value, problems: [] };
  },
};

const aThing = (name: string, version: number, value?: unknown) => ({
  metadata: { name, resourceVersion: String(version) },
  value,
});

function anIntake({ throws = false } = {}) {
  const batches: (readonly ObjectChange<unknown>[])[] = [];
  const problems: [string, readonly Problem[]][] = [];
  const logged: string[] = [];
  const log = (message: string) => logged.push(message);
  const fail = () => {
    if (throws) throw new Error("thrown by the consumer");
  };
  const intake = createIntake({
    resource: things,
    log: { debug: log, info: log, warn: log, error: log },
    now: () => 5,
    consumer: {
      onChanges: (changes) => {
        batches.push(changes);
        fail();
      },
      onSynced: fail,
      onProblem: (key, found) => {
        problems.push([key, found]);
        fail();
      },
    },
  });
  return { intake, batches, problems, logged };
}

test("changes are told together, in order, and only where there are some", () => {
  const { intake, batches } = anIntake();
  intake.flush();
  intake.set(aThing("a", 1, "one"));
  intake.set(aThing("b", 2, "two"));
  intake.gone(aThing("a", 3));
  intake.flush();
  intake.flush();
  expect(batches).toEqual([
    [
      { kind: "set", key: "a", version: 1, object: "one", receivedAt: 5 },
      { kind: "set", key: "b", version: 2, object: "two", receivedAt: 5 },
      { kind: "gone", key: "a", receivedAt: 5 },
    ],
  ]);
});

test("a change has the object's uid where that has one", () => {
  const { intake, batches } = anIntake();
  intake.set({ metadata: { name: "a", resourceVersion: "1", uid: "u" }, value: "one" });
  intake.flush();
  expect(batches.flat()).toEqual([{ kind: "set", key: "a", version: 1, object: "one", receivedAt: 5, uid: "u" }]);
});

test("the deletion of what was never there is not told", () => {
  const { intake, batches } = anIntake();
  intake.gone(aThing("a", 1));
  intake.flush();
  expect(batches).toEqual([]);
});

test("what the caller does not take for new is not looked at", () => {
  const { intake, batches, problems } = anIntake();
  const never = () => false;
  intake.set(aThing("a", 1, "one"), never);
  intake.set(aThing("b", 1), never);
  intake.gone(aThing("a", 1), never);
  intake.flush();
  expect([batches, problems, intake.holdings.size()]).toEqual([[], [], 0]);
});

test("a bad object is reported once for each of its states, not logged, and is gone when it is", () => {
  const { intake, batches, problems, logged } = anIntake();
  intake.set(aThing("a", 1));
  intake.set(aThing("a", 1));
  intake.set(aThing("a", 2));
  expect(problems).toEqual([
    ["a", [problem]],
    ["a", [problem]],
  ]);
  expect([intake.refusals(), intake.holdings.refused(), logged]).toEqual([2, 1, []]);
  intake.gone(aThing("a", 3));
  intake.flush();
  expect(batches.flat()).toEqual([{ kind: "gone", key: "a", receivedAt: 5 }]);
});

test("what cannot be named is reported, and stops nothing", () => {
  const { intake, batches, problems } = anIntake();
  for (const object of [null, 1, {}, { metadata: {} }]) intake.set(object);
  intake.gone(undefined);
  intake.set(aThing("a", 1, "one"));
  intake.flush();
  expect(problems.map(([key, found]) => [key, found[0]?.code])).toEqual(
    Array.from({ length: 5 }, () => ["", "not-an-object"]),
  );
  expect(batches.flat()).toHaveLength(1);
});

test("what a complete list did not have is gone", () => {
  const { intake, batches } = anIntake();
  intake.set(aThing("a", 1, "one"));
  intake.holdings.beginFill();
  intake.set(aThing("b", 1, "two"));
  intake.endFill();
  intake.flush();
  expect(batches.flat().map(({ kind, key }) => [kind, key])).toEqual([
    ["set", "a"],
    ["set", "b"],
    ["gone", "a"],
  ]);
});

test("what the consumer throws is logged, and the states that it did not take are new again", () => {
  const { intake, batches, logged } = anIntake({ throws: true });
  intake.set(aThing("a", 1, "one"));
  intake.flush();
  intake.set(aThing("a", 1, "one"));
  intake.flush();
  intake.set(aThing("b", 1));
  intake.synced();
  expect(batches).toHaveLength(2);
  expect(logged.filter((line) => line.includes("thrown by the consumer"))).toHaveLength(4);
});
