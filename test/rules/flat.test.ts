// Tests of rules/flat.ts.
import { expect, test } from "@jest/globals";
import { flat } from "../../rules/flat.ts";

test.each([
  [[], ""],
  [["KUBE-SVC-"], "KUBE-SVC-"],
  [["10.0.0.1", ":", "80"], "10.0.0.1:80"],
  [["", "a", "", "b"], "ab"],
])("puts %j one after the other", (parts, text) => {
  expect(flat(...parts)).toBe(text);
});
