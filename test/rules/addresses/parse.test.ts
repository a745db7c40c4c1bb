// Tests of rules/addresses/parse.ts.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseAddresses } from "../../../rules/addresses/parse.ts";
import { values } from "../../../rules/radix/radix.ts";

const node = JSON.stringify([
  {
    ifindex: 1,
    ifname: "lo",
    addr_info: [
      { family: "inet", local: "127.0.0.1" },
      { family: "inet6", local: "::1" },
    ],
  },
  { ifindex: 2, ifname: "eth0", addr_info: [{ local: "192.168.0.2" }, { local: "192.168.0.2" }, { local: "fe80::1" }] },
  {},
  {
    ifname: "kube-ipvs0",
    flags: ["NOARP"],
    addr_info: [{ local: "10.96.0.1", prefixlen: 32 }, { local: "fd00:96::1" }, { local: "fe80::2" }],
  },
]);

test.each([
  [4 as const, ["10.96.0.1"], ["127.0.0.1", "192.168.0.2"]],
  [6 as const, ["fd00:96::1"], ["::1", "fe80::1"]],
])("reads the addresses of IPv%i, those of the device apart", (family, ours, others) => {
  const found = parseAddresses(node, family);
  expect(values(found.ours.held).map(({ ip }) => ip)).toEqual(ours);
  expect([found.ours.device, found.ours.shared, found.others, found.problems]).toEqual([true, true, others, []]);
});

test.each([
  ["", []],
  ["[]", []],
  ["[{}]", []],
  ["not json", ["not-json"]],
  ['{"ifname":"lo"}', ["not-a-device"]],
  ['[{"addr_info":[{"local":"10.0.0.300"}]}]', ["not-an-address"]],
  ['[{"addr_info":[{"local":"10.0.0.1; reboot"}]}]', ["not-an-address"]],
])("%j has the problems %j and no device", (text, codes) => {
  const { ours, problems } = parseAddresses(text, 4);
  expect([ours.device, ours.held.size, problems.map(({ code }) => code)]).toEqual([false, 0, codes]);
});

test("no text makes an exception", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(parseAddresses(text, 4).ours.held.size).toBe(0);
    }),
  );
});
