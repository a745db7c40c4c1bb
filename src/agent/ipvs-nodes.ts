// The node as IPVS mode sees it, kept the same object while nothing of it changes. In: the host's addresses, settings, View. Out: IpvsNode.
import { buildIpvsNode, type Ip, type IpvsNode, type IpvsSettings, type View } from "../../rules/index.ts";

export type IpvsNodeSettings = {
  readonly ipvs: IpvsSettings;
  /** On the host's interfaces as they are now, but for the dummy device. */
  readonly localIps: () => readonly Ip[];
};

export type IpvsNodes = { readonly nodeOf: (view: View) => IpvsNode };

/**
 * Gives the same object for the same facts: a new one makes every virtual server be built anew. So link-local addresses are left out: each
 * pod's interface has one of IPv6, and no Service can.
 */
export function createIpvsNodes({ ipvs, localIps }: IpvsNodeSettings): IpvsNodes {
  let kept: { readonly text: string; readonly view: View; readonly node: IpvsNode } | undefined;
  return {
    nodeOf: (view) => {
      const ips = localIps().filter((ip) => !/^fe[89ab][0-9a-f]:/.test(ip));
      const facts = { name: view.nodeName, zone: undefined, podCidrs: [], primaryIps: [], localIps: ips };
      const node = buildIpvsNode(facts, ipvs, view);
      const text = JSON.stringify(node);
      if (kept?.text === text && kept.view === view) return kept.node;
      kept = { text, view, node };
      return node;
    },
  };
}
