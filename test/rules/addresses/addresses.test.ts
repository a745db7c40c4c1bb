// Tests of rules/addresses/addresses.ts.
import { expect, test } from "@jest/globals";
import {
  diffAddresses,
  noAddresses,
  renderAddressChanges,
  type Addresses,
} from "../../../rules/addresses/addresses.ts";
import { ipDigits } from "../../../rules/net/ip.ts";
import { radixOf } from "../../../rules/radix/radix.ts";
import { anIp } from "../../make/objects.ts";

function held(...ips: readonly string[]): Addresses {
  const list = ips.map(anIp).map((ip) => ({ key: ipDigits(ip), value: { ip, service: "default/web" } }));
  return { device: true, shared: false, held: radixOf(list) };
}

function lines(before: Addresses, after: Addresses, needed?: (ip: string) => boolean) {
  const { additions, removals } = diffAddresses(before, after, needed);
  return [renderAddressChanges(additions), renderAddressChanges(removals)];
}

test.each([
  [
    "the device is made first",
    noAddresses,
    held("10.96.0.1"),
    "link add kube-ipvs0 type dummy\naddress replace 10.96.0.1/32 dev kube-ipvs0\n",
    "",
  ],
  [
    "one comes, one goes",
    held("10.96.0.1"),
    held("10.96.0.2"),
    "address replace 10.96.0.2/32 dev kube-ipvs0\n",
    "address del 10.96.0.1/32 dev kube-ipvs0\n",
  ],
  ["IPv6", held(), held("fd00::1"), "address replace fd00::1/128 dev kube-ipvs0 preferred_lft 0\n", ""],
  ["nothing differs", held("10.96.0.1"), held("10.96.0.1"), "", ""],
  ["the device goes with all that it holds", held("10.96.0.1"), noAddresses, "", "link delete kube-ipvs0\n"],
  [
    "the device stays for the other family",
    { ...held("10.96.0.1"), shared: true },
    noAddresses,
    "",
    "address del 10.96.0.1/32 dev kube-ipvs0\n",
  ],
])("%s", (_, before, after, added, removed) => {
  expect(lines(before, after)).toEqual([added, removed]);
});

test("an address that is still needed stays, and the device with it", () => {
  expect(lines(held("10.96.0.1", "10.96.0.2"), noAddresses, (ip) => ip === "10.96.0.2")).toEqual([
    "",
    "address del 10.96.0.1/32 dev kube-ipvs0\n",
  ]);
});
