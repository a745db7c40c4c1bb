// Whose rule it is, and where it stands. In: the hops of a Branch. Out: PlacedHop[], and the one that decided.
import { builtInChains, calledChain } from "../iptables/text/parse-dump.ts";
import { ownedByUsOrKubeProxy } from "../iptables/text/parse.ts";
import { ownedByIpvs } from "../ipvs/ownership.ts";
import type { TableName } from "../iptables/ruleset/chain.ts";
import type { Branch } from "../trace/trace.ts";
import type { Hop } from "../trace/traveller.ts";

/** `foreign`: in a chain that neither rulewright nor kube-proxy writes, or a rule of a built-in chain that does not lead to one of theirs. */
export type PlacedHop = {
  readonly hop: Hop;
  readonly hook: string;
  readonly foreign: boolean;
  /** The rule of the built-in chain by which the packet came here; undefined where it is in that chain itself. */
  readonly entry: Hop | undefined;
};

/** Each hop with the built-in chain that it was reached from. */
export function placeHops(hops: readonly Hop[]): PlacedHop[] {
  let entry: Hop | undefined;
  return hops.map((hop) => {
    const isBuiltIn = builtInChains.has(hop.chain) && !isBalancing(hop);
    // ip_vs is led to by no rule.
    if (isBalancing(hop)) return { hop, hook: hop.chain, foreign: false, entry: undefined };
    if (isBuiltIn) entry = hop;
    return { hop, hook: entry?.chain ?? hop.chain, foreign: isForeign(hop), entry: isBuiltIn ? undefined : entry };
  });
}

/** Whether the hop is a virtual server or a real server, and no rule. */
export function isBalancing({ table }: Hop): boolean {
  return table === "ip_vs";
}

/** Whether a chain is written by rulewright or kube-proxy, in either mode. Tables that neither touches hold none. */
export function isOurChain(chain: string, table: string): boolean {
  return isKnownTable(table) && (ownedByUsOrKubeProxy(chain, table) || ownedByIpvs(chain, table));
}

/** The hop after which the destination was settled: the last translation before routing, undefined where none was. */
export function translation(placed: readonly PlacedHop[]): PlacedHop | undefined {
  return placed.findLast(
    ({ hop, hook }) => hop.table === "nat" && isBeforeRouting(hook) && / (DNAT|REDIRECT)\b/.test(` ${targetOf(hop)}`),
  );
}

/** The hop that ended a packet which was refused or dropped; undefined where the kernel did, or where it was delivered. */
export function ending({ end, hops }: Branch): PlacedHop | undefined {
  return end.kind === "delivered" ? undefined : placeHops(hops).at(-1);
}

/** What a hop does to a packet that it takes, other than handing it on to a chain. */
export function acceptsEarly({ hop }: PlacedHop): boolean {
  const target = targetOf(hop);
  return target === "ACCEPT" || (target === "RETURN" && builtInChains.has(hop.chain));
}

/** `DNAT --to-destination ...` without its `-j`. */
export function targetOf({ does }: Hop): string {
  return does.replace(/^-[jg] /, "");
}

export function isBeforeRouting(hook: string): boolean {
  return hook === "PREROUTING" || hook === "OUTPUT";
}

/** Whom chains of this name belong to, as far as the names that programs use tell. */
export function whoseChain(chain: string): string | undefined {
  return owners.find(([pattern]) => pattern.test(chain))?.[1];
}

const owners: readonly (readonly [RegExp, string])[] = [
  [/^CNI-(HOSTPORT|DN|SN)-/, "the CNI plugin portmap"],
  [/^CNI-/, "a CNI plugin"],
  [/^DOCKER/, "Docker"],
  [/^(cali|felix)-/, "Calico"],
  [/^FLANNEL-/, "flannel"],
  [/^CILIUM_/, "Cilium"],
  [/^KUBE-(ROUTER|POD-FW|NWPLCY|DST|SRC)-/, "kube-router"],
  [/^KUBE-/, "kubelet or another part of Kubernetes"],
  [/^WEAVE/, "Weave Net"],
  [/^ANTREA-/, "Antrea"],
  [/^ISTIO_/, "Istio"],
  [/^ufw6?-/, "ufw"],
  [/^f2b-/, "fail2ban"],
  [/^(LIBVIRT_|virbr)/, "libvirt"],
  [/^NETAVARK/, "Podman"],
];

function isForeign({ chain, table, rule }: Hop): boolean {
  if (!builtInChains.has(chain)) return !isOurChain(chain, table);
  const called = rule === undefined ? undefined : calledChain(rule);
  return called === undefined || !isOurChain(called, table);
}

function isKnownTable(table: string): table is TableName {
  return table === "filter" || table === "nat" || table === "mangle";
}
