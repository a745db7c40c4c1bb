// Tests of rules/ipset/set.ts.
import { expect, test } from "@jest/globals";
import { describeType } from "../../../rules/ipset/set.ts";

test.each([
  ["hash:ip,port,net", true, ["ip", "port", "net"]],
  ["bitmap:port", true, ["port"]],
  ["bitmap:ip,mac", true, ["ip", "mac"]],
  ["hash:net,iface", true, ["net", "iface"]],
  ["hash:ip,mark", true, ["ip", "mark"]],
  ["list:set", true, ["set"]],
  ["hash:ip,ip", false, ["ip", "ip"]],
  ["hash:ip,vlan", false, ["ip", "unknown"]],
  ["tree:ip", false, ["ip"]],
  ["iphash", false, ["unknown"]],
  ["", false, ["unknown"]],
])("the type %j is known: %j, and made of %j", (type, known, dimensions) => {
  expect(describeType(type)).toEqual({ known, dimensions });
});
