// Tests of kube-proxy-layout.ts: options that the samples do not show, its structure, and the real tools.
import { describe, expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import type { EndpointSlice } from "../../rules/decode/endpoint-slice.ts";
import type { Service } from "../../rules/decode/service.ts";
import { buildModel } from "../../rules/model/model.ts";
import type { Family } from "../../rules/net/ip.ts";
import { describeLabs } from "../lab/describe-labs.ts";
import { clusters, views } from "./arbitrary.ts";
import { readChains } from "./kube-proxy-chains.ts";
import { renderKubeProxyLayout } from "./kube-proxy-layout.ts";
import { oneIn } from "./kube-proxy-words.ts";
import { aView, modelOf, type ViewFields } from "./node.ts";
import { aCidr, aCluster, aService, aSlice, podIp } from "./objects.ts";

// Real tools take some seconds where other tests run beside.
jest.setTimeout(60_000);

describe("what the samples do not show", () => {
  const ports = [{ nodePort: 30080 }];
  const nodePort = aService({ type: "NodePort", ports });
  const balancer = { type: "LoadBalancer", loadBalancerIps: ["203.0.113.1"], ports } as const;
  const here = aSlice({ endpoints: [{ ip: "10.1.0.1", nodeName: "here" }] });
  const hash = "LOLE4ISW44XBNF3G"; // default/web, TCP
  const [svc, svl, ext, fw] = [`KUBE-SVC-${hash}`, `KUBE-SVL-${hash}`, `KUBE-EXT-${hash}`, `KUBE-FW-${hash}`];
  const sep = "KUBE-SEP-LAE4CYYNBDVVQRFA"; // the same, 10.1.0.1:8080
  const clusterIp = `-p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80`;
  const toPorts = `-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"`;
  const bridge = { detectLocal: { mode: "BridgeInterface", bridgeInterface: "cni0" } } as const;
  const toEndpoint = `-m comment --comment "default/web -> 10.1.0.1:8080" -j ${sep}`;
  const local = (what: string) => `-m comment --comment "${what} LOCAL traffic for default/web external destinations"`;

  type Row = {
    readonly title: string;
    readonly of?: readonly (Service | EndpointSlice)[];
    readonly view?: ViewFields;
    readonly chain: string;
    readonly rules: readonly string[];
  };

  const rows: readonly Row[] = [
    {
      title: "masqueradeAll marks whatever the source",
      of: [aService(), here],
      view: { settings: { masqueradeAll: true } },
      chain: `nat ${svc}`,
      rules: [`-d 10.96.0.1/32 ${clusterIp} -j KUBE-MARK-MASQ`, toEndpoint],
    },
    {
      title: "without a way to tell pods, cluster IPs mark nothing",
      of: [aService(), here],
      view: { settings: { detectLocal: { mode: "ClusterCIDR", cidrs: [] } } },
      chain: `nat ${svc}`,
      rules: [toEndpoint],
    },
    {
      title: "pods told by a bridge: all that came in by another is marked",
      of: [aService(), here],
      view: { settings: bridge },
      chain: `nat ${svc}`,
      rules: [`-d 10.96.0.1/32 ! -i cni0 ${clusterIp} -j KUBE-MARK-MASQ`, toEndpoint],
    },
    {
      title: "pods told by an interface's name: they pass by an external policy of Local",
      of: [aService({ type: "NodePort", externalTrafficPolicy: "Local", ports }), here],
      view: { settings: { detectLocal: { mode: "InterfaceNamePrefix", interfaceNamePrefix: "veth" } } },
      chain: `nat ${ext}`,
      rules: [
        `-i veth+ -m comment --comment "pod traffic for default/web external destinations" -j ${svc}`,
        `${local("masquerade")} -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`,
        `${local("route")} -m addrtype --src-type LOCAL -j ${svc}`,
        `-j ${svl}`,
      ],
    },
    {
      title: "without a way to tell pods, none pass by it",
      of: [aService({ type: "NodePort", externalTrafficPolicy: "Local", ports }), aSlice()],
      view: { settings: { detectLocal: { mode: "ClusterCIDR", cidrs: [] } } },
      chain: `nat ${ext}`,
      rules: [
        `${local("masquerade")} -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`,
        `${local("route")} -m addrtype --src-type LOCAL -j ${svc}`,
      ],
    },
    {
      title: "an internal policy of Local has the mark in the local chain",
      of: [aService({ internalTrafficPolicy: "Local" }), here],
      chain: `nat ${svl}`,
      rules: [`! -s 10.0.0.0/8 -d 10.96.0.1/32 ${clusterIp} -j KUBE-MARK-MASQ`, toEndpoint],
    },
    {
      title: "an internal policy of Local without local endpoints drops",
      of: [aService({ internalTrafficPolicy: "Local" }), aSlice()],
      chain: "filter KUBE-SERVICES",
      rules: [
        `-d 10.96.0.1/32 -p tcp -m comment --comment "default/web has no local endpoints" -m tcp --dport 80 -j DROP`,
      ],
    },
    {
      title: "no endpoints refuse node ports and IPv6 with IPv6's own error",
      of: [aService({ type: "NodePort", clusterIps: ["fd00:96::1"], ports })],
      view: { family: 6 },
      chain: "filter KUBE-EXTERNAL-SERVICES",
      rules: [
        `-p tcp -m comment --comment "default/web has no endpoints" -m addrtype --dst-type LOCAL -m tcp --dport 30080 -j REJECT --reject-with icmp6-port-unreachable`,
      ],
    },
    {
      title: "source ranges with the node in them let the load balancer's address through",
      of: [aService({ ...balancer, sourceRanges: ["192.168.0.0/16", "198.51.100.7/32"] }), here],
      chain: `nat ${fw}`,
      rules: [
        ...["192.168.0.0/16", "198.51.100.7/32", "203.0.113.1/32"].map(
          (source) => `-s ${source} -m comment --comment "default/web loadbalancer IP" -j ${ext}`,
        ),
        `-m comment --comment "other traffic to default/web will be dropped by KUBE-PROXY-FIREWALL"`,
      ],
    },
    {
      title: "a health check has a rule for each port of the Service",
      of: [
        aService({
          ...balancer,
          externalTrafficPolicy: "Local",
          healthCheckNodePort: 32000,
          ports: [
            { name: "a", port: 80 },
            { name: "b", port: 81 },
          ],
        }),
      ],
      chain: "filter KUBE-NODEPORTS",
      rules: ["a", "b"].map(
        (name) =>
          `-p tcp -m comment --comment "default/web:${name} health check node port" -m tcp --dport 32000 -j ACCEPT`,
      ),
    },
    {
      title: "loopback addresses have no node ports where that is not wanted",
      view: { settings: { localhostNodePorts: false } },
      chain: "nat KUBE-SERVICES",
      rules: [`! -d 127.0.0.0/8 ${toPorts} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`],
    },
    {
      title: "nodePortAddresses: a rule for each address that is in them",
      view: { settings: { nodePortAddresses: [aCidr("192.168.0.0/16"), aCidr("127.0.0.0/8")] } },
      chain: "nat KUBE-SERVICES",
      rules: ["127.0.0.1/32", "192.168.0.2/32"].map((to) => `-d ${to} ${toPorts} -j KUBE-NODEPORTS`),
    },
    {
      title: "no guard of loopback addresses without node ports there",
      of: [nodePort, here],
      view: { settings: { localhostNodePorts: false } },
      chain: "filter KUBE-FIREWALL",
      rules: [],
    },
    {
      title: "masqueradeBit moves the mark, and INVALID packets stay where connection tracking is liberal",
      view: { settings: { masqueradeBit: 31, tcpBeLiberal: true } },
      chain: "filter KUBE-FORWARD",
      rules: [
        '-m comment --comment "kubernetes forwarding rules" -m mark --mark 0x80000000/0x80000000 -j ACCEPT',
        '-m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
      ],
    },
    {
      title: "past 1,000 endpoints, ready or not, rules of endpoints have no comments",
      of: [
        aService(),
        here,
        aService({ name: "many", clusterIps: ["10.96.0.2"] }),
        aSlice({
          service: "many",
          endpoints: Array.from({ length: 1000 }, (_, at) => ({ ip: podIp(at), ready: false, serving: false })),
        }),
      ],
      chain: `nat ${svc}`,
      rules: [`! -s 10.0.0.0/8 -d 10.96.0.1/32 ${clusterIp} -j KUBE-MARK-MASQ`, `-j ${sep}`],
    },
  ];

  test.each(rows)("$title", ({ of = [], view, chain, rules }) => {
    const found = readChains(renderKubeProxyLayout(modelOf(aCluster(...of), aView(view)))).get(chain);
    expect(found?.map((line) => line.replace(/^-A \S+ /, ""))).toEqual(rules);
  });

  test("where two Services claim an external address, only the first has rules there", () => {
    const claiming = (name: string, ip: string) => [
      aService({ name, clusterIps: [ip], externalIps: ["192.0.2.1"] }),
      aSlice({ service: name }),
    ];
    const cluster = aCluster(...claiming("b", "10.96.0.2"), ...claiming("a", "10.96.0.1"));
    const text = renderKubeProxyLayout(modelOf(cluster));
    expect(text.match(/default\/\w external IP/g)).toEqual(["default/a external IP"]);
    expect(text.match(/-A KUBE-EXT-/g)).toHaveLength(2);
  });

  // Measured: what iptables-save 1.8.9 prints of what kube-proxy writes.
  test.each([
    [2, "0.50000000000"],
    [3, "0.33333333349"],
    [5, "0.20000000019"],
    [6, "0.16666666651"],
    [7, "0.14285714272"],
    [9, "0.11111111101"],
    [11, "0.09090909082"],
    [100, "0.00999999978"],
    [1000, "0.00100000016"],
  ])("one in %i is %s", (count, chance) => {
    expect(oneIn(count)).toBe(`-m statistic --mode random --probability ${chance}`);
  });
});

const randomModels = fc.tuple(clusters(40), views()).map(([cluster, view]) => buildModel(cluster, view));

test("every jump leads to a chain that is there, in kube-proxy's own chains to one with rules; no chain of a Service stands alone", () => {
  fc.assert(
    fc.property(randomModels, (model) => {
      const chains = readChains(renderKubeProxyLayout(model));
      const led = new Set<string>();
      for (const [chain, rules] of chains) {
        const [table = "", name = ""] = chain.split(" ");
        for (const rule of rules) {
          const target = / -j (KUBE-\S+)/.exec(rule)?.[1];
          if (target === undefined) continue;
          led.add(`${table} ${target}`);
          // Built-in chains lead to kube-proxy's own whether these have rules or not.
          const mayBeEmpty = !name.startsWith("KUBE-") || target === "KUBE-NODEPORTS";
          const found = chains.get(`${table} ${target}`);
          expect([rule, found === undefined || (found.length === 0 && !mayBeEmpty)]).toEqual([rule, false]);
        }
      }
      expect([...chains.keys()].filter((chain) => !fixed.has(chain) && !led.has(chain))).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test("chains of Services are in nat, and named by what they are for and a hash", () => {
  fc.assert(
    fc.property(randomModels, (model) => {
      const names = [...readChains(renderKubeProxyLayout(model)).keys()].filter((chain) => !fixed.has(chain));
      expect(names.filter((chain) => !/^nat KUBE-(SVC|SVL|EXT|FW|SEP)-[A-Z2-7]{16}$/.test(chain))).toEqual([]);
    }),
    { numRuns: 20 },
  );
});

const fixed = new Set(readChains(renderKubeProxyLayout(modelOf(aCluster()))).keys());

await describeLabs("real tools", (lab, variant) => {
  test.each<Family>([4, 6])("IPv%d: what is loaded is saved as the same text", async (family) => {
    const models = fc.sample(fc.tuple(clusters(40), views(family)), { numRuns: 8, seed: family });
    for (const [cluster, view] of models) {
      const text = renderKubeProxyLayout(buildModel(cluster, view));
      await lab().restore(family, text, { test: true });
      await lab().restore(family, text);
      const saved = await lab().save(family);
      expect(sorted(readChains(saved))).toEqual(sorted(readChains(text)));
      // iptables-legacy has another order of tables and chains, and does not say nf_tables.
      if (variant === "nft") expect(plain(saved)).toBe(plain(text));
    }
  });
});

function sorted(chains: ReadonlyMap<string, readonly string[]>): [string, readonly string[]][] {
  return [...chains].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Without the tool's other name, versions, dates and counters. */
function plain(text: string): string {
  return text.replaceAll(/-nft(?=-save)| v[\d.]+ \(nf_tables\)| on .*$/gm, "").replaceAll(/\[\d+:\d+\]/g, "[0:0]");
}
