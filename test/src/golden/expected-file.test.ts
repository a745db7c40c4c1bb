import { expect, test } from "@jest/globals";
import { configFile, expectedFiles, inputFiles, nodeFile, packetsFile } from "../../../src/golden/expected-file.ts";

test("no name has two meanings", () => {
  const names = [...inputFiles, configFile, nodeFile, packetsFile, ...expectedFiles];
  expect(new Set(names).size).toBe(names.length);
});
