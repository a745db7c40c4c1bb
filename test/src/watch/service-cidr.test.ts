// Tests of src/watch/service-cidr.ts.
import { expect, test } from "@jest/globals";
import { decodeServiceCidr } from "../../../src/watch/service-cidr.ts";

const metadata = { name: "kubernetes" };

test("gives the blocks of both families", () => {
  const { value, problems } = decodeServiceCidr({ metadata, spec: { cidrs: ["10.96.0.0/16", "fd00:96::/108"] } });
  expect(value?.name).toBe("kubernetes");
  expect(value?.cidrs).toEqual(["10.96.0.0/16", "fd00:96::/108"]);
  expect(problems).toEqual([]);
});

test.each([
  [{ metadata, spec: { cidrs: ["10.96.0.0"] } }, ["not-a-cidr"]],
  [{ metadata }, ["wrong-type"]],
  [{ spec: { cidrs: [] } }, ["wrong-type"]],
  [null, ["wrong-type"]],
])("refuses %j", (input, codes) => {
  const { value, problems } = decodeServiceCidr(input);
  expect(value).toBeUndefined();
  expect(problems.map(({ code }) => code)).toEqual(codes);
});
