// What a node's operator sets, and what the node is. In: nothing. Out: the two types every later stage is given.
import type { Cidr } from "../net/cidr.ts";
import type { Ip } from "../net/ip.ts";

/** The part of a KubeProxyConfiguration that rules depend on. Lists may mix families; each family takes its own. */
export type Settings = {
  readonly detectLocal: DetectLocal;
  /** Masquerade all traffic to cluster IPs, not only that from outside the cluster. */
  readonly masqueradeAll: boolean;
  /** 0 to 31; the packet mark is `1 << masqueradeBit`. */
  readonly masqueradeBit: number;
  /** Whether node ports answer on 127.0.0.0/8 (IPv4 only). */
  readonly localhostNodePorts: boolean;
  /** Addresses on which node ports answer: all, the Node's primary ones, or the local ones inside these blocks. */
  readonly nodePortAddresses: "all" | "primary" | readonly Cidr[];
  /** `conntrack.tcpBeLiberal`: packets that connection tracking calls INVALID are not dropped. */
  readonly tcpBeLiberal: boolean;
  /** `bindAddress` where it is a real address: stands for the node's own address in source ranges. */
  readonly bindAddress: Ip | undefined;
};

/** How traffic of this node's pods is told from other traffic. Source: kube-proxy `detectLocalMode`. */
export type DetectLocal =
  | { readonly mode: "ClusterCIDR"; readonly cidrs: readonly Cidr[] }
  | { readonly mode: "NodeCIDR" }
  | { readonly mode: "BridgeInterface"; readonly bridgeInterface: string }
  | { readonly mode: "InterfaceNamePrefix"; readonly interfaceNamePrefix: string };

/** The node for which rules are made. */
export type NodeView = {
  /** Compared with the `nodeName` of endpoints; undefined where unknown, and then no endpoint is local. */
  readonly name: string | undefined;
  readonly zone: string | undefined;
  /** `spec.podCIDRs` of the Node, for `NodeCIDR`. */
  readonly podCidrs: readonly Cidr[];
  /** Primary address of each family (0 to 2 entries). */
  readonly primaryIps: readonly Ip[];
  /** Every address on the node's interfaces, loopback included. */
  readonly localIps: readonly Ip[];
};

/** kube-proxy's defaults. Source: kubeproxy.config.k8s.io/v1alpha1. */
export const defaultSettings: Settings = {
  detectLocal: { mode: "ClusterCIDR", cidrs: [] },
  masqueradeAll: false,
  masqueradeBit: 14,
  localhostNodePorts: true,
  nodePortAddresses: "all",
  tcpBeLiberal: false,
  bindAddress: undefined,
};
