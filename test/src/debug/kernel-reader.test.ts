// Tests of src/debug/kernel-reader.ts.
import { expect, test } from "@jest/globals";
import { createKernelReader } from "../../../src/debug/kernel-reader.ts";
import { createFakeKernel } from "../../../src/kernel/fake.ts";

/** A kernel that says how often it was read, or that it cannot be. */
function aKernel() {
  const state = { reads: 0, fails: false };
  const kernel = {
    ...createFakeKernel(),
    readRules: (family: 4 | 6) => {
      state.reads++;
      return state.fails ? Promise.reject(new Error("locked")) : Promise.resolve(`${family} ${state.reads}`);
    },
  };
  return { kernel, state };
}

test("reads once in five seconds, for each family, however many ask", async () => {
  const { kernel, state } = aKernel();
  let now = 0;
  const { read } = createKernelReader(kernel, () => now);
  expect(await Promise.all([read(4), read(4), read(6)])).toEqual(["4 1", "4 1", "6 2"]);
  now = 4.9;
  expect(await read(4)).toBe("4 1");
  now = 5;
  expect(await read(4)).toBe("4 3");
  expect(state.reads).toBe(3);
});

test("what failed is tried again at once", async () => {
  const { kernel, state } = aKernel();
  const { read } = createKernelReader(kernel, () => 0);
  state.fails = true;
  await expect(read(4)).rejects.toThrow("locked");
  state.fails = false;
  expect(await read(4)).toBe("4 2");
});
