// What a node would be once manifests are applied to it. In: Desired, what the node has now. Out: Firewall of one family.
import { diffRulesets, emptyRuleset, parseRuleset, serverKey, type Family, type Ownership } from "../../rules/index.ts";
import { applyToDump } from "../../rules/compare/graft.ts";
import type { Protocol } from "../../rules/decode/protocol.ts";
import { ownedByUsOrKubeProxy } from "../../rules/iptables/text/parse.ts";
import { ownedByIpvs } from "../../rules/ipvs/ownership.ts";
import { ownSetTypes } from "../../rules/ipvs/set-names.ts";
import type { Firewall, FirewallIpvs } from "../../rules/trace/firewall.ts";
import { noServers, placeOfKey, type ServerTable } from "../../rules/trace/virtual-servers.ts";
import type { Desired } from "../desired/desired.ts";
import { parseState, type StateTexts } from "../ipvs/observe.ts";
import { plannedFirewall } from "./planned.ts";

/** A node as it is: to be traced, and in the words of its tools. */
export type NodeNow = { readonly firewall: Firewall; readonly texts: StateTexts };

/**
 * The state that `apply` brings about, once nothing drains any more: rules, sets, addresses and virtual servers of either mode that are ours
 * or kube-proxy's give way, those of others stay. Without a node it is what is wanted alone.
 */
export function firewallAfter(desired: Desired, family: Family, now: NodeNow | undefined): Firewall {
  const wanted = desired.backend === "ipvs" ? plannedFirewall(desired, family) : undefined;
  if (wanted !== undefined && now === undefined) return wanted;
  const ruleset =
    desired.builds.find((build) => build.ruleset.family === family)?.ruleset ??
    desired.ipvsBuilds.find(({ state }) => state.family === family)?.state.ruleset ??
    emptyRuleset(family);
  const observed = now === undefined ? emptyRuleset(family) : parseRuleset(now.texts.rules, family, owned);
  const base: Firewall = now?.firewall ?? { family, dump: { family, tables: new Map() }, sets: new Map() };
  const ours = ownSetTypes(family);
  const sets = new Map([
    ...[...base.sets].filter(([name]) => !Object.hasOwn(ours, name)),
    ...[...(wanted?.sets ?? [])],
  ]);
  const ipvs = joined(wanted?.ipvs, now === undefined ? noServers : serversOfOthers(now));
  return {
    family,
    dump: applyToDump(base.dump, diffRulesets(observed, ruleset)),
    sets,
    ...(ipvs === undefined ? {} : { ipvs }),
  };
}

/** Of either mode, so that a switch takes away what the other left. */
const owned: Ownership = (chain, table) => ownedByUsOrKubeProxy(chain, table) || ownedByIpvs(chain, table);

function serversOfOthers({ firewall: { family, ipvs }, texts }: NodeNow): ServerTable {
  if (ipvs === undefined) return noServers;
  const { others } = parseState(texts, family);
  const { byPlace, byMark } = ipvs.servers;
  const isOthers = (key: string) => {
    const { ip, protocol, port } = placeOfKey(key);
    return others.has(serverKey({ ip, protocol: protocol.toUpperCase() as Protocol, port }));
  };
  return { byPlace: new Map([...byPlace].filter(([key]) => isOthers(key))), byMark };
}

/** A virtual server of others is left to them. */
function joined(wanted: FirewallIpvs | undefined, others: ServerTable): FirewallIpvs | undefined {
  if (wanted === undefined && others.byPlace.size + others.byMark.size === 0) return undefined;
  const byPlace = new Map([...(wanted?.servers.byPlace ?? []), ...others.byPlace]);
  return { servers: { byPlace, byMark: others.byMark }, addresses: wanted?.addresses ?? new Set() };
}
