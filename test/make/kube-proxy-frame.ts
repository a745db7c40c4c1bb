// What kube-proxy writes whatever Services there are. In: View. Out: chains, the jumps to them, the rules in them.
import type { View } from "../../rules/model/view.ts";
import { hostCidr } from "../../rules/net/cidr.ts";
import { isLoopback } from "../../rules/net/ip.ts";
import { changeMark, comment, ctstate, markMatch, type Placed, type Rule, type TableName } from "./kube-proxy-words.ts";

/** The kernel's own chains, in the order of iptables-save. */
export const builtInChains: Readonly<Record<TableName, readonly string[]>> = {
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
};

/** The chains that are there with no Service at all. The canaries are empty: they tell that somebody has emptied the table. */
export const fixedChains: Readonly<Record<TableName, readonly string[]>> = {
  mangle: ["KUBE-PROXY-CANARY"],
  filter: [
    "KUBE-EXTERNAL-SERVICES",
    "KUBE-FIREWALL",
    "KUBE-FORWARD",
    "KUBE-NODEPORTS",
    "KUBE-PROXY-CANARY",
    "KUBE-PROXY-FIREWALL",
    "KUBE-SERVICES",
  ],
  nat: ["KUBE-MARK-MASQ", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-PROXY-CANARY", "KUBE-SERVICES"],
};

/**
 * The jumps from built-in chains, in the order in which they stand there on a node where nobody else has written rules: each is
 * inserted at the top, so the last comes first.
 */
export function jumps(): Placed[] {
  return insertions
    .map(({ table, from, to, modules = [] }) => ({ table, chain: from, rule: { modules, target: to } }))
    .reverse();
}

/** Rules that stand before those of Services. */
export function headRules({ mark, localhostNodePorts }: View): Placed[] {
  const martian: Placed = {
    table: "filter",
    chain: "KUBE-FIREWALL",
    rule: {
      from: "! 127.0.0.0/8",
      to: "127.0.0.0/8",
      modules: [comment("block incoming localnet connections"), "-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT"],
      target: "DROP",
    },
  };
  const postrouting: readonly Rule[] = [
    { modules: [markMatch(mark, "! ")], target: "RETURN" },
    { target: changeMark(mark, "flip") },
    {
      modules: [comment("kubernetes service traffic requiring SNAT")],
      target: "MASQUERADE --random-fully",
    },
  ];
  return [
    ...(localhostNodePorts ? [martian] : []),
    ...postrouting.map((rule): Placed => ({ table: "nat", chain: "KUBE-POSTROUTING", rule })),
    { table: "nat", chain: "KUBE-MARK-MASQ", rule: { target: changeMark(mark, "set") } },
  ];
}

/** Rules that stand after those of Services: node ports, and what may be forwarded. */
export function tailRules(view: View): Placed[] {
  const forward: readonly Rule[] = [
    ...(view.dropInvalid ? [{ modules: [ctstate("INVALID")], target: "DROP" }] : []),
    { modules: [comment("kubernetes forwarding rules"), markMatch(view.mark)], target: "ACCEPT" },
    {
      modules: [comment("kubernetes forwarding conntrack rule"), ctstate("RELATED,ESTABLISHED")],
      target: "ACCEPT",
    },
  ];
  return [
    ...nodePortRules(view).map((rule): Placed => ({ table: "nat", chain: "KUBE-SERVICES", rule })),
    ...forward.map((rule): Placed => ({ table: "filter", chain: "KUBE-FORWARD", rule })),
  ];
}

/** Node ports on all local addresses, or on each of those that were found when the rules were written. */
function nodePortRules({ family, localhostNodePorts, nodePortIps }: View): Rule[] {
  const note = comment("kubernetes service nodeports; NOTE: this must be the last rule in this chain");
  const target = "KUBE-NODEPORTS";
  if (nodePortIps === "all") {
    const loopback = family === 6 ? "! ::1/128" : "! 127.0.0.0/8";
    const to = localhostNodePorts ? undefined : loopback;
    return [{ to, modules: [note, "-m addrtype --dst-type LOCAL"], target }];
  }
  return nodePortIps
    .filter((ip) => localhostNodePorts || !isLoopback(ip))
    .map((ip) => ({ to: hostCidr(ip), modules: [note], target }));
}

type Insertion = {
  readonly table: TableName;
  readonly from: string;
  readonly to: string;
  readonly modules?: readonly string[];
};

const [isNew, portals] = [ctstate("NEW"), comment("kubernetes service portals")];
const external = [isNew, comment("kubernetes externally-visible service portals")];
const firewall = [isNew, comment("kubernetes load balancer firewall")];

/** In the order in which kube-proxy makes them. Source: iptablesJumpChains and iptablesKubeletJumpChains in iptables/proxier.go. */
const insertions: readonly Insertion[] = [
  { table: "filter", from: "INPUT", to: "KUBE-EXTERNAL-SERVICES", modules: external },
  { table: "filter", from: "FORWARD", to: "KUBE-EXTERNAL-SERVICES", modules: external },
  {
    table: "filter",
    from: "INPUT",
    to: "KUBE-NODEPORTS",
    modules: [comment("kubernetes health check service ports")],
  },
  { table: "filter", from: "FORWARD", to: "KUBE-SERVICES", modules: [isNew, portals] },
  { table: "filter", from: "OUTPUT", to: "KUBE-SERVICES", modules: [isNew, portals] },
  { table: "filter", from: "FORWARD", to: "KUBE-FORWARD", modules: [comment("kubernetes forwarding rules")] },
  { table: "filter", from: "INPUT", to: "KUBE-PROXY-FIREWALL", modules: firewall },
  { table: "filter", from: "OUTPUT", to: "KUBE-PROXY-FIREWALL", modules: firewall },
  { table: "filter", from: "FORWARD", to: "KUBE-PROXY-FIREWALL", modules: firewall },
  { table: "nat", from: "OUTPUT", to: "KUBE-SERVICES", modules: [portals] },
  { table: "nat", from: "PREROUTING", to: "KUBE-SERVICES", modules: [portals] },
  { table: "nat", from: "POSTROUTING", to: "KUBE-POSTROUTING", modules: [comment("kubernetes postrouting rules")] },
  { table: "filter", from: "INPUT", to: "KUBE-FIREWALL" },
  { table: "filter", from: "OUTPUT", to: "KUBE-FIREWALL" },
];
