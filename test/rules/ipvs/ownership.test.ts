// Tests of rules/ipvs/ownership.ts.
import { expect, test } from "@jest/globals";
import { ownedByIpvs, ownedServers } from "../../../rules/ipvs/ownership.ts";
import type { Protocol } from "../../../rules/decode/protocol.ts";
import { noAddresses } from "../../../rules/addresses/addresses.ts";
import { ipvsOf } from "../../make/ipvs.ts";
import { aCluster, anIp, aService, aSlice } from "../../make/objects.ts";

const { state } = ipvsOf(
  aCluster(
    aService({
      type: "LoadBalancer",
      externalIps: ["192.168.0.2"],
      loadBalancerIps: ["203.0.113.1"],
      ports: [{ nodePort: 30080 }],
    }),
    aSlice(),
    aService({
      name: "s",
      type: "NodePort",
      clusterIps: ["10.96.0.2"],
      ports: [{ protocol: "SCTP", nodePort: 30081 }],
    }),
    aSlice({ service: "s", ports: [{ protocol: "SCTP" }] }),
    aService({ name: "dead", clusterIps: ["10.96.0.3"], externalIps: ["172.16.0.2"] }),
  ),
);

test.each<[string, string, Protocol, number, boolean]>([
  ["at an address of the device", "10.96.0.1", "TCP", 9999, true],
  ["at an external IP that is the node's", "192.168.0.2", "TCP", 80, true],
  ["at one whose endpoints are gone", "172.16.0.2", "TCP", 80, true],
  ["at a node port", "192.168.0.2", "TCP", 30080, true],
  ["at a node port of another protocol", "192.168.0.2", "UDP", 30080, false],
  ["at a node port of an address that is not the node's", "198.51.100.50", "TCP", 30080, false],
  ["at an SCTP node port", "192.168.0.2", "SCTP", 30081, true],
  ["at another port of the node", "192.168.0.2", "TCP", 6443, false],
  ["at an address of others", "198.51.100.50", "TCP", 80, false],
])("a virtual server %s: %s %s %i is ours: %s", (_, ip, protocol, port, ours) => {
  expect(ownedServers(state.sets, state.addresses)({ ip: anIp(ip), protocol, port })).toBe(ours);
});

test("node ports that kube-proxy left are known without the set of addresses that it does not have", () => {
  const kept = Object.entries(state.sets.sets).filter(([name]) => name !== "KUBE-NODE-IPS");
  const sets = { ...state.sets, sets: Object.fromEntries(kept) };
  const server = { ip: anIp("192.168.0.2"), protocol: "TCP" as const, port: 30080 };
  expect(ownedServers(sets, noAddresses)(server)).toBe(true);
});

test.each([
  ["KUBE-IPVS-FILTER", "filter", true],
  ["KUBE-IPVS-FILTER", "nat", false],
  ["KUBE-LOAD-BALANCER", "nat", true],
  ["KUBE-PROXY-FIREWALL", "mangle", true],
  ["KUBE-SOURCE-RANGES-FIREWALL", "filter", true],
  ["KUBE-SOURCE-RANGES-FIREWALL", "nat", false],
  ["KUBE-SVC-LOCAL-POLICY", "nat", true],
  ["KUBE-NODEPORTS", "nat", true],
  ["KUBE-OTHERS", "nat", false],
  ["KUBE-KUBELET-CANARY", "mangle", false],
] as const)("the chain %s of %s is ours: %s", (chain, table, ours) => {
  expect(ownedByIpvs(chain, table)).toBe(ours);
});
