import { describe, expect, test } from "@jest/globals";
import type { Distinction } from "../../../rules/trace/match/test.ts";
import type { ConnectionState, Packet } from "../../../rules/trace/packet.ts";
import { buildTracer } from "../../../rules/trace/trace.ts";
import { aCidr, anIp } from "../../make/objects.ts";
import { aNode, aPacket, branchesOf, dumpText, firewallOf, hopsOf, ownPacket, waysOf, type Rules } from "./a-trace.ts";

/** A rule in every chain that there is, each of which is told of where it took part. */
const everywhere: Rules = Object.fromEntries(
  Object.entries({
    raw: ["PREROUTING", "OUTPUT"],
    mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
    nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
    filter: ["INPUT", "FORWARD", "OUTPUT"],
    security: ["INPUT", "FORWARD", "OUTPUT"],
  }).map(([table, chains]) => [table, chains.map((chain) => `-A ${chain} -j RETURN`)]),
);

describe("the order of tables at the hooks", () => {
  const through = ["raw PREROUTING", "mangle PREROUTING", "nat PREROUTING"];
  const forward = ["mangle FORWARD", "filter FORWARD", "security FORWARD"];
  const input = ["mangle INPUT", "filter INPUT", "security INPUT"];
  const output = ["raw OUTPUT", "mangle OUTPUT", "nat OUTPUT", "filter OUTPUT", "security OUTPUT"];
  const postrouting = ["mangle POSTROUTING", "nat POSTROUTING"];

  test.each<readonly [string, Packet, readonly string[]]>([
    ["through the node", aPacket(), [...through, ...forward, ...postrouting]],
    ["to the node", aPacket({ destination: "192.168.0.2" }), [...through, ...input, "nat INPUT"]],
    ["from the node", ownPacket(), [...output, ...postrouting]],
    [
      "from the node to itself, by lo: translated on the way out, and not again on the way in",
      ownPacket({ destination: "192.168.0.2" }),
      [...output, ...postrouting, "raw PREROUTING", "mangle PREROUTING", ...input],
    ],
    [
      "of a connection that is there",
      aPacket({ state: "ESTABLISHED" }),
      [...through, ...forward, ...postrouting].filter((hop) => !hop.startsWith("nat")),
    ],
  ])("%s", (_, packet, hops) => {
    expect(hopsOf(everywhere, packet)).toEqual(hops.map((hop) => `${hop}: -j RETURN`));
  });

  test.each<readonly [ConnectionState, string, boolean]>([
    ["NEW", "tcp", true],
    ["RELATED", "tcp", true],
    ["ESTABLISHED", "tcp", false],
    ["INVALID", "tcp", false],
    ["UNTRACKED", "tcp", false],
    // An ICMP error is translated as the connection that it is about.
    ["RELATED", "icmp", false],
    ["NEW", "icmp", true],
  ])("state %s, %s: the nat table is passed: %s", (state, protocol, passed) => {
    const ways = waysOf(
      { nat: ["-A PREROUTING -j DNAT --to-destination 10.1.0.1"] },
      aPacket({ state, protocol, destinationPort: 80 }),
    );
    expect(ways).toEqual([passed ? "DNAT to 10.1.0.1:80 on" : "to 10.1.0.9:80 on"]);
  });

  test("NOTRACK in raw: nat is not passed, and the state is UNTRACKED from then on", () => {
    const rules = {
      raw: ["-A PREROUTING -j CT --notrack", "-A PREROUTING -m conntrack --ctstate UNTRACKED -j RETURN"],
      nat: ["-A PREROUTING -j DNAT --to-destination 10.1.0.1:8080"],
      filter: [":FORWARD DROP", "-A FORWARD -m conntrack --ctstate UNTRACKED -j ACCEPT"],
    };
    expect(waysOf(rules, aPacket())).toEqual(["to 10.1.0.9:80 on"]);
    expect(hopsOf(rules, aPacket())).toEqual([
      "raw PREROUTING: -j CT --notrack",
      "raw PREROUTING: -j RETURN",
      "filter FORWARD: -j ACCEPT",
    ]);
  });

  test("raw sees no connection yet, also in the mark of one; what comes back by lo has one", () => {
    const rules = {
      raw: [
        "-A PREROUTING -m conntrack --ctstate NEW -j DROP",
        "-A PREROUTING -m connmark ! --mark 0x5 -j DROP",
        "-A OUTPUT -m conntrack ! --ctstate INVALID -j DROP",
      ],
    };
    expect(waysOf(rules, aPacket())).toEqual(["to 10.1.0.9:80 on"]);
    expect(waysOf(rules, ownPacket({ destination: "192.168.0.2" }))).toEqual(["dropped"]);
  });

  test("NOTRACK is too late for what comes back by lo", () => {
    const rules = {
      raw: ["-A PREROUTING -j CT --notrack"],
      filter: ["-A INPUT -m conntrack --ctstate UNTRACKED -j DROP"],
    };
    expect(waysOf(rules, ownPacket({ destination: "192.168.0.2" }))).toEqual(["to 192.168.0.2:80 here"]);
  });
});

describe("translations", () => {
  test.each<readonly [string, Rules, Packet, string]>([
    [
      "DNAT to elsewhere goes by FORWARD",
      {
        nat: ["-A PREROUTING -d 192.168.0.2/32 -j DNAT --to-destination 10.1.0.1:8080"],
        filter: ["-A FORWARD -d 10.1.0.1/32 -p tcp -m tcp --dport 8080 -j REJECT --reject-with tcp-reset"],
      },
      aPacket({ destination: "192.168.0.2" }),
      "rejected tcp-reset",
    ],
    [
      "DNAT to the node goes by INPUT",
      { nat: ["-A PREROUTING -j DNAT --to-destination 192.168.0.2:8080"], filter: [":FORWARD DROP"] },
      aPacket(),
      "DNAT to 192.168.0.2:8080 here",
    ],
    [
      "DNAT of the node's own to itself comes in again",
      {
        nat: ["-A OUTPUT -j DNAT --to-destination 192.168.0.2:8080"],
        filter: ["-A INPUT -i lo -p tcp -m tcp --dport 8080 -j DROP"],
      },
      ownPacket(),
      "dropped",
    ],
    [
      "only the first translation counts",
      {
        nat: ["-A PREROUTING -j DNAT --to-destination 10.1.0.1:1", "-A PREROUTING -j DNAT --to-destination 10.1.0.2:2"],
      },
      aPacket(),
      "DNAT to 10.1.0.1:1 on",
    ],
    [
      "SNAT on the way out",
      { nat: ["-A POSTROUTING -o cni0 -j SNAT --to-source 192.168.0.77"] },
      aPacket(),
      "to 10.1.0.9:80 on from 192.168.0.77",
    ],
    [
      "SNAT on the way in",
      { nat: ["-A INPUT -j SNAT --to-source 192.168.0.77"] },
      aPacket({ destination: "192.168.0.2" }),
      "to 192.168.0.2:80 here from 192.168.0.77",
    ],
    [
      "MASQUERADE by the interface of the new destination",
      { nat: ["-A PREROUTING -j DNAT --to-destination 10.1.0.1:8080", "-A POSTROUTING -o cni0 -j MASQUERADE"] },
      aPacket({ destination: "203.0.113.99" }),
      "DNAT to 10.1.0.1:8080 on from 192.168.0.2",
    ],
    [
      "the state DNAT is that of the connection",
      {
        nat: ["-A PREROUTING -j DNAT --to-destination 10.1.0.1:8080"],
        filter: ["-A FORWARD -m conntrack ! --ctstate DNAT -j DROP"],
      },
      aPacket(),
      "DNAT to 10.1.0.1:8080 on",
    ],
    [
      "DNAT to where it was sent anyway is none for that state",
      {
        nat: ["-A PREROUTING -j DNAT --to-destination 10.1.0.9:80"],
        filter: ["-A FORWARD -m conntrack --ctstate DNAT -j DROP"],
      },
      aPacket(),
      "DNAT to 10.1.0.9:80 on",
    ],
    [
      "REDIRECT",
      { nat: ["-A PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080"] },
      aPacket(),
      "DNAT to 192.168.0.2:8080 here",
    ],
    [
      "REDIRECT of the node's own",
      { nat: ["-A OUTPUT -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080"] },
      ownPacket(),
      "DNAT to 127.0.0.1:8080 here",
    ],
    [
      "REDIRECT by an interface without an address",
      { nat: ["-A PREROUTING -j REDIRECT --to-ports 8080"] },
      aPacket({ inInterface: "cni0" }),
      "undecided -j REDIRECT --to-ports 8080",
    ],
    [
      "IPv6",
      {
        nat: [
          "-A PREROUTING -d fd00:96::1/128 -p tcp -j DNAT --to-destination [fd00:1::1]:8080",
          "-A POSTROUTING -j MASQUERADE",
        ],
      },
      aPacket({ destination: "fd00:96::1" }),
      "DNAT to [fd00:1::1]:8080 on from fd00:192::2",
    ],
  ])("%s", (_, rules, packet, way) => {
    expect(waysOf(rules, packet)).toEqual([way]);
  });
});

describe("interfaces", () => {
  const own = { destination: "203.0.113.99" };
  const dnat = ["-A OUTPUT -j DNAT --to-destination 10.1.0.1:8080"];
  test.each<readonly [string, Rules, Packet, string]>([
    ["FORWARD has both", { filter: ["-A FORWARD -i eth0 -o cni0 -j DROP"] }, aPacket(), "dropped"],
    ["so has POSTROUTING", { mangle: ["-A POSTROUTING -j X", "-A X -i eth0 -o cni0 -j DROP"] }, aPacket(), "dropped"],
    [
      "of the node's own POSTROUTING has the one it leaves by",
      { mangle: ["-A POSTROUTING -j X", "-A X -i + -o cni0 -j X2", "-A X2 ! -i eth0 -j DROP"] },
      ownPacket(),
      "dropped",
    ],
    [
      "OUTPUT has the one to where the packet was sent at first",
      { nat: dnat, filter: ["-A OUTPUT -o cni0 -j DROP"] },
      ownPacket(own),
      "DNAT to 10.1.0.1:8080 on",
    ],
    [
      "and POSTROUTING the one to where it goes",
      { nat: [...dnat, "-A POSTROUTING -o cni0 -j SNAT --to-source 1.2.3.4"] },
      ownPacket(own),
      "DNAT to 10.1.0.1:8080 on from 1.2.3.4",
    ],
    [
      "INPUT has none to leave by",
      { filter: ["-A INPUT ! -o eth0 -j DROP"] },
      aPacket({ destination: "192.168.0.2" }),
      "dropped",
    ],
  ])("%s", (_, rules, packet, way) => {
    expect(waysOf(rules, packet)).toEqual([way]);
  });

  test("one that is not known is asked about", () => {
    const rules = { filter: ["-A FORWARD -o cni0 -j DROP"] };
    expect(waysOf(rules, aPacket(), { node: { interfaces: [] } })).toEqual([
      "if -o cni0: dropped",
      "if not -o cni0: to 10.1.0.9:80 on",
    ]);
  });

  test("marks and a rewritten source are there when the packet comes back by lo", () => {
    const rules = {
      mangle: ["-A OUTPUT -j MARK --or-mark 0x4"],
      nat: ["-A POSTROUTING -j SNAT --to-source 192.168.0.77"],
      filter: ["-A INPUT -s 192.168.0.77/32 -m mark --mark 0x4 -j DROP"],
    };
    expect(waysOf(rules, ownPacket({ destination: "192.168.0.2" }))).toEqual(["dropped"]);
  });
});

describe("policies", () => {
  test.each<readonly [string, Rules, Packet, string]>([
    ["INPUT", { filter: [":INPUT DROP"] }, aPacket({ destination: "192.168.0.2" }), "dropped"],
    ["FORWARD", { filter: [":FORWARD DROP"] }, aPacket(), "dropped"],
    ["OUTPUT", { filter: [":OUTPUT DROP"] }, ownPacket(), "dropped"],
    [
      "FORWARD is not for what the node gets",
      { filter: [":FORWARD DROP"] },
      aPacket({ destination: "192.168.0.2" }),
      "to 192.168.0.2:80 here",
    ],
    ["PREROUTING in raw", { raw: [":PREROUTING DROP"] }, aPacket(), "dropped"],
    ["POSTROUTING in mangle", { mangle: [":POSTROUTING DROP"] }, aPacket(), "dropped"],
    [
      "INPUT for what the node sends to itself",
      { filter: [":INPUT DROP"] },
      ownPacket({ destination: "192.168.0.2" }),
      "dropped",
    ],
    [
      "ACCEPT in one table is not ACCEPT in the next",
      { mangle: ["-A FORWARD -j ACCEPT"], filter: [":FORWARD DROP"] },
      aPacket(),
      "dropped",
    ],
  ])("DROP of %s", (_, rules, packet, way) => {
    expect(waysOf(rules, packet)).toEqual([way]);
  });
});

describe("chances", () => {
  test.each<readonly [string, Rules, readonly string[]]>([
    [
      "equal ones as kube-proxy writes them, exactly",
      {
        nat: [
          "-A PREROUTING -m statistic --mode random --probability 0.33333333349 -j DNAT --to-destination 10.1.0.1:80",
          "-A PREROUTING -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.1.0.2:80",
          "-A PREROUTING -j DNAT --to-destination 10.1.0.3:80",
        ],
      },
      [
        "1431655765/4294967296 DNAT to 10.1.0.2:80 on",
        "1431655765/4294967296 DNAT to 10.1.0.3:80 on",
        "715827883/2147483648 DNAT to 10.1.0.1:80 on",
      ],
    ],
    [
      "nth",
      {
        nat: [
          "-A PREROUTING -m statistic --mode nth --every 3 --packet 0 -j DNAT --to-destination 10.1.0.1:80",
          "-A PREROUTING -m statistic --mode nth --every 2 --packet 0 -j DNAT --to-destination 10.1.0.2:80",
          "-A PREROUTING -j DNAT --to-destination 10.1.0.3:80",
        ],
      },
      ["1/3 DNAT to 10.1.0.1:80 on", "1/3 DNAT to 10.1.0.2:80 on", "1/3 DNAT to 10.1.0.3:80 on"],
    ],
    [
      "across tables",
      {
        nat: ["-A PREROUTING -m statistic --mode random --probability 0.5 -j DNAT --to-destination 10.1.0.1:80"],
        filter: ["-A FORWARD -d 10.1.0.1/32 -m statistic --mode random --probability 0.5 -j DROP"],
      },
      ["1/2 to 10.1.0.9:80 on", "1/4 DNAT to 10.1.0.1:80 on", "1/4 dropped"],
    ],
    [
      "never",
      { filter: ["-A FORWARD -m statistic --mode random --probability 0.00000000000 -j DROP"] },
      ["to 10.1.0.9:80 on"],
    ],
    ["always", { filter: ["-A FORWARD -m statistic --mode random --probability 1.00000000000 -j DROP"] }, ["dropped"]],
  ])("%s", (_, rules, ways) => {
    expect(waysOf(rules, aPacket())).toEqual(ways);
  });
});

describe("a tracer", () => {
  const firewall = firewallOf(
    dumpText({ filter: ["-A FORWARD -s 10.0.0.0/8 -j DROP", "-A FORWARD -i cni0 -j X", "-A X -j DROP"] }),
  );

  test("keeps nothing of one trace for the next", () => {
    const tracer = buildTracer(firewall, aNode());
    const first = tracer.trace(aPacket());
    tracer.trace(aPacket({ source: "10.0.0.1" }));
    expect(tracer.trace(aPacket())).toEqual(first);
  });

  test("tells of everything by which a rule that was asked tells clients apart, to the one who asked", () => {
    const tracer = buildTracer(firewall, aNode());
    const told: Distinction[] = [];
    tracer.trace(aPacket(), { tell: (each) => void told.push(each) });
    tracer.trace(aPacket({ source: "10.0.0.1" }));
    expect(told).toEqual([
      { kind: "block", block: "10.0.0.0/8" },
      { kind: "interface", name: "cni0" },
    ]);
  });

  test("has conditions with the line that asked, and nothing more", () => {
    const [branch] = branchesOf({ filter: ["-A OUTPUT -m socket -j DROP"] }, ownPacket());
    expect(branch?.conditions).toEqual([{ on: "-m socket", line: 4, holds: true }]);
  });

  test("of a table that is not there asks nothing", () => {
    expect(
      waysOf({ raw: [] }, aPacket(), {
        node: { interfaces: [{ name: "eth0", blocks: [aCidr("0.0.0.0/0")] }], localIps: [anIp("192.168.0.2")] },
      }),
    ).toEqual(["to 10.1.0.9:80 on"]);
  });
});
