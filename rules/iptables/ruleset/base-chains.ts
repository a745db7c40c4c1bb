// What is there whatever the Services are: jumps, fixed chains. In: View, the roots of the dispatch trees. Out: jumps and chains of both tables.
import { coveringCidr, hostCidr, isZeroCidr, type Cidr } from "../../net/cidr.ts";
import { needsLoopbackGuard, type View } from "../../model/view.ts";
import { type BuiltInChain, type Chain, type Jump } from "./chain.ts";
import { chainName } from "./chain-name.ts";
import { guardJump, loopbackGuard } from "./loopback-guard.ts";
import { accept, comment, drop, jumpTo, masquerade, type Match, type Rule } from "./rule.ts";
import { markMasquerade } from "./service-chains.ts";
import type { TreeName } from "./frontend-rules.ts";

/** The rules at the root of each dispatch tree. */
export type Roots = Readonly<Record<TreeName, readonly Rule[]>>;

const name = {
  services: chainName("KUBE-SERVICES"),
  externalServices: chainName("KUBE-EXTERNAL-SERVICES"),
  nodePorts: chainName("KUBE-NODEPORTS"),
  forward: chainName("KUBE-FORWARD"),
  proxyFirewall: chainName("KUBE-PROXY-FIREWALL"),
  postrouting: chainName("KUBE-POSTROUTING"),
  deadNodePorts: chainName("KUBE-EXT-NODEPORTS"),
  hairpins: chainName("KUBE-SEP-HAIRPINS"),
} as const;

const isNew: Match = { kind: "connection-state", states: ["NEW"] };

/** Every jump from a built-in chain, each chain's in the order in which packets meet them. Source: kube-proxy iptablesJumpChains. */
export function buildJumps(view: View): { readonly filter: Jump[]; readonly nat: Jump[] } {
  const jump = (from: BuiltInChain, matches: Match[], chain: (typeof name)[keyof typeof name]): Jump => ({
    from,
    rule: { matches, target: jumpTo(chain) },
  });
  const balancers = [isNew, comment("kubernetes load balancer firewall")];
  const portals = [isNew, comment("kubernetes service portals")];
  const externals = [isNew, comment("kubernetes externally-visible service portals")];
  const firewall = (from: BuiltInChain) => (needsLoopbackGuard(view) ? [guardJump(from)] : []);
  return {
    filter: [
      ...firewall("INPUT"),
      jump("INPUT", balancers, name.proxyFirewall),
      jump("INPUT", [comment("kubernetes health check service ports")], name.nodePorts),
      jump("INPUT", externals, name.externalServices),
      jump("FORWARD", balancers, name.proxyFirewall),
      jump("FORWARD", [comment("kubernetes forwarding rules")], name.forward),
      jump("FORWARD", portals, name.services),
      jump("FORWARD", externals, name.externalServices),
      ...firewall("OUTPUT"),
      jump("OUTPUT", balancers, name.proxyFirewall),
      jump("OUTPUT", portals, name.services),
    ],
    nat: [
      jump("PREROUTING", [comment("kubernetes service portals")], name.services),
      jump("OUTPUT", [comment("kubernetes service portals")], name.services),
      jump("POSTROUTING", [comment("kubernetes postrouting rules")], name.postrouting),
    ],
  };
}

/** The fixed chains of the nat table. */
export function buildNatChains(view: View, roots: Roots): Chain[] {
  return [
    fixed(name.services, [...roots.services, ...nodePortJumps(view)]),
    fixed(name.nodePorts, roots.nodePorts),
    fixed(name.postrouting, [...hairpinJump(roots), ...postroutingRules(view)]),
    fixed(markMasquerade, [{ matches: [], target: { kind: "set-mark", value: view.mark, mask: view.mark } }]),
    ...optional(name.hairpins, roots.hairpins),
  ];
}

/** The fixed chains of the filter table. */
export function buildFilterChains(view: View, roots: Roots): Chain[] {
  return [
    fixed(name.services, roots.deadServices),
    fixed(name.externalServices, [...roots.deadExternals, ...deadNodePortJump(roots)]),
    ...optional(name.deadNodePorts, roots.deadNodePorts),
    fixed(name.nodePorts, roots.healthPorts),
    fixed(name.proxyFirewall, roots.firewall),
    fixed(name.forward, forwardRules(view)),
    ...(needsLoopbackGuard(view) ? [loopbackGuard] : []),
  ];
}

function fixed(chain: Chain["name"], rules: readonly Rule[]): Chain {
  return { name: chain, rules, owner: undefined };
}

function optional(chain: Chain["name"], rules: readonly Rule[]): Chain[] {
  return rules.length === 0 ? [] : [fixed(chain, rules)];
}

/** Last in KUBE-SERVICES: what is addressed to this node itself may be for a node port. */
function nodePortJumps(view: View): Rule[] {
  const matches = [comment("kubernetes service nodeports; NOTE: this must be the last rule in this chain")];
  const target = jumpTo(name.nodePorts);
  if (view.nodePortIps !== "all") {
    return view.nodePortIps.map((ip) => ({ destination: { is: hostCidr(ip) }, matches, target }));
  }
  const loopback = view.family === 6 ? "::1/128" : view.localhostNodePorts ? undefined : "127.0.0.0/8";
  return [
    {
      ...(loopback === undefined ? {} : { destination: { not: true, is: loopback as Cidr } }),
      matches: [...matches, { kind: "address-type", destination: { is: "LOCAL" } }],
      target,
    },
  ];
}

function deadNodePortJump(roots: Roots): Rule[] {
  if (roots.deadNodePorts.length === 0) return [];
  return [{ matches: [{ kind: "address-type", destination: { is: "LOCAL" } }], target: jumpTo(name.deadNodePorts) }];
}

/** Only translated connections can have come back to where they came from, and only to where such endpoints are. */
function hairpinJump(roots: Roots): Rule[] {
  if (roots.hairpins.length === 0) return [];
  const block = coveringCidr(roots.hairpins.flatMap(({ destination }) => destination?.is ?? []));
  const destination = block === undefined || isZeroCidr(block) ? {} : { destination: { is: block } };
  const matches: Match[] = [
    comment("kubernetes service traffic back to its sender"),
    { kind: "connection-state", states: ["DNAT"] },
  ];
  return [{ ...destination, matches, target: jumpTo(name.hairpins) }];
}

/** The mark is cleared before masquerading, so that a packet that passes here again is not masqueraded again. */
function postroutingRules(view: View): Rule[] {
  return [
    {
      matches: [{ kind: "mark", not: true, value: view.mark, mask: view.mark }],
      target: { kind: "verdict", verdict: "RETURN" },
    },
    { matches: [], target: { kind: "set-mark", value: view.mark, mask: 0 } },
    { matches: [comment("kubernetes service traffic requiring SNAT")], target: masquerade },
  ];
}

/** INVALID packets would pass untranslated and reset the connection at the client's end (kubernetes#74839). */
function forwardRules(view: View): Rule[] {
  const invalid: Rule = { matches: [{ kind: "connection-state", states: ["INVALID"] }], target: drop };
  return [
    ...(view.dropInvalid ? [invalid] : []),
    {
      matches: [comment("kubernetes forwarding rules"), { kind: "mark", value: view.mark, mask: view.mark }],
      target: accept,
    },
    {
      matches: [
        comment("kubernetes forwarding conntrack rule"),
        { kind: "connection-state", states: ["RELATED", "ESTABLISHED"] },
      ],
      target: accept,
    },
  ];
}
