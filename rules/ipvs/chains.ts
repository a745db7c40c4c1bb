// The rules of this mode that do not grow with Services. In: View, the roots of the detours. Out: jumps and fixed chains of three tables.
import type { BuiltInChain, Chain, Jump } from "../iptables/ruleset/chain.ts";
import { chainName, type ChainName } from "../iptables/ruleset/chain-name.ts";
import {
  accept,
  comment,
  drop,
  jumpTo,
  masquerade,
  type Match,
  type Rule,
  type Target,
} from "../iptables/ruleset/rule.ts";
import { localPodRule, markMasquerade } from "../iptables/ruleset/service-chains.ts";
import { guardJump, loopbackGuard } from "../iptables/ruleset/loopback-guard.ts";
import { needsLoopbackGuard, type View } from "../model/view.ts";
import type { Cidr } from "../net/cidr.ts";
import { setComment, setName, type SetKey } from "./set-names.ts";

/** The rules at the roots of the two dispatch trees of detours. */
export type DetourRoots = { readonly services: readonly Rule[]; readonly nodePorts: readonly Rule[] };

/** What one table has besides chains of Services. */
export type FixedTable = { readonly jumps: readonly Jump[]; readonly chains: readonly Chain[] };

/** The fixed chains, named as kube-proxy's where they do the same. Those of mangle and the two of detours are ours alone. */
export const fixedChainNames = {
  mangle: ["KUBE-PROXY-FIREWALL", "KUBE-SOURCE-RANGES-FIREWALL", "KUBE-NO-LOCAL"],
  nat: [
    "KUBE-SERVICES",
    "KUBE-POSTROUTING",
    "KUBE-NODE-PORT",
    "KUBE-LOAD-BALANCER",
    "KUBE-MARK-MASQ",
    "KUBE-SVC-LOCAL-POLICY",
    "KUBE-EXT-LOCAL-POLICY",
  ],
  filter: ["KUBE-FORWARD", "KUBE-NODE-PORT", "KUBE-IPVS-FILTER", "KUBE-IPVS-OUT-FILTER"],
} as const;

const name = (text: string): ChainName => chainName(text);
const detours = { services: name("KUBE-SVC-LOCAL-POLICY"), nodePorts: name("KUBE-EXT-LOCAL-POLICY") } as const;
const isNew: Match = { kind: "connection-state", states: ["NEW"] };
const back: Target = { kind: "verdict", verdict: "RETURN" };

/**
 * Who may not come is dropped here: before nat and before ip_vs, which takes packets of the node's own processes ahead of the filter
 * table. Source: Linux nf hook priorities; ip_vs_core.c, ip_vs_ops4.
 */
export function mangleTable(view: View): FixedTable {
  const firewall = comment("kube-proxy firewall rules");
  const jump = (from: BuiltInChain): Jump => jumpOf(from, [isNew, firewall], "KUBE-PROXY-FIREWALL");
  const ranges = name("KUBE-SOURCE-RANGES-FIREWALL");
  const external = name("KUBE-NO-LOCAL");
  const pods: Rule[] = view.localPods === undefined ? [] : [localPodRule(view, { matches: [], target: back })];
  return {
    jumps: [jump("PREROUTING"), jump("OUTPUT")],
    chains: [
      chain("KUBE-PROXY-FIREWALL", [
        inSet(view, "LOAD-BALANCER-FW", { flags: "dst,dst", target: jumpTo(ranges) }),
        inSet(view, "NO-LOCAL", { flags: "dst,dst", target: drop }),
        inSet(view, "NO-LOCAL-EXTERNAL", { flags: "dst,dst", target: jumpTo(external) }),
      ]),
      chain(ranges, [
        inSet(view, "LOAD-BALANCER-SOURCE-CIDR", { flags: "dst,dst,src", target: back }),
        inSet(view, "LOAD-BALANCER-SOURCE-IP", { flags: "dst,dst,src", target: back }),
        { matches: [], target: drop },
      ]),
      chain(external, [
        ...pods,
        { matches: [{ kind: "address-type", source: { is: "LOCAL" } }], target: back },
        { matches: [], target: drop },
      ]),
    ],
  };
}

/** Who is masqueraded, who takes a detour, and that nobody else's nat rules take what is addressed to a Service. */
export function natTable(view: View, roots: DetourRoots): FixedTable {
  const portals = [comment("kubernetes service portals")];
  const mark = jumpTo(markMasquerade);
  const loopback = (view.family === 4 ? "127.0.0.0/8" : "::1/128") as Cidr;
  return {
    jumps: [
      jumpOf("PREROUTING", portals, "KUBE-SERVICES"),
      jumpOf("OUTPUT", portals, "KUBE-SERVICES"),
      jumpOf("POSTROUTING", [comment("kubernetes postrouting rules")], "KUBE-POSTROUTING"),
    ],
    chains: [
      chain("KUBE-SERVICES", [
        { source: { is: loopback }, matches: [], target: back },
        // The node's own, which have the very address that they are sent to for their source, since it is local.
        inSet(view, "IPVS-IPS", { flags: "src", target: mark }),
        ...clusterIpRules(view),
        inSet(view, "LOAD-BALANCER", { flags: "dst,dst", target: jumpTo(name("KUBE-LOAD-BALANCER")) }),
        inSet(view, "EXTERNAL-IP", { flags: "dst,dst", target: mark }),
        inSet(view, "EXTERNAL-IP-LOCAL", { flags: "dst,dst", target: jumpTo(detours.services) }),
        inSet(view, "NODE-IPS", { flags: "dst", target: jumpTo(name("KUBE-NODE-PORT")) }),
        // Else a host port's rule, which asks for any local address, would take it.
        inSet(view, "IPVS-IPS", { flags: "dst", target: accept }),
      ]),
      chain("KUBE-LOAD-BALANCER", [
        inSet(view, "LOAD-BALANCER-LOCAL", { flags: "dst,dst", target: jumpTo(detours.services) }),
        inSet(view, "LOAD-BALANCER-LOCAL", { flags: "dst,dst", target: back }),
        { matches: [], target: mark },
      ]),
      chain(
        "KUBE-NODE-PORT",
        (["TCP", "UDP", "SCTP"] as const).flatMap((protocol) => nodePortRules(view, protocol)),
      ),
      chain(detours.services, roots.services),
      chain(detours.nodePorts, roots.nodePorts),
      chain("KUBE-POSTROUTING", [
        inSet(view, "LOOP-BACK", { flags: "dst,dst,src", target: masquerade }),
        { matches: [{ kind: "mark", not: true, value: view.mark, mask: view.mark }], target: back },
        // So that a packet that passes here again is not masqueraded again.
        { matches: [], target: { kind: "set-mark", value: view.mark, mask: 0 } },
        { matches: [comment("kubernetes service traffic requiring SNAT")], target: masquerade },
      ]),
      chain(markMasquerade, [{ matches: [], target: { kind: "set-mark", value: view.mark, mask: view.mark } }]),
    ],
  };
}

/** Refusals, and that the node's own ports are not reachable through addresses of Services. */
export function filterTable(view: View): FixedTable {
  const access = [comment("kubernetes ipvs access filter")];
  const with_ = view.family === 4 ? "icmp-port-unreachable" : "icmp6-port-unreachable";
  const reject: Target = { kind: "reject", with: with_ };
  const refused: Rule = inSet(view, "NO-ENDPOINTS", { flags: "dst,dst", target: reject, first: [isNew] });
  // iptables mode may have run here with the same settings, and route_localnet be on since.
  const guarded = needsLoopbackGuard(view) ? [loopbackGuard] : [];
  const served = ["LOAD-BALANCER", "CLUSTER-IP", "EXTERNAL-IP", "EXTERNAL-IP-LOCAL"] as const;
  const health = { flags: "dst", protocol: "tcp" } as const;
  return {
    jumps: [
      ...guarded.map(() => guardJump("INPUT")),
      jumpOf("INPUT", access, "KUBE-IPVS-FILTER"),
      jumpOf("INPUT", [comment("kubernetes health check rules")], "KUBE-NODE-PORT"),
      jumpOf("FORWARD", [comment("kubernetes forwarding rules")], "KUBE-FORWARD"),
      ...guarded.map(() => guardJump("OUTPUT")),
      jumpOf("OUTPUT", access, "KUBE-IPVS-OUT-FILTER"),
    ],
    chains: [
      chain("KUBE-IPVS-FILTER", [
        refused,
        ...served.map((key) => inSet(view, key, { flags: "dst,dst", target: back })),
        inSet(view, "HEALTH-CHECK-NODE-PORT", { ...health, target: back }),
        inSet(view, "IPVS-IPS", { flags: "dst", target: reject, first: [isNew] }),
      ]),
      chain("KUBE-IPVS-OUT-FILTER", [refused]),
      chain("KUBE-NODE-PORT", [inSet(view, "HEALTH-CHECK-NODE-PORT", { ...health, target: accept })]),
      chain("KUBE-FORWARD", forwardRules(view)),
      ...guarded,
    ],
  };
}

type Lookup = {
  /** `src` or `dst` for each part of an entry. */
  readonly flags: string;
  readonly target: Target;
  readonly protocol?: string;
  /** Matches that are asked before the set. */
  readonly first?: readonly Match[];
};

function inSet({ family }: View, key: SetKey, { flags, target, protocol, first = [] }: Lookup): Rule {
  const set: Match = { kind: "other", module: "set", options: ["--match-set", setName(key, family), flags] };
  const matches = [comment(setComment(key)), ...first, set];
  return { ...(protocol === undefined ? {} : { protocol: { is: protocol } }), matches, target };
}

/** Masquerades clients of cluster IPs from outside the cluster, where they can be told. */
function clusterIpRules(view: View): Rule[] {
  if (view.localPods === undefined && !view.masqueradeAll) return [];
  const rule = inSet(view, "CLUSTER-IP", { flags: "dst,dst", target: jumpTo(markMasquerade) });
  return [view.masqueradeAll ? rule : localPodRule(view, rule, true)];
}

function nodePortRules(view: View, protocol: "TCP" | "UDP" | "SCTP"): Rule[] {
  const [all, local, flags]: readonly [SetKey, SetKey, string] =
    protocol === "SCTP"
      ? ["NODE-PORT-SCTP-HASH", "NODE-PORT-LOCAL-SCTP-HASH", "dst,dst"]
      : [`NODE-PORT-${protocol}`, `NODE-PORT-LOCAL-${protocol}`, "dst"];
  const lookup = (key: SetKey, target: Target) => inSet(view, key, { flags, target, protocol: protocol.toLowerCase() });
  return [lookup(local, jumpTo(detours.nodePorts)), lookup(local, back), lookup(all, jumpTo(markMasquerade))];
}

/** As in iptables mode: answers of connections that took a detour must not pass untranslated. */
function forwardRules(view: View): Rule[] {
  const invalid: Rule = { matches: [{ kind: "connection-state", states: ["INVALID"] }], target: drop };
  const answers: Match = { kind: "connection-state", states: ["RELATED", "ESTABLISHED"] };
  return [
    ...(view.dropInvalid ? [invalid] : []),
    {
      matches: [comment("kubernetes forwarding rules"), { kind: "mark", value: view.mark, mask: view.mark }],
      target: accept,
    },
    { matches: [comment("kubernetes forwarding conntrack rule"), answers], target: accept },
  ];
}

function chain(of: string, rules: readonly Rule[]): Chain {
  return { name: name(of), rules, owner: undefined };
}

function jumpOf(from: BuiltInChain, matches: readonly Match[], to: string): Jump {
  return { from, rule: { matches, target: jumpTo(name(to)) } };
}
