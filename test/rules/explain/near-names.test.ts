// Tests of rules/explain/near-names.ts.
import { expect, test } from "@jest/globals";
import { nearNames } from "../../../rules/explain/near-names.ts";

const names = ["default/cart", "default/web", "default/web-canary", "shop/cart", "x"];

test.each([
  ["default/web", ["default/web", "default/web-canary"]],
  ["default/wbe", ["default/web"]],
  ["Default/Cart", ["default/cart", "shop/cart"]],
  ["other/cart", ["default/cart", "shop/cart"]],
  ["default/web-canry", ["default/web-canary", "default/web"]],
  ["shop/card", ["shop/cart"]],
  ["web", ["default/web", "default/web-canary"]],
  ["other/thing", []],
  ["", ["x"]],
])("%j may have meant %j", (name, expected) => {
  expect(nearNames(name, names).slice(0, 2)).toEqual(expected);
});

test("tells no more than asked", () => {
  expect(nearNames("web", ["web1", "web2", "web3", "web4"])).toEqual(["web1", "web2", "web3"]);
  expect(nearNames("web", ["web1", "web2"], 1)).toEqual(["web1"]);
});
