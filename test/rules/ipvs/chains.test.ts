// Tests of rules/ipvs/chains.ts; what the rules mean is tested in meaning.test.ts.
import { expect, test } from "@jest/globals";
import { filterTable, fixedChainNames, mangleTable, natTable } from "../../../rules/ipvs/chains.ts";
import { ruleLine } from "../../../rules/iptables/text/render-rule.ts";
import { needsLoopbackGuard, type View } from "../../../rules/model/view.ts";
import { aView, type ViewFields } from "../../make/node.ts";
import { aCidr } from "../../make/objects.ts";

const roots = { services: [], nodePorts: [] };

function tablesOf(view: View) {
  return { mangle: mangleTable(view), nat: natTable(view, roots), filter: filterTable(view) };
}

function linesOf(view: View, table: "mangle" | "nat" | "filter", chain: string): string[] {
  const found = tablesOf(view)[table].chains.find(({ name }) => name === chain);
  return (found?.rules ?? []).map((rule) =>
    ruleLine("", rule)
      .replace(/^-A "" ?/, "")
      .replace(/-m comment --comment ("[^"]*"|\S+) /, ""),
  );
}

test.each([4, 6] as const)(
  "chains and jumps of IPv%i are the same whatever the Services are, and each chain is led to",
  (family) => {
    const view = aView({ family });
    const tables = tablesOf(view);
    for (const table of ["mangle", "nat", "filter"] as const) {
      const names = tables[table].chains.map(({ name }) => name as string);
      const guard = needsLoopbackGuard(view) && table === "filter" ? ["KUBE-FIREWALL"] : [];
      expect([...names].sort()).toEqual([...fixedChainNames[table], ...guard].sort());
      const rules = [
        ...tables[table].jumps.map(({ rule }) => rule),
        ...tables[table].chains.flatMap((chain) => chain.rules),
      ];
      const led = new Set(rules.flatMap(({ target }) => (target?.kind === "jump" ? [target.chain as string] : [])));
      expect([...led].sort()).toEqual([...names].sort());
    }
  },
);

test.each<[string, ViewFields, string[]]>([
  ["a block of pods", {}, ["! -s 10.0.0.0/8 -m set --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ"]],
  [
    "an interface of pods",
    { settings: { detectLocal: { mode: "BridgeInterface", bridgeInterface: "cni0" } } },
    ["! -i cni0 -m set --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ"],
  ],
  [
    "all masqueraded",
    { settings: { masqueradeAll: true } },
    ["-m set --match-set KUBE-CLUSTER-IP dst,dst -j KUBE-MARK-MASQ"],
  ],
  ["pods that cannot be told", { settings: { detectLocal: { mode: "ClusterCIDR", cidrs: [] } } }, []],
  [
    "a block of the other family",
    { settings: { detectLocal: { mode: "ClusterCIDR", cidrs: [aCidr("fd00::/8")] } } },
    [],
  ],
])("clients of cluster IPs are masqueraded with %s", (_, fields, lines) => {
  expect(linesOf(aView(fields), "nat", "KUBE-SERVICES").filter((line) => line.includes("KUBE-CLUSTER-IP"))).toEqual(
    lines,
  );
});

test("nobody else's nat rules take what is addressed to the device, and only after all marks", () => {
  expect(linesOf(aView(), "nat", "KUBE-SERVICES").at(-1)).toBe("-m set --match-set KUBE-IPVS-IPS dst -j ACCEPT");
});

test.each([
  [4, "icmp-port-unreachable", "KUBE-"],
  [6, "icmp6-port-unreachable", "KUBE-6-"],
] as const)("IPv%i refuses with %s, first what has no endpoints, last what no Service has", (family, how, prefix) => {
  const lines = linesOf(aView({ family }), "filter", "KUBE-IPVS-FILTER");
  const refusal = (set: string, flags: string) =>
    `-m conntrack --ctstate NEW -m set --match-set ${prefix}${set} ${flags} -j REJECT --reject-with ${how}`;
  expect([lines[0], lines.at(-1)]).toEqual([refusal("NO-ENDPOINTS", "dst,dst"), refusal("IPVS-IPS", "dst")]);
  expect(linesOf(aView({ family }), "filter", "KUBE-IPVS-OUT-FILTER")).toEqual([refusal("NO-ENDPOINTS", "dst,dst")]);
});

test.each([
  [false, true],
  [true, false],
])("with tcpBeLiberal %s INVALID packets are dropped: %s", (tcpBeLiberal, dropped) => {
  const lines = linesOf(aView({ settings: { tcpBeLiberal } }), "filter", "KUBE-FORWARD");
  expect(lines.includes("-m conntrack --ctstate INVALID -j DROP")).toBe(dropped);
});

test("who comes to an address that only local endpoints could serve is dropped, but for pods and the node itself", () => {
  expect(linesOf(aView(), "mangle", "KUBE-NO-LOCAL")).toEqual([
    "-s 10.0.0.0/8 -j RETURN",
    "-m addrtype --src-type LOCAL -j RETURN",
    "-j DROP",
  ]);
});
