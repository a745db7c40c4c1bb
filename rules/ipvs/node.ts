// What this mode must know of the node besides the View. In: NodeView, IpvsSettings, View. Out: IpvsNode.
import { cidrFamily, type Cidr } from "../net/cidr.ts";
import { familyOf, isLoopback, type Ip } from "../net/ip.ts";
import type { NodeView } from "../model/settings.ts";
import type { View } from "../model/view.ts";
import type { Scheduler } from "./scheduler.ts";

/** What an operator sets for this mode. */
export type IpvsSettings = {
  /** Of Services that ask for none. */
  readonly scheduler: Scheduler;
  /** Virtual servers at these addresses are never deleted. */
  readonly excludeCidrs: readonly Cidr[];
};

/** The node, in one family. A change of any of it may change every virtual server. */
export type IpvsNode = {
  readonly scheduler: Scheduler;
  readonly excludeCidrs: readonly Cidr[];
  /** The node's own addresses. They are never put on the dummy device, also where a Service claims one. */
  readonly localIps: readonly Ip[];
  /** Addresses at which node ports have a virtual server, in order; never loopback, which ip_vs cannot serve. */
  readonly nodePortIps: readonly Ip[];
};

/**
 * The node in one family. `node.localIps` must not hold the addresses of the dummy device (`parseAddresses` keeps them apart).
 * Source: kube-proxy ipvs, GetNodeIPs: all local addresses but loopback and, of IPv6, link-local ones.
 */
export function buildIpvsNode(node: NodeView, settings: IpvsSettings, view: View): IpvsNode {
  const localIps = [...new Set(node.localIps.filter((ip) => familyOf(ip) === view.family))].sort();
  const candidates = view.nodePortIps === "all" ? localIps.filter((ip) => !isLinkLocal(ip)) : view.nodePortIps;
  return {
    scheduler: settings.scheduler,
    excludeCidrs: settings.excludeCidrs.filter((cidr) => cidrFamily(cidr) === view.family),
    localIps,
    nodePortIps: [...new Set(candidates.filter((ip) => !isLoopback(ip)))].sort(),
  };
}

/** fe80::/10. */
function isLinkLocal(ip: Ip): boolean {
  return /^fe[89ab][0-9a-f]:/.test(ip);
}
