// The sets that rules look into. In: family. Out: their names, types and the comments of the rules that use them.
import type { KeptType } from "../ipset/set-table.ts";
import type { Family } from "../net/ip.ts";

/** A set by what is in it. */
export type SetKey = keyof typeof sets;

const clusterIp = "Kubernetes service cluster ip + port for masquerade purpose";

/** Where kube-proxy has a set for the same, its name, type and comment are kept: people know them. The last four are ours alone. */
const sets = {
  "LOOP-BACK": ["hash:ip,port,ip", "Kubernetes endpoints dst ip:port, source ip for solving hairpin purpose"],
  "CLUSTER-IP": ["hash:ip,port", clusterIp],
  "EXTERNAL-IP": ["hash:ip,port", "Kubernetes service external ip + port for masquerade and filter purpose"],
  "EXTERNAL-IP-LOCAL": ["hash:ip,port", "Kubernetes service external ip + port with externalTrafficPolicy=local"],
  "LOAD-BALANCER": ["hash:ip,port", "Kubernetes service lb portal"],
  "LOAD-BALANCER-LOCAL": [
    "hash:ip,port",
    "Kubernetes service load balancer ip + port with externalTrafficPolicy=local",
  ],
  "LOAD-BALANCER-FW": ["hash:ip,port", "Kubernetes service load balancer ip + port for load balancer with sourceRange"],
  "LOAD-BALANCER-SOURCE-CIDR": [
    "hash:ip,port,net",
    "Kubernetes service load balancer ip + port + source cidr for packet filter purpose",
  ],
  "LOAD-BALANCER-SOURCE-IP": [
    "hash:ip,port,ip",
    "Kubernetes service load balancer ip + port + source IP for packet filter purpose",
  ],
  "NODE-PORT-TCP": ["bitmap:port", "Kubernetes nodeport TCP port for masquerade purpose"],
  "NODE-PORT-UDP": ["bitmap:port", "Kubernetes nodeport UDP port for masquerade purpose"],
  "NODE-PORT-SCTP-HASH": [
    "hash:ip,port",
    "Kubernetes nodeport SCTP port for masquerade purpose with type 'hash ip:port'",
  ],
  "NODE-PORT-LOCAL-TCP": ["bitmap:port", "Kubernetes nodeport TCP port with externalTrafficPolicy=local"],
  "NODE-PORT-LOCAL-UDP": ["bitmap:port", "Kubernetes nodeport UDP port with externalTrafficPolicy=local"],
  "NODE-PORT-LOCAL-SCTP-HASH": [
    "hash:ip,port",
    "Kubernetes nodeport SCTP port with externalTrafficPolicy=local with type 'hash ip:port'",
  ],
  "HEALTH-CHECK-NODE-PORT": ["bitmap:port", "Kubernetes health check node port"],
  "IPVS-IPS": ["hash:ip", "Addresses on the ipvs interface"],
  "NODE-IPS": ["hash:ip", "Addresses that node ports answer on"],
  "NO-ENDPOINTS": ["hash:ip,port", "Kubernetes service ip + port without endpoints"],
  "NO-LOCAL": ["hash:ip,port", "Kubernetes service ip + port without local endpoints"],
  "NO-LOCAL-EXTERNAL": ["hash:ip,port", "Kubernetes service ip + port without local endpoints for clients outside"],
} as const satisfies Readonly<Record<string, readonly [KeptType, string]>>;

/** All of them, in a fixed order. */
export const setKeys = Object.keys(sets) as SetKey[];

/** `KUBE-...`, or `KUBE-6-...` cut to the 31 characters that a name may have, as kube-proxy cuts it. */
export function setName(key: SetKey, family: Family): string {
  return family === 4 ? `KUBE-${key}` : `KUBE-6-${key}`.slice(0, 31);
}

export function setType(key: SetKey): KeptType {
  return sets[key][0];
}

/** What rules that use the set say in their comment. */
export function setComment(key: SetKey): string {
  return sets[key][1];
}

/** The type of each of our sets, by name. */
export function ownSetTypes(family: Family): Readonly<Record<string, KeptType>> {
  return Object.fromEntries(setKeys.map((key) => [setName(key, family), setType(key)]));
}
