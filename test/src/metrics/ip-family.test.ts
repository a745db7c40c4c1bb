// Tests of src/metrics/ip-family.ts.
import { expect, test } from "@jest/globals";
import { ipFamilyName } from "../../../src/metrics/ip-family.ts";

test("families have the API's names", () => {
  expect([ipFamilyName(4), ipFamilyName(6)]).toEqual(["IPv4", "IPv6"]);
});
