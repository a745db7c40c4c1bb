// A node and what it builds, for tests. In: the few settings that matter. Out: NodeView, Settings, View, Build.
import { buildModel, type Model } from "../../rules/model/model.ts";
import type { Cluster } from "../../rules/model/cluster.ts";
import { defaultSettings, type NodeView, type Settings } from "../../rules/model/settings.ts";
import { buildView, type View } from "../../rules/model/view.ts";
import { buildRuleset, type Build } from "../../rules/iptables/ruleset/build.ts";
import type { Family } from "../../rules/net/ip.ts";
import type { Ruleset } from "../../rules/iptables/ruleset/chain.ts";
import { aCidr, anIp } from "./objects.ts";

/** The node `here` in `zone-a`, 192.168.0.2 and fd00:192::2, whose pods are 10.1.0.0/16 and fd00:1::/64. */
export function aNode(fields: Partial<NodeView> = {}): NodeView {
  return {
    name: "here",
    zone: "zone-a",
    podCidrs: [aCidr("10.1.0.0/16"), aCidr("fd00:1::/64")],
    primaryIps: [anIp("192.168.0.2"), anIp("fd00:192::2")],
    localIps: ["127.0.0.1", "192.168.0.2", "172.16.0.2", "::1", "fd00:192::2"].map(anIp),
    ...fields,
  };
}

/** Default settings with `ClusterCIDR` 10.0.0.0/8 and fd00:1::/48, changed by `fields`. */
export function someSettings(fields: Partial<Settings> = {}): Settings {
  return {
    ...defaultSettings,
    detectLocal: { mode: "ClusterCIDR", cidrs: [aCidr("10.0.0.0/8"), aCidr("fd00:1::/48")] },
    ...fields,
  };
}

export type ViewFields = {
  readonly family?: Family;
  readonly node?: Partial<NodeView>;
  readonly settings?: Partial<Settings>;
};

/** The view of that node, IPv4 where nothing else is said. */
export function aView({ family = 4, node, settings }: ViewFields = {}): View {
  return buildView(aNode(node), someSettings(settings), family);
}

export function modelOf(cluster: Cluster, view: View = aView()): Model {
  return buildModel(cluster, view);
}

export function buildOf(cluster: Cluster, view: View = aView()): Build {
  return buildRuleset(buildModel(cluster, view));
}

export function rulesetOf(cluster: Cluster, view: View = aView()): Ruleset {
  return buildOf(cluster, view).ruleset;
}
