// Tests of src/agent/turns.ts.
import { setTimeout as after } from "node:timers/promises";
import { expect, test } from "@jest/globals";
import { createTurns } from "../../../src/agent/turns.ts";

test("work never overlaps, and is done in the order in which it was given", async () => {
  const turns = createTurns();
  const seen: string[] = [];
  const work = (name: string, ms: number) => async () => {
    seen.push(`${name} begins`);
    await after(ms);
    seen.push(`${name} ends`);
    return name;
  };
  const results = await Promise.all([turns(work("a", 20)), turns(work("b", 1)), turns(work("c", 5))]);
  expect(results).toEqual(["a", "b", "c"]);
  expect(seen).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});

test.each([
  ["rejects", () => Promise.reject(new Error("refused"))],
  [
    "throws",
    () => {
      throw new Error("refused");
    },
  ],
])("work that %s is told to who gave it, and does not keep others from their turn", async (_, bad) => {
  const turns = createTurns();
  const first = turns(bad).catch((error: unknown) => (error as Error).message);
  const second = turns(() => Promise.resolve("done"));
  expect([await first, await second]).toEqual(["refused", "done"]);
});

test("work that is given later begins after all that was given before", async () => {
  const turns = createTurns();
  const seen: number[] = [];
  void turns(async () => {
    await after(10);
    seen.push(1);
  });
  await turns(() => Promise.resolve());
  expect(seen).toEqual([1]);
});
