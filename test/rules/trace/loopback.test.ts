// Addresses that the kernel takes no packet for, or from. In: rows. Out: where packets end.
import { describe, expect, test } from "@jest/globals";
import { aPacket, waysOf, type NodeFields, type PacketFields, type Rules } from "./a-trace.ts";

describe("loopback and the node's own addresses", () => {
  const noRules: Rules = { filter: [] };
  const toLoopback: Rules = {
    nat: ["-A PREROUTING -j DNAT --to-destination 127.0.0.1:8080", "-A OUTPUT -j DNAT --to-destination 10.1.0.1:8080"],
  };
  const toLoopback6: Rules = {
    nat: ["-A PREROUTING -j DNAT --to-destination [::1]:8080", "-A OUTPUT -j DNAT --to-destination [fd00:1::1]:8080"],
  };
  const sysctl = "sysctl net.ipv4.conf.all.route_localnet";
  test.each<readonly [string, Rules, PacketFields, NodeFields, readonly string[]]>([
    ["127.0.0.0/8 from the network", noRules, { destination: "127.0.0.1" }, {}, ["dropped"]],
    [
      "the same with route_localnet",
      noRules,
      { destination: "127.0.0.1" },
      { routeLocalnet: true },
      ["to 127.0.0.1:80 here"],
    ],
    [
      "the same where the sysctl is not known",
      noRules,
      { destination: "127.0.0.1" },
      { routeLocalnet: undefined },
      [`if not ${sysctl}: dropped`, `if ${sysctl}: to 127.0.0.1:80 here`],
    ],
    ["DNAT to 127.0.0.1 from the network", toLoopback, {}, {}, ["dropped"]],
    ["the same with route_localnet", toLoopback, {}, { routeLocalnet: true }, ["DNAT to 127.0.0.1:8080 here"]],
    ["from 127.0.0.1 on the network", noRules, { source: "127.0.0.1" }, {}, ["dropped"]],
    ["from the node's own address on the network", noRules, { source: "192.168.0.2" }, {}, ["dropped"]],
    ["the same in IPv6, which is not looked at", noRules, { source: "fd00:192::2" }, {}, ["to [fd00:1::9]:80 on"]],
    ["::1 from the network", noRules, { destination: "::1" }, { routeLocalnet: true }, ["dropped"]],
    ["from ::1 on the network", toLoopback6, { source: "::1" }, { routeLocalnet: true }, ["dropped"]],
    ["DNAT to ::1 from the network", toLoopback6, { destination: "fd00:192::2" }, { routeLocalnet: true }, ["dropped"]],
    [
      "the node's own from 127.0.0.1, sent on",
      toLoopback,
      { origin: "node", source: "127.0.0.1", destination: "127.0.0.1" },
      {},
      ["dropped"],
    ],
    [
      "the same with route_localnet",
      toLoopback,
      { origin: "node", source: "127.0.0.1", destination: "127.0.0.1" },
      { routeLocalnet: true },
      ["DNAT to 10.1.0.1:8080 on"],
    ],
    [
      "the node's own from ::1, sent on",
      toLoopback6,
      { origin: "node", source: "::1", destination: "::1" },
      { routeLocalnet: true },
      ["dropped"],
    ],
    [
      "the node's own to 127.0.0.1",
      noRules,
      { origin: "node", source: "127.0.0.1", destination: "127.0.0.1" },
      {},
      ["to 127.0.0.1:80 here"],
    ],
    ["the node's own to ::1", noRules, { origin: "node", source: "::1", destination: "::1" }, {}, ["to [::1]:80 here"]],
  ])("%s", (_, rules, fields, node, ways) => {
    expect(waysOf(rules, aPacket(fields), { node })).toEqual(ways);
  });
});
