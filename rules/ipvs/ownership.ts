// What of the kernel's state is ours. In: our sets and addresses as read. Out: who owns a chain, and a virtual server.
import { ipDigits } from "../net/ip.ts";
import { get } from "../radix/radix.ts";
import type { Addresses } from "../addresses/addresses.ts";
import type { SetTable } from "../ipset/set-table.ts";
import { ownedByUs, type Ownership } from "../iptables/text/parse.ts";
import { fixedChainNames } from "./chains.ts";
import { addressPort } from "./entries.ts";
import type { ServerOwnership } from "./parse.ts";
import { setName, type SetKey } from "./set-names.ts";

/**
 * The chains that this mode writes, and those of iptables mode, so that a switch of modes takes away what the other left; and the one that
 * kube-proxy's IPVS mode has in another table than we.
 */
export const ownedByIpvs: Ownership = (chain, table) =>
  ownedByUs(chain, table) ||
  fixedChainNames[table].some((name) => name === chain) ||
  (table === "filter" && chain === "KUBE-SOURCE-RANGES-FIREWALL");

/**
 * Whose a virtual server is, by what the kernel holds beside it: its address is on the dummy device, or a set of ours has its address and
 * port, or its port alone where it is a node port. Sets and addresses are written before virtual servers and taken away after them, so
 * that this holds at any moment of an update. It holds for what kube-proxy left as well.
 */
export function ownedServers(sets: SetTable, addresses: Addresses): ServerOwnership {
  const has = (key: SetKey, entry: string): boolean => {
    const set = sets.sets[setName(key, sets.family)];
    return set !== undefined && get(set.entries, entry) !== undefined;
  };
  const nodeIps = sets.sets[setName("NODE-IPS", sets.family)];
  return (server) => {
    const { ip, protocol, port } = server;
    if (get(addresses.held, ipDigits(ip)) !== undefined) return true;
    const at = addressPort(ip, server);
    if (seatSets.some((key) => has(key, at))) return true;
    if (protocol === "SCTP" || !has(`NODE-PORT-${protocol}`, String(port))) return false;
    // kube-proxy has no such set.
    return nodeIps === undefined || get(nodeIps.entries, ip) !== undefined;
  };
}

const seatSets: readonly SetKey[] = [
  "CLUSTER-IP",
  "EXTERNAL-IP",
  "EXTERNAL-IP-LOCAL",
  "LOAD-BALANCER",
  "NODE-PORT-SCTP-HASH",
  "NO-ENDPOINTS",
  "NO-LOCAL",
  "NO-LOCAL-EXTERNAL",
];
