// Tests of rules/offline/families.ts.
import { expect, test } from "@jest/globals";
import { familiesOf } from "../../../rules/offline/families.ts";
import { aService, cidrs } from "./an.ts";

const v4 = ["10.96.0.0/12"];
const v6 = ["fd96::/108"];

test.each([
  ["the first range's family without a word", {}, [...v6, ...v4], [6]],
  ["nothing where nothing says", {}, [], []],
  ["what ipFamilies says", { ipFamilies: ["IPv6"] }, v4, [6]],
  ["what the cluster IPs are, before ipFamilies", { clusterIPs: ["fd00::1"], ipFamilies: ["IPv4"] }, v4, [6]],
  ["both that are there for PreferDualStack", { ipFamilyPolicy: "PreferDualStack" }, [...v6, ...v4], [6, 4]],
  ["the one that is there for PreferDualStack", { ipFamilyPolicy: "PreferDualStack" }, v4, [4]],
  [
    "ipFamilies first for PreferDualStack",
    { ipFamilyPolicy: "PreferDualStack", ipFamilies: ["IPv6"] },
    [...v4, ...v6],
    [6, 4],
  ],
  ["both for RequireDualStack, there or not", { ipFamilyPolicy: "RequireDualStack" }, v6, [6, 4]],
  ["both for RequireDualStack without ranges", { ipFamilyPolicy: "RequireDualStack" }, [], [4, 6]],
  ["one for SingleStack", { ipFamilyPolicy: "SingleStack" }, [...v4, ...v6], [4]],
  ["one for a headless Service", { clusterIP: "None" }, [...v4, ...v6], [4]],
])("a Service's families are %s", (_, spec, ranges, families) => {
  expect(familiesOf(aService(spec), cidrs(...ranges))).toEqual(families);
});
