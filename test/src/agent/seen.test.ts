// Tests of src/agent/seen.ts.
import { expect, test } from "@jest/globals";
import { createSeen } from "../../../src/agent/seen.ts";

test("only what was well is not looked at again, while neither the texts nor the state are others", () => {
  const seen = createSeen();
  const [state, texts] = [{}, { sets: "a", addresses: "b", servers: "c" }];
  let looks = 0;
  const look = (isWell: boolean) => () => {
    looks++;
    return isWell;
  };
  expect(seen.isSame(state, texts, look(false))).toBe(false);
  expect(seen.isSame(state, texts, look(true))).toBe(true);
  expect(looks).toBe(2);
  expect(seen.isSame(state, { ...texts }, look(false))).toBe(true);
  expect(looks).toBe(2);
  expect(seen.isSame({}, texts, look(true))).toBe(true);
  expect(seen.isSame(state, texts, look(true))).toBe(true);
  expect(looks).toBe(4);
  for (const other of [{ sets: "" }, { addresses: "" }, { servers: "" }, { sets: "ab", addresses: "" }])
    expect(seen.isSame(state, { ...texts, ...other }, look(false))).toBe(false);
  expect(seen.isSame(state, texts, look(false))).toBe(false);
});
