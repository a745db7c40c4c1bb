import { expect, test } from "@jest/globals";
import { flags } from "../../../src/config/flag-table.ts";

test("names are kube-proxy's, each once, and say which fields they set", () => {
  const names = flags.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, paths } of flags) {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    for (const path of paths) expect(path.join(".")).toMatch(/^[a-z][A-Za-z]*(\.[a-z][A-Za-z]*)*$/);
  }
});

test("those of one group stand together", () => {
  const groups = flags.map(({ group }) => group).filter((group, index, all) => group !== all[index - 1]);
  expect(new Set(groups).size).toBe(groups.length);
});
