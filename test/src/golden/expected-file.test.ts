import { expect, test } from "@jest/globals";
import {
  configFile,
  expectedFiles,
  inputFiles,
  nodeFile,
  packetsFile,
  rulesFile,
} from "../../../src/golden/expected-file.ts";

test("no name has two meanings", () => {
  const names = [...inputFiles, configFile, nodeFile, packetsFile, ...expectedFiles];
  expect(new Set(names).size).toBe(names.length);
});

test("each family of each mode has a file of its own for its rules", () => {
  const files = (["iptables", "ipvs"] as const).flatMap((backend) =>
    ([4, 6] as const).map((family) => rulesFile(backend, family)),
  );
  expect(files).toEqual(expectedFiles.filter((name) => name.endsWith(".rules")));
});
