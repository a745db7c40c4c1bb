// One family's view of a node. In: NodeView, Settings, family. Out: View, what every Service of that family is judged by.
import { cidrFamily, cidrHolds, isZeroCidr, type Cidr } from "../net/cidr.ts";
import { familyOf, isLoopback, type Family, type Ip } from "../net/ip.ts";
import { never } from "../never.ts";
import type { NodeView, Settings } from "./settings.ts";

/** Node and settings, reduced to what one family's rules need. A change of any of it changes rules of any Service. */
export type View = {
  readonly family: Family;
  readonly nodeName: string | undefined;
  readonly zone: string | undefined;
  /** How packets of this cluster's pods are recognised; undefined where nothing was configured for the family. */
  readonly localPods: LocalPods | undefined;
  readonly masqueradeAll: boolean;
  /** The packet mark for masquerading: a single bit. */
  readonly mark: number;
  readonly localhostNodePorts: boolean;
  /** Addresses that node ports answer on: every local one, or just these (in order). */
  readonly nodePortIps: "all" | readonly Ip[];
  readonly dropInvalid: boolean;
  /** The node's own address, for load-balancer source ranges. */
  readonly nodeIp: Ip;
};

/** Pods are recognised by source address or by the interface their packets come in on (`+` at the end matches any rest). */
export type LocalPods =
  { readonly kind: "source"; readonly cidr: Cidr } | { readonly kind: "interface"; readonly name: string };

/** The view of one family. Source: kube-proxy's getLocalDetectors and NodePortAddresses. */
export function buildView(node: NodeView, settings: Settings, family: Family): View {
  return {
    family,
    nodeName: node.name,
    zone: node.zone,
    localPods: localPods(node, settings, family),
    masqueradeAll: settings.masqueradeAll,
    mark: 2 ** settings.masqueradeBit,
    localhostNodePorts: family === 4 && settings.localhostNodePorts,
    nodePortIps: nodePortIps(node, settings, family),
    dropInvalid: !settings.tcpBeLiberal,
    nodeIp: nodeIp(node, settings, family),
  };
}

/** Whether node ports on 127.0.0.0/8 need the kernel to route loopback addresses (sysctl route_localnet). */
export function needsRouteLocalnet(view: View): boolean {
  return view.localhostNodePorts && (view.nodePortIps === "all" || view.nodePortIps.some(isLoopback));
}

/** Whether loopback addresses must be guarded: always where node ports could answer on them. Source: kube-proxy iptables/proxier.go. */
export function needsLoopbackGuard(view: View): boolean {
  return view.localhostNodePorts;
}

function localPods(node: NodeView, settings: Settings, family: Family): LocalPods | undefined {
  const { detectLocal } = settings;
  const source = (cidrs: readonly Cidr[]): LocalPods | undefined => {
    const cidr = cidrs.find((candidate) => cidrFamily(candidate) === family);
    return cidr === undefined ? undefined : { kind: "source", cidr };
  };
  switch (detectLocal.mode) {
    case "ClusterCIDR":
      return source(detectLocal.cidrs);
    case "NodeCIDR":
      return source(node.podCidrs);
    case "BridgeInterface":
      return { kind: "interface", name: detectLocal.bridgeInterface };
    case "InterfaceNamePrefix":
      return { kind: "interface", name: `${detectLocal.interfaceNamePrefix}+` };
    default:
      return never(detectLocal);
  }
}

/** A family without any block in the list answers on all its addresses, as in kube-proxy. */
function nodePortIps(node: NodeView, settings: Settings, family: Family): "all" | readonly Ip[] {
  const { nodePortAddresses } = settings;
  if (nodePortAddresses === "all") return "all";
  if (nodePortAddresses === "primary") {
    const ips = node.primaryIps.filter((ip) => familyOf(ip) === family);
    return ips.length === 0 ? "all" : ips;
  }
  const blocks = nodePortAddresses.filter((cidr) => cidrFamily(cidr) === family);
  if (blocks.length === 0 || blocks.some(isZeroCidr)) return "all";
  const loopbackToo = family === 4 && settings.localhostNodePorts;
  const inside = node.localIps.filter((ip) => blocks.some((cidr) => cidrHolds(cidr, ip)));
  return [...new Set(inside.filter((ip) => loopbackToo || !isLoopback(ip)))].sort();
}

function nodeIp(node: NodeView, settings: Settings, family: Family): Ip {
  const candidates = [...(settings.bindAddress === undefined ? [] : [settings.bindAddress]), ...node.primaryIps];
  const loopback = (family === 4 ? "127.0.0.1" : "::1") as Ip;
  return candidates.find((ip) => familyOf(ip) === family) ?? loopback;
}
