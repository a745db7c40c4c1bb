// Tests of rules/trace/balance.ts: packets that meet virtual servers, through whole traces.
import { describe, expect, test } from "@jest/globals";
import type { Packet } from "../../../rules/trace/packet.ts";
import { buildTracer, type Branch } from "../../../rules/trace/trace.ts";
import { aNode, aPacket, chanceText, dumpText, endText, firewallOf, ownPacket } from "./a-trace.ts";

const vip = "10.96.0.1";
const device = (...ips: readonly string[]) =>
  `[{"ifname":"kube-ipvs0","addr_info":[${ips.map((local) => JSON.stringify({ local })).join()}]}]\n`;
const server = (head: string, ...reals: readonly string[]) =>
  [`-A ${head}`, ...reals.map((real) => `-a ${head.split(" ").slice(0, 2).join(" ")} -r ${real}`), ""].join("\n");
const web = (options: string, ...reals: readonly string[]) => server(`-t ${vip}:80 ${options}`, ...reals);
const one = "10.1.0.1:8080 -m -w 1";
const two = "10.1.0.2:8080 -m -w 1";

type Rules = Parameters<typeof dumpText>[0];

function branches(servers: string, packet: Packet, rules: Rules = {}): readonly Branch[] {
  const text = `${dumpText({ filter: [], ...rules })}${device(vip, "fd00::1")}${servers}`;
  const firewall = firewallOf(text, packet.source.includes(":") ? 6 : 4);
  return buildTracer(firewall, aNode()).trace(packet);
}

function ways(...given: Parameters<typeof branches>): string[] {
  return branches(...given).map(({ chance, conditions, end }) => {
    const when = conditions.map(({ on }) => `${on}: `).join("");
    return `${when}${chanceText(chance) === "1" ? "" : `${chanceText(chance)} `}${endText(end)}`;
  });
}

const toVip = aPacket({ destination: vip });

describe("who is chosen", () => {
  test.each<[string, string[]]>([
    [web("-s rr", one, two), ["1/2 DNAT to 10.1.0.1:8080 on", "1/2 DNAT to 10.1.0.2:8080 on"]],
    [
      web("-s wrr", "10.1.0.1:8080 -m -w 3", two, "10.1.0.3:8080 -m -w 0"),
      ["3/4 DNAT to 10.1.0.1:8080 on", "1/4 DNAT to 10.1.0.2:8080 on"],
    ],
    [web("-s fo", "10.1.0.1:8080 -m -w 3", two), ["DNAT to 10.1.0.1:8080 on"]],
    [
      web("-s wlc", one, two, "10.1.0.3:8080 -m -w 0"),
      ["wlc chooses 10.1.0.1:8080: DNAT to 10.1.0.1:8080 on", "wlc chooses 10.1.0.2:8080: DNAT to 10.1.0.2:8080 on"],
    ],
    [web("-s wlc", one, "10.1.0.3:8080 -m -w 0"), ["DNAT to 10.1.0.1:8080 on"]],
    [
      web("-s ovf", one),
      ["ovf chooses none: rejected icmp-port-unreachable", "ovf chooses 10.1.0.1:8080: DNAT to 10.1.0.1:8080 on"],
    ],
    [
      web("-s sh", one, "10.1.0.3:8080 -m -w 0"),
      ["sh chooses none: rejected icmp-port-unreachable", "sh chooses 10.1.0.1:8080: DNAT to 10.1.0.1:8080 on"],
    ],
    [web("-s mh -b mh-fallback", one, "10.1.0.3:8080 -m -w 0"), ["DNAT to 10.1.0.1:8080 on"]],
    [web("-s rr", "10.1.0.3:8080 -m -w 0"), ["rejected icmp-port-unreachable"]],
    [web("-s rr"), ["rejected icmp-port-unreachable"]],
    // A real server on the node itself is reached without being sent out.
    [web("-s rr", "192.168.0.2:8080 -m -w 1"), ["DNAT to 192.168.0.2:8080 here"]],
    [web("-s rr", "192.168.0.2:80 -g -w 1"), [`DNAT to ${vip}:80 here`]],
    [web("-s rr", "127.0.0.1:8080 -m -w 1"), ["dropped"]],
    [web("-s rr", "10.1.0.1:80 -g -w 1"), ["undecided 10.1.0.1:80, where ip_vs sends it by routing"]],
    [server(`-t ${vip}:0 -s rr -p 60`, "10.1.0.1:0 -m -w 1"), ["DNAT to 10.1.0.1:80 on"]],
    [server("-f 5 -s rr", "10.1.0.1:0 -m -w 1"), [`to ${vip}:80 here`]],
    [server(`-u ${vip}:80 -s rr`, one), [`to ${vip}:80 here`]],
  ])("%j", (servers, expected) => {
    expect(ways(servers, toVip)).toEqual(expected);
  });

  test("of IPv6 too, and refused in its own words", () => {
    const packet = aPacket({ source: "2001:db8::7", destination: "fd00::1" });
    expect(ways(server("-t [fd00::1]:80 -s rr", "[fd00:1::1]:80 -m -w 1"), packet)).toEqual([
      "DNAT to [fd00:1::1]:80 on",
    ]);
    expect(ways(server("-t [fd00::1]:80 -s rr"), packet)).toEqual(["rejected icmp6-port-unreachable"]);
  });

  test("only what opens a connection", () => {
    expect(ways(web("-s rr", one), aPacket({ destination: vip, state: "ESTABLISHED" }))).toEqual([`to ${vip}:80 here`]);
  });

  test("by firewall mark, where a rule sets it", () => {
    const mark = { mangle: ["-A PREROUTING -j MARK --set-xmark 0x5/0xffffffff"] };
    expect(ways(server("-f 5 -s rr", "10.1.0.1:0 -m -w 1"), toVip, mark)).toEqual(["DNAT to 10.1.0.1:80 on"]);
  });

  test("a client that was there before goes there again, for so long; weight 0 forgets it", () => {
    const [first] = branches(web("-s rr -p 600", one, two), toVip);
    expect(first?.remembered).toEqual([`-t ${vip}:80 10.1.0.1:8080`]);
    const again = aPacket({ destination: vip, recent: new Set(first?.remembered) });
    expect(ways(web("-s rr -p 600", one, two), again)).toEqual(["DNAT to 10.1.0.1:8080 on"]);
    expect(branches(web("-s rr -p 600", one, two), again)[0]?.heldSeconds).toBe(600);
    expect(ways(web("-s rr -p 600", "10.1.0.1:8080 -m -w 0", two), again)).toEqual(["DNAT to 10.1.0.2:8080 on"]);
    expect(ways(web("-s rr", one, two), again)).toHaveLength(2);
  });
});

const chains = {
  raw: ["PREROUTING", "OUTPUT"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
};

describe("where it comes between the rules", () => {
  const seen = (rules: Rules, packet: Packet) =>
    branches(web("-s rr", one), packet, rules).flatMap(({ hops }) =>
      hops.map(({ table, chain }) => `${table} ${chain}`),
    );

  const all = Object.fromEntries(
    Object.entries(chains).map(([table, names]) => [
      table,
      names.map((chain) => `-A ${chain} -j ${table === "nat" ? "ACCEPT" : "MARK --set-xmark 0x1/0x1"}`),
    ]),
  );

  test("from the network: after filter INPUT, then all of OUTPUT but nat, then POSTROUTING", () => {
    expect(seen(all, toVip)).toEqual([
      ...["raw PREROUTING", "mangle PREROUTING", "nat PREROUTING", "mangle INPUT", "filter INPUT"],
      ...["ip_vs INPUT", "ip_vs INPUT"],
      ...["raw OUTPUT", "mangle OUTPUT", "filter OUTPUT", "mangle POSTROUTING", "nat POSTROUTING"],
    ]);
  });

  test("of the node: after nat OUTPUT and before filter OUTPUT", () => {
    expect(seen(all, ownPacket({ destination: vip }))).toEqual([
      ...["raw OUTPUT", "mangle OUTPUT", "nat OUTPUT"],
      ...["ip_vs OUTPUT", "ip_vs OUTPUT"],
      ...["raw OUTPUT", "mangle OUTPUT", "filter OUTPUT", "mangle POSTROUTING", "nat POSTROUTING"],
    ]);
  });

  test.each<[string, Rules, Packet, string]>([
    ["rules see the real server in OUTPUT", { filter: ["-A OUTPUT -d 10.1.0.1/32 -j DROP"] }, toVip, "dropped"],
    ["and the address of the Service in INPUT", { filter: [`-A INPUT -d ${vip}/32 -j DROP`] }, toVip, "dropped"],
    ["nothing passes FORWARD", { filter: ["-A FORWARD -j DROP"] }, toVip, "DNAT to 10.1.0.1:8080 on"],
    [
      "MASQUERADE rewrites the source",
      { nat: ["-A POSTROUTING -j MASQUERADE"] },
      toVip,
      "DNAT to 10.1.0.1:8080 on from 192.168.0.2",
    ],
    [
      "connection tracking does not call it DNATed",
      { filter: ["-A OUTPUT -m conntrack --ctstate DNAT -j DROP"] },
      toVip,
      "DNAT to 10.1.0.1:8080 on",
    ],
    [
      "what the node sends to the address comes from that address",
      { filter: [`-A OUTPUT -s ${vip}/32 -j DROP`] },
      ownPacket({ destination: vip }),
      "dropped",
    ],
    [
      "unless it says from where",
      { filter: [`-A OUTPUT -s ${vip}/32 -j DROP`] },
      ownPacket({ source: "127.0.0.1", destination: vip }),
      "dropped",
    ],
    ["module ipvs knows it", { filter: ["-A OUTPUT -m ipvs --ipvs -j DROP"] }, toVip, "dropped"],
    ["the address is the node's", { filter: ["-A INPUT -m addrtype --dst-type LOCAL -j DROP"] }, toVip, "dropped"],
    ["and nobody else's", {}, aPacket({ source: vip, destination: "10.1.0.9" }), "dropped"],
  ])("%s", (_, rules, packet, expected) => {
    expect(ways(web("-s rr", one), packet, rules)).toEqual([expected]);
  });
});

test("very many virtual servers' choices end, with their chance kept", () => {
  const many = Array.from({ length: 60_000 }, (_, at) => `10.2.${at >> 8}.${at & 255}:80 -m -w 1`);
  const found = branches(web("-s rr", ...many), toVip);
  expect(found.map(({ end }) => end)).toEqual([{ kind: "undecided", on: "more branches than can be followed" }]);
});
