// Tests of rules/ipvs/node.ts.
import { expect, test } from "@jest/globals";
import { buildIpvsNode } from "../../../rules/ipvs/node.ts";
import { defaultScheduler } from "../../../rules/ipvs/scheduler.ts";
import type { Settings } from "../../../rules/model/settings.ts";
import type { Family } from "../../../rules/net/ip.ts";
import { aNode, aView } from "../../make/node.ts";
import { aCidr, anIp } from "../../make/objects.ts";

const node = { localIps: ["::1", "fe80::5", "fd00:192::2", "192.168.0.2", "127.0.0.1", "172.16.0.2"].map(anIp) };

test.each<[Family, Settings["nodePortAddresses"], string[]]>([
  [4, "all", ["172.16.0.2", "192.168.0.2"]],
  [6, "all", ["fd00:192::2"]],
  [4, "primary", ["192.168.0.2"]],
  [4, [aCidr("172.16.0.0/12"), aCidr("127.0.0.0/8")], ["172.16.0.2"]],
  [4, [aCidr("203.0.113.0/24")], []],
])("node ports of IPv%i with nodePortAddresses %j are at %j", (family, nodePortAddresses, ips) => {
  const view = aView({ family, node, settings: { nodePortAddresses } });
  const settings = { scheduler: defaultScheduler, excludeCidrs: [] };
  expect(buildIpvsNode(aNode(node), settings, view).nodePortIps).toEqual(ips);
});

test("keeps addresses and excluded blocks of its family only", () => {
  const settings = { scheduler: defaultScheduler, excludeCidrs: [aCidr("10.0.0.0/8"), aCidr("fd00::/8")] };
  const built = buildIpvsNode(aNode(node), settings, aView({ family: 6, node }));
  expect(built.localIps).toEqual(["::1", "fd00:192::2", "fe80::5"]);
  expect(built.excludeCidrs).toEqual(["fd00::/8"]);
});
