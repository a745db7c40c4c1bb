// Tests of rules/explain/placed-hop.ts.
import { describe, expect, test } from "@jest/globals";
import {
  acceptsEarly,
  ending,
  isBalancing,
  isOurChain,
  placeHops,
  translation,
  whoseChain,
} from "../../../rules/explain/placed-hop.ts";
import { parseFirewalls } from "../../../rules/trace/firewall.ts";
import { buildTracer, type Branch } from "../../../rules/trace/trace.ts";
import { anIp } from "../../make/objects.ts";

function branch(text: string): Branch {
  const firewall = parseFirewalls(text).firewalls[4];
  if (firewall === undefined) throw new Error("bug: no rules");
  const node = { localIps: [], interfaces: [], routeLocalnet: undefined };
  const packet = {
    source: anIp("192.0.2.1"),
    destination: anIp("10.96.0.1"),
    destinationPort: 80,
    protocol: "tcp",
    origin: "network",
  } as const;
  const [only] = buildTracer(firewall, node).trace(packet);
  if (only === undefined) throw new Error("bug: no branch");
  return only;
}

const dump = `*nat
:KUBE-SERVICES - [0:0]
:OTHER - [0:0]
-A PREROUTING -j KUBE-SERVICES
-A KUBE-SERVICES -j OTHER
-A OTHER -j DNAT --to-destination 10.1.0.1:8080
-A POSTROUTING -j OTHER
COMMIT
*filter
-A FORWARD -p tcp -j DROP
COMMIT
`;

test("each rule is ours or not, with the built-in chain it was reached from", () => {
  const placed = placeHops(branch(dump).hops);
  expect(placed.map(({ hop, hook, foreign, entry }) => [hop.chain, hook, foreign, entry?.chain])).toEqual([
    ["PREROUTING", "PREROUTING", false, undefined],
    ["KUBE-SERVICES", "PREROUTING", false, "PREROUTING"],
    ["OTHER", "PREROUTING", true, "PREROUTING"],
    ["FORWARD", "FORWARD", true, undefined],
  ]);
});

test("the translation and the end are the rules that decided", () => {
  const way = branch(dump);
  expect([translation(placeHops(way.hops))?.hop.line, ending(way)?.hop.line]).toEqual([6, 10]);
  expect([
    translation([]),
    ending({
      ...way,
      end: {
        kind: "delivered",
        to: anIp("10.1.0.1"),
        port: 1,
        here: false,
        translated: true,
        source: { kind: "kept" },
      },
    }),
  ]).toEqual([undefined, undefined]);
});

test.each([
  ["-A PREROUTING -j ACCEPT", true],
  ["-A PREROUTING -j RETURN", true],
  ["-A PREROUTING -j X\n-A X -j ACCEPT", true],
  ["-A PREROUTING -j DNAT --to-destination 10.1.0.1", false],
])("%s ends the table with nothing done: %s", (rules, ends) => {
  const { hops } = branch(`*nat\n:X - [0:0]\n${rules}\nCOMMIT\n`);
  expect(placeHops(hops).some(acceptsEarly)).toBe(ends);
});

describe("chains", () => {
  test.each([
    ["KUBE-SERVICES", "nat", true],
    ["KUBE-SVC-10.96.0.0/20", "nat", true],
    ["KUBE-PROXY-CANARY", "mangle", true],
    ["KUBE-SERVICES", "raw", false],
    ["KUBE-ROUTER-INPUT", "filter", false],
    ["DOCKER", "nat", false],
  ])("%s of %s: ours %s", (chain, table, ours) => {
    expect(isOurChain(chain, table)).toBe(ours);
  });

  test.each([
    ["CNI-HOSTPORT-DNAT", "the CNI plugin portmap"],
    ["DOCKER-ISOLATION-STAGE-1", "Docker"],
    ["cali-FORWARD", "Calico"],
    ["KUBE-ROUTER-FORWARD", "kube-router"],
    ["KUBE-MARK-DROP", "kubelet or another part of Kubernetes"],
    ["mine", undefined],
  ])("%s are those of %s", (chain, whose) => {
    expect(whoseChain(chain)).toBe(whose);
  });
});

test("virtual servers and real servers are nobody's rules, and led to by none", () => {
  const text = `${dump.replace("-A KUBE-SERVICES -j OTHER\n", "")}-A -t 10.96.0.1:80 -s rr\n`;
  const device = '[{"ifname":"kube-ipvs0","addr_info":[{"local":"10.96.0.1"}]}]\n';
  const placed = placeHops(branch(text + device).hops).filter(({ hop }) => isBalancing(hop));
  expect(placed.map(({ hop, hook, foreign, entry }) => [hop.does, hook, foreign, entry])).toEqual([
    ["-A -t 10.96.0.1:80 -s rr", "INPUT", false, undefined],
  ]);
  expect(ending(branch(text + device))?.hop.table).toBe("ip_vs");
});
