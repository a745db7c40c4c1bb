// Tests of rules/ipvs/set-names.ts.
import { expect, test } from "@jest/globals";
import { ownSetTypes, setComment, setKeys, setName, setType } from "../../../rules/ipvs/set-names.ts";

test.each([
  ["CLUSTER-IP", 4, "KUBE-CLUSTER-IP"],
  ["CLUSTER-IP", 6, "KUBE-6-CLUSTER-IP"],
  ["LOAD-BALANCER-SOURCE-CIDR", 4, "KUBE-LOAD-BALANCER-SOURCE-CIDR"],
  ["LOAD-BALANCER-SOURCE-CIDR", 6, "KUBE-6-LOAD-BALANCER-SOURCE-CID"],
  ["NODE-PORT-LOCAL-SCTP-HASH", 6, "KUBE-6-NODE-PORT-LOCAL-SCTP-HAS"],
] as const)("%s of IPv%i is %s", (key, family, name) => {
  expect(setName(key, family)).toBe(name);
});

test("names are told apart, also when cut, fit the kernel, and comments fit a rule", () => {
  const names = ([4, 6] as const).flatMap((family) => setKeys.map((key) => setName(key, family)));
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((name) => name.length > 31)).toEqual([]);
  expect(setKeys.filter((key) => setComment(key).length > 255 || setComment(key) === "")).toEqual([]);
  expect(Object.keys(ownSetTypes(6))).toEqual(setKeys.map((key) => setName(key, 6)));
  expect(ownSetTypes(4)["KUBE-LOOP-BACK"]).toBe(setType("LOOP-BACK"));
});
