// kube-proxy's rule layout for a made-up cluster. In: Size. Out: iptables-restore input, whole or after one change.
import {
  dispatchRule,
  endpointChain,
  endpointsOf,
  firstEndpoint,
  movedEndpoint,
  serviceChain,
  serviceRules,
} from "./baseline-service.ts";
import type { Size } from "./cluster.ts";
import type { Event } from "./ours.ts";

/** What has happened since the last sync, and to which Service. */
export type BaselineChange = { readonly event: Event; readonly service: number };

/**
 * What kube-proxy writes in a full sync: filter, then nat with a list of all Services and a chain for each endpoint. Past 1,000
 * endpoints, rules of endpoints carry no comments. Source: kube-proxy iptables/proxier.go.
 */
export function baselineSync(size: Size): string {
  return sync(size, { services: upTo(size.services), dispatched: size.services, stale: [] });
}

/** What kube-proxy writes in a partial sync: the fixed chains and the list of all Services anew, the chains of one Service. */
export function baselinePartialSync(size: Size, { event, service }: BaselineChange): string {
  const first = endpointChain(service, firstEndpoint(size, service));
  const moved = endpointChain(service, movedEndpoint(service));
  const common = { services: [service], dispatched: size.services, stale: [] };
  switch (event) {
    case "endpoint-moved":
      return sync(size, { ...common, stale: [first], moved: service });
    case "endpoint-back":
      return sync(size, { ...common, stale: [moved] });
    case "service-added":
      return sync(size, { ...common, dispatched: size.services + 1 });
    case "service-gone":
      return sync(size, { ...common, services: [], stale: chainNames(size, { services: [service] }) });
  }
}

/** The same rules as `baselineSync`, in commits that iptables-nft can take at any size; kube-proxy itself has no such thing. */
export function baselineInParts(size: Size): string[] {
  const parts: string[] = [];
  for (let first = 0; first < size.services; first += servicesPerPart) {
    const services = upTo(Math.min(servicesPerPart, size.services - first)).map((at) => first + at);
    parts.push(`*nat\n:KUBE-MARK-MASQ - [0:0]\n${markRule}${hashedChains(size, { services })}COMMIT\n`);
  }
  return [...parts, sync(size, { services: [], dispatched: size.services, stale: [] })];
}

/** The jumps from built-in chains, which kube-proxy makes one by one before its first sync. Source: kube-proxy iptablesJumpChains. */
export function baselineJumps(): string {
  const [isNew, jump] = [
    "-m conntrack --ctstate NEW ",
    (text: string) => `-m comment --comment "kubernetes ${text}" -j`,
  ];
  return `*filter
${["SERVICES", "EXTERNAL-SERVICES", "NODEPORTS", "FORWARD", "PROXY-FIREWALL", "FIREWALL"].map(declare).join("")}-I INPUT ${isNew}${jump("externally-visible service portals")} KUBE-EXTERNAL-SERVICES
-I FORWARD ${isNew}${jump("externally-visible service portals")} KUBE-EXTERNAL-SERVICES
-I INPUT ${jump("health check service ports")} KUBE-NODEPORTS
-I FORWARD ${isNew}${jump("service portals")} KUBE-SERVICES
-I OUTPUT ${isNew}${jump("service portals")} KUBE-SERVICES
-I FORWARD ${jump("forwarding rules")} KUBE-FORWARD
-I INPUT ${isNew}${jump("load balancer firewall")} KUBE-PROXY-FIREWALL
-I OUTPUT ${isNew}${jump("load balancer firewall")} KUBE-PROXY-FIREWALL
-I FORWARD ${isNew}${jump("load balancer firewall")} KUBE-PROXY-FIREWALL
-I INPUT -j KUBE-FIREWALL
-I OUTPUT -j KUBE-FIREWALL
COMMIT
*nat
${["SERVICES", "POSTROUTING"].map(declare).join("")}-I OUTPUT ${jump("service portals")} KUBE-SERVICES
-I PREROUTING ${jump("service portals")} KUBE-SERVICES
-I POSTROUTING ${jump("postrouting rules")} KUBE-POSTROUTING
COMMIT
`;
}

const servicesPerPart = 150;

/** Source: kube-proxy largeClusterEndpointsThreshold. */
const largeCluster = 1000;

const markRule = "-A KUBE-MARK-MASQ -j MARK --or-mark 0x00004000\n";

type Sync = {
  /** Services whose chains are written. */
  readonly services: readonly number[];
  /** The Service whose first endpoint is another. */
  readonly moved?: number;
};

function sync(size: Size, given: Sync & { readonly dispatched: number; readonly stale: readonly string[] }): string {
  const dispatch = upTo(given.dispatched).map(dispatchRule).join("");
  return `*filter
${["SERVICES", "EXTERNAL-SERVICES", "FORWARD", "NODEPORTS", "PROXY-FIREWALL", "FIREWALL"].map(declare).join("")}-A KUBE-FIREWALL -m comment --comment "block incoming localnet connections" -d 127.0.0.0/8 ! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark 0x00004000/0x00004000 -j ACCEPT
-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
COMMIT
*nat
${["SERVICES", "NODEPORTS", "POSTROUTING", "MARK-MASQ"].map(declare).join("")}${chainLines(size, given)}${given.stale.map((chain) => `:${chain} - [0:0]\n`).join("")}-A KUBE-POSTROUTING -m mark ! --mark 0x00004000/0x00004000 -j RETURN
-A KUBE-POSTROUTING -j MARK --xor-mark 0x00004000
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
${markRule}${dispatch}${chainRules(size, given)}${given.stale.map((chain) => `-X ${chain}\n`).join("")}-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
COMMIT
`;
}

function hashedChains(size: Size, given: Sync): string {
  return chainLines(size, given) + chainRules(size, given);
}

function chainLines(size: Size, given: Sync): string {
  return chainNames(size, given)
    .map((name) => `:${name} - [0:0]\n`)
    .join("");
}

function chainNames(size: Size, { services, moved }: Sync): string[] {
  return services.flatMap((service) => [
    serviceChain(service),
    ...endpointsOf(size, service, moved).map((endpoint) => endpointChain(service, endpoint)),
  ]);
}

function chainRules(size: Size, { services, moved }: Sync): string {
  const comments = size.services * size.endpoints <= largeCluster;
  return services.map((service) => serviceRules(service, endpointsOf(size, service, moved), { comments })).join("");
}

function declare(name: string): string {
  return `:KUBE-${name} - [0:0]\n`;
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at);
}
