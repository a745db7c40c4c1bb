// Tests of src/agent/drain-looks.ts.
import { afterEach, beforeEach, expect, jest, test } from "@jest/globals";
import { createDrainLooks } from "../../../src/agent/drain-looks.ts";

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

function someLooks() {
  const state = { count: 0, nextOverMs: 900_000 as number | undefined, looks: 0 };
  const looks = createDrainLooks({
    draining: () => [
      { count: state.count, nextOverMs: state.nextOverMs },
      { count: 0, nextOverMs: undefined },
    ],
    look: () => {
      state.looks++;
      return Promise.resolve();
    },
    ...{ soonMs: 5000, laterMs: 30_000 },
  });
  const pass = async (ms: number) => {
    await jest.advanceTimersByTimeAsync(ms);
    return state.looks;
  };
  return { state, looks, pass };
}

test("there are none while nothing drains", async () => {
  const { looks, pass } = someLooks();
  looks.plan();
  expect(await pass(3_600_000)).toBe(0);
});

test("one comes soon after anything new drains, then now and then, until nothing does", async () => {
  const { state, looks, pass } = someLooks();
  state.count = 1;
  looks.plan();
  looks.plan();
  expect(await pass(4999)).toBe(0);
  expect(await pass(1)).toBe(1);
  expect(await pass(29_999)).toBe(1);
  state.count = 2;
  looks.plan();
  expect(await pass(1)).toBe(2);
  expect(await pass(30_000)).toBe(3);
  state.count = 3;
  looks.plan();
  expect(await pass(5000)).toBe(4);
  state.count = 0;
  expect(await pass(30_000)).toBe(5);
  expect(await pass(3_600_000)).toBe(5);
});

test("one comes when the first has had its time", async () => {
  const { state, looks, pass } = someLooks();
  Object.assign(state, { count: 1, nextOverMs: 0 });
  looks.plan();
  state.nextOverMs = 12_000;
  expect(await pass(0)).toBe(1);
  expect(await pass(11_999)).toBe(1);
  expect(await pass(1)).toBe(2);
  await looks.stop();
  expect(await pass(3_600_000)).toBe(2);
});
