// Random clusters and nodes. In: nothing. Out: fast-check arbitraries of decoded objects and settings.
import fc from "fast-check";
import type { Protocol } from "../../rules/decode/protocol.ts";
import type { EndpointSlice } from "../../rules/decode/endpoint-slice.ts";
import type { Service } from "../../rules/decode/service.ts";
import {
  emptyCluster,
  removeService,
  removeSlice,
  setService,
  setSlice,
  type Cluster,
} from "../../rules/model/cluster.ts";
import type { NodeView, Settings } from "../../rules/model/settings.ts";
import { buildView, type View } from "../../rules/model/view.ts";
import type { Family } from "../../rules/net/ip.ts";
import { aNode, someSettings } from "./node.ts";
import { aCidr, aCluster, anIp, aService, aSlice, gone, lingering, podIp, type EndpointFields } from "./objects.ts";

/** A Service and its slices. */
export type Served = { readonly service: Service; readonly slices: readonly EndpointSlice[] };

const protocol = fc.constantFrom<Protocol[]>("TCP", "TCP", "UDP", "SCTP");

const endpoint: fc.Arbitrary<(family: Family) => EndpointFields> = fc
  .record({
    at: fc.nat(120),
    state: fc.constantFrom({}, {}, {}, lingering, gone, { ready: false, serving: false }),
    nodeName: fc.constantFrom("here", "there", undefined),
    zoneHints: fc.constantFrom([], ["zone-a"], ["zone-b"]),
    nodeHints: fc.constantFrom([], [], ["here"]),
  })
  .map(({ at, state, nodeName, zoneHints, nodeHints }) => (family) => ({
    ip: podIp(at, family),
    nodeName,
    zoneHints,
    nodeHints,
    ...state,
  }));

const port = fc.record({
  protocol,
  port: fc.constantFrom(53, 80, 443, 8080, 9090),
  nodePort: fc.integer({ min: 30000, max: 30060 }),
  targetPort: fc.constantFrom(80, 8080, 9000),
});

const anyIpOf = (v4: readonly string[], v6: readonly string[]) => fc.subarray([...v4, ...v6], { maxLength: 2 });

/** What makes a Service, without what tells it from others. */
const seed = fc.record({
  kind: fc.constantFrom("ClusterIP", "ClusterIP", "NodePort", "LoadBalancer", "ExternalName", "headless", "left"),
  families: fc.constantFrom<readonly Family[]>([4], [6], [4, 6]),
  ports: fc.uniqueArray(port, { minLength: 1, maxLength: 3, selector: (given) => `${given.protocol} ${given.port}` }),
  // Endpoints by slice: none at all in many, more than one dispatch chain holds in few.
  endpoints: fc.oneof(
    { weight: 6, arbitrary: fc.array(fc.array(endpoint, { maxLength: 4 }), { maxLength: 3 }) },
    { weight: 1, arbitrary: fc.array(fc.array(endpoint, { minLength: 15, maxLength: 40 }), { maxLength: 2 }) },
  ),
  affinitySeconds: fc.constantFrom(undefined, undefined, 10800, 1),
  internalTrafficPolicy: fc.constantFrom<("Cluster" | "Local")[]>("Cluster", "Cluster", "Local"),
  externalTrafficPolicy: fc.constantFrom<("Cluster" | "Local")[]>("Cluster", "Local"),
  externalIps: anyIpOf(["192.0.2.1", "192.0.2.2", "10.96.0.7"], ["2001:db8::1", "2001:db8::2"]),
  loadBalancerIps: anyIpOf(["203.0.113.1", "203.0.113.2", "192.0.2.1"], ["2001:db8:1::1"]),
  sourceRanges: fc.subarray(["198.51.100.0/24", "192.168.0.0/16", "0.0.0.0/0", "2001:db8:5::/48"], { maxLength: 2 }),
  healthCheckNodePort: fc.option(fc.integer({ min: 32000, max: 32030 }), { nil: undefined }),
});

/** Any Service with its slices. `index` gives it its name and its cluster IPs, so that only what may conflict does. */
export function servedAt(index: number): fc.Arbitrary<Served> {
  return seed.map((given) => {
    const [namespace, name] = [`ns${index % 3}`, `svc${index}`];
    const exposed = given.kind === "NodePort" || given.kind === "LoadBalancer";
    const ports = given.ports.map((entry, at) => ({
      name: given.ports.length === 1 ? "" : `p${at}`,
      protocol: entry.protocol,
      port: entry.port,
      ...(exposed ? { nodePort: entry.nodePort } : {}),
    }));
    const clusterIp = (family: Family) =>
      // Spread over a /16 so that its dispatch tree has several levels.
      family === 4 ? `10.96.${(index * 37) % 64}.${index}` : `fd00:96::${((index * 4099) % 65536).toString(16)}`;
    const service = aService({
      namespace,
      name,
      type: given.kind === "headless" || given.kind === "left" ? "ClusterIP" : given.kind,
      clusterIps: given.kind === "headless" ? "none" : given.families.map(clusterIp),
      ports,
      affinitySeconds: given.affinitySeconds,
      internalTrafficPolicy: given.internalTrafficPolicy,
      externalTrafficPolicy: given.externalTrafficPolicy,
      externalIps: index % 4 === 0 ? given.externalIps : [],
      loadBalancerIps: given.kind === "LoadBalancer" ? given.loadBalancerIps : [],
      sourceRanges: given.sourceRanges,
      healthCheckNodePort: given.healthCheckNodePort,
      leftToOthers: given.kind === "left",
    });
    const slices = given.families.flatMap((family) =>
      given.endpoints.map((endpoints, at) =>
        aSlice({
          namespace,
          service: name,
          name: `${name}-${family}-${at}`,
          addressType: `IPv${family}`,
          ports: ports.map((entry, which) => ({
            name: entry.name,
            protocol: entry.protocol,
            port: given.ports[which]?.targetPort ?? 80,
          })),
          endpoints: endpoints.map((make) => make(family)),
        }),
      ),
    );
    return { service, slices };
  });
}

/** The objects of a cluster of 0 to `most` Services. */
export function objects(most = 60): fc.Arbitrary<readonly Served[]> {
  const all = Array.from({ length: most }, (_, index) => fc.option(servedAt(index), { nil: undefined, freq: 12 }));
  return fc
    .tuple(fc.nat(most), fc.tuple(...all))
    .map(([count, served]) => served.slice(0, count).filter((item) => item !== undefined));
}

export function clusterFrom(served: readonly Served[]): Cluster {
  return aCluster(...served.flatMap(({ service, slices }) => [service, ...slices]));
}

/** A cluster of 0 to `most` Services. */
export function clusters(most = 60): fc.Arbitrary<Cluster> {
  return objects(most).map(clusterFrom);
}

/** One event of a watch: what a cluster is after it. */
export type Step = { readonly says: string; readonly after: (cluster: Cluster) => Cluster };

/** A change of any of `most` Services: it comes, changes, goes, gets or loses its slices. */
export function steps(most = 40): fc.Arbitrary<Step> {
  return fc
    .nat(most - 1)
    .chain((index) =>
      fc.record({ served: servedAt(index), what: fc.constantFrom("set", "service", "slices", "gone", "empty") }),
    )
    .map(({ served: { service, slices }, what }) => ({
      says: `${what} ${service.name}`,
      after: (cluster) => {
        if (what === "gone") return removeService(cluster, service.namespace, service.name);
        if (what === "empty") return slices.reduce(removeSlice, cluster);
        const withService = what === "slices" ? cluster : setService(cluster, service);
        return what === "service" ? withService : slices.reduce(setSlice, withService);
      },
    }));
}

/** Clusters one after the other, each one step from the one before. */
export function histories(most = 40): fc.Arbitrary<readonly Cluster[]> {
  return fc.tuple(clusters(most), fc.array(steps(most), { minLength: 1, maxLength: 12 })).map(([first, list]) => {
    const found = [emptyCluster(), first];
    for (const step of list) found.push(step.after(found.at(-1) ?? first));
    return found;
  });
}

/** Settings of every kind. */
export const settings: fc.Arbitrary<Settings> = fc
  .record({
    detectLocal: fc.constantFrom<Settings["detectLocal"][]>(
      { mode: "ClusterCIDR", cidrs: [] },
      { mode: "ClusterCIDR", cidrs: [aCidr("10.0.0.0/8")] },
      { mode: "ClusterCIDR", cidrs: [aCidr("fd00:1::/48"), aCidr("10.1.0.0/16")] },
      { mode: "NodeCIDR" },
      { mode: "BridgeInterface", bridgeInterface: "cni0" },
      { mode: "InterfaceNamePrefix", interfaceNamePrefix: "veth" },
    ),
    masqueradeAll: fc.boolean(),
    masqueradeBit: fc.constantFrom(0, 14, 15, 31),
    localhostNodePorts: fc.boolean(),
    nodePortAddresses: fc.constantFrom<Settings["nodePortAddresses"][]>(
      "all",
      "primary",
      [aCidr("192.168.0.0/16"), aCidr("127.0.0.0/8")],
      [aCidr("198.18.0.0/15"), aCidr("fd00:192::/64")],
      [aCidr("0.0.0.0/0")],
    ),
    tcpBeLiberal: fc.boolean(),
    bindAddress: fc.constantFrom(undefined, anIp("198.51.100.7")),
  })
  .map(someSettings);

/** The node `here`, or one that knows little of itself. */
export const nodes: fc.Arbitrary<NodeView> = fc.constantFrom(
  aNode(),
  aNode(),
  aNode({ name: undefined, zone: undefined, podCidrs: [], primaryIps: [] }),
  aNode({ zone: "zone-b" }),
);

export const families = fc.constantFrom<Family[]>(4, 6);

/** A view of any node with any settings, of either family or of the one given. */
export function views(family?: Family): fc.Arbitrary<View> {
  return fc
    .tuple(nodes, settings, family === undefined ? families : fc.constant(family))
    .map(([node, chosen, of]) => buildView(node, chosen, of));
}

/** A dump of rules and chains of others, in tables that we use too. Valid for the real tools. */
export const foreignRules: fc.Arbitrary<string> = fc
  .record({
    nat: fc.subarray([
      '-A POSTROUTING -s 10.9.0.0/16 ! -d 10.9.0.0/16 -m comment --comment "flannel masq" -j MASQUERADE --random-fully',
      "-A CNI-HOSTPORT-DNAT -p tcp -m tcp --dport 8081 -j DNAT --to-destination 10.9.0.3:80",
      "-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
      '-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-OTHERS',
    ]),
    filter: fc.subarray([
      "-A INPUT -p icmp -j ACCEPT",
      '-A FORWARD -m comment --comment "a \\"quoted\\" -j KUBE-SERVICES" -j cali-FORWARD',
      "-A cali-FORWARD -m mark --mark 0x10000/0x10000 -j ACCEPT",
      "-A OUTPUT -o lo -j ACCEPT",
    ]),
  })
  .map(
    ({ nat, filter }) =>
      `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:cali-FORWARD - [0:0]\n${lines(filter)}COMMIT\n` +
      `*nat\n:PREROUTING ACCEPT [0:0]\n:INPUT ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:POSTROUTING ACCEPT [0:0]\n:CNI-HOSTPORT-DNAT - [0:0]\n:KUBE-OTHERS - [0:0]\n${lines(nat)}COMMIT\n`,
  );

function lines(list: readonly string[]): string {
  return list.map((line) => `${line}\n`).join("");
}
