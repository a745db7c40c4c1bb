// What kube-proxy writes for one Service port. In: ServicePort, those of its frontends that are served, View. Out: rules in their chains.
import type { Endpoint } from "../../rules/model/endpoints.ts";
import { hash16 } from "../../rules/model/hash.ts";
import type { Frontend, ServicePort } from "../../rules/model/service-port.ts";
import type { View } from "../../rules/model/view.ts";
import { hostCidr } from "../../rules/net/cidr.ts";
import { hostPort } from "../../rules/net/ip.ts";
import { never } from "../../rules/never.ts";
import { comment, oneIn, recentCheck, recentSet, reject, type Placed, type Rule } from "./kube-proxy-words.ts";

/** What the rules of a port depend on besides the port. */
export type Surroundings = {
  readonly view: View;
  /** The port's frontends that it is to be reached at; a chain that none of them leads to is not written. */
  readonly frontends: readonly Frontend[];
  /** Whether rules of endpoints say what they are for. kube-proxy leaves that out in large clusters. */
  readonly endpointComments: boolean;
  readonly healthCheckPort: number | undefined;
};

/** All rules of a Service port, chain by chain in their order. */
export function servicePortRules(port: ServicePort, surroundings: Surroundings): Placed[] {
  const subject = subjectOf(port, surroundings);
  return [
    ...surroundings.frontends.flatMap((frontend) => frontendRules(frontend, subject)),
    ...healthCheckRules(subject),
    ...clusterIpMarks(subject),
    ...externalRules(subject),
    ...firewallRules(subject),
    ...balanceRules(subject.cluster, subject),
    ...balanceRules(subject.local, subject),
    ...endpointRules(subject),
  ];
}

/** A chain that balances over endpoints; none where no frontend leads there, or there are none. */
type Balance = { readonly chain: string; readonly targets: readonly Target[] };

/** An endpoint and its chain. */
type Target = { readonly chain: string; readonly endpoint: Endpoint };

type Subject = {
  readonly port: ServicePort;
  readonly around: Surroundings;
  readonly protocol: string;
  /** Whether any endpoint can be used, wherever it is. */
  readonly hasEndpoints: boolean;
  /** Whether those that cluster IPs may lead to are there, and those that everything else may. */
  readonly hasInternal: boolean;
  readonly hasExternal: boolean;
  readonly cluster: Balance;
  readonly local: Balance;
  readonly externalChain: string;
  readonly firewallChain: string;
  /** Whether load-balancer addresses are reached through the firewall chain. */
  readonly firewalled: boolean;
};

function subjectOf(port: ServicePort, around: Surroundings): Subject {
  const protocol = port.protocol.toLowerCase();
  const hash = hash16(port.name + protocol);
  const hasEndpoints = port.frontends.some(({ fates }) => fates.some(({ verdict }) => verdict.kind !== "reject"));
  const has = (policy: "Cluster" | "Local") => hasEndpoints && (policy === "Cluster" || port.localEndpoints.length > 0);
  const [hasInternal, hasExternal] = [has(port.internalPolicy), has(port.externalPolicy)];
  const inside = around.frontends.some(({ kind }) => kind === "cluster-ip");
  const outside = around.frontends.some(({ kind }) => kind !== "cluster-ip");
  // With an external policy of Local, pods and the node itself still go there.
  const usesCluster = (inside && port.internalPolicy === "Cluster") || outside;
  const usesLocal = (inside && port.internalPolicy === "Local") || (outside && port.externalPolicy === "Local");
  const targets = (endpoints: readonly Endpoint[]): Target[] =>
    endpoints.map((endpoint) => ({
      chain: `KUBE-SEP-${hash16(port.name + protocol + hostPort(endpoint.ip, endpoint.port))}`,
      endpoint,
    }));
  return {
    port,
    around,
    protocol,
    hasEndpoints,
    hasInternal,
    hasExternal,
    cluster: { chain: `KUBE-SVC-${hash}`, targets: targets(usesCluster ? port.clusterEndpoints : []) },
    local: { chain: `KUBE-SVL-${hash}`, targets: targets(usesLocal ? port.localEndpoints : []) },
    externalChain: `KUBE-EXT-${hash}`,
    firewallChain: `KUBE-FW-${hash}`,
    firewalled:
      hasEndpoints &&
      port.sourceRanges !== undefined &&
      around.frontends.some(({ kind }) => kind === "load-balancer-ip"),
  };
}

/** The rules that lead a frontend's packets on, and those that end the way of packets that have no endpoint to go to. */
function frontendRules(frontend: Frontend, subject: Subject): Placed[] {
  const { port, hasEndpoints, hasInternal, hasExternal, externalChain, firewallChain, firewalled } = subject;
  const lead = (chain: string, text: string, target: string): Placed[] =>
    hasEndpoints ? [nat(chain, { ...reach(frontend, [comment(text)], subject), target })] : [];
  const externalEnd = hasExternal ? [] : [filter("KUBE-EXTERNAL-SERVICES", endingRule(frontend, subject))];
  switch (frontend.kind) {
    case "cluster-ip":
      return hasInternal
        ? lead("KUBE-SERVICES", `${port.name} cluster IP`, internalBalance(subject).chain)
        : [filter("KUBE-SERVICES", endingRule(frontend, subject))];
    case "external-ip":
      return [...lead("KUBE-SERVICES", `${port.name} external IP`, externalChain), ...externalEnd];
    case "load-balancer-ip": {
      const text = comment(`${port.name} traffic not accepted by ${firewallChain}`);
      const refused = filter("KUBE-PROXY-FIREWALL", { ...reach(frontend, [text], subject), target: "DROP" });
      return [
        ...lead("KUBE-SERVICES", `${port.name} loadbalancer IP`, firewalled ? firewallChain : externalChain),
        ...(firewalled ? [refused] : []),
        ...externalEnd,
      ];
    }
    case "node-port":
      return [...lead("KUBE-NODEPORTS", port.name, externalChain), ...externalEnd];
    default:
      return never(frontend.kind);
  }
}

/** Refuses where there is no endpoint at all, drops where only this node has none. */
function endingRule(frontend: Frontend, subject: Subject): Rule {
  const { port, around, hasEndpoints } = subject;
  const text = comment(`${port.name} has no ${hasEndpoints ? "local " : ""}endpoints`);
  // In filter no chain is for node ports only, as in nat.
  const isLocal = frontend.kind === "node-port" ? ["-m addrtype --dst-type LOCAL"] : [];
  const target = hasEndpoints ? "DROP" : reject(around.view.family);
  return { ...reach(frontend, [text, ...isLocal], subject), target };
}

/** Matches packets to a frontend; `modules` come before its port. */
function reach({ ip, port }: Frontend, modules: readonly string[], { protocol }: Subject): Rule {
  const to = ip === undefined ? undefined : hostCidr(ip);
  return { to, protocol, modules: [...modules, `-m ${protocol} --dport ${port}`] };
}

/** One rule for each port of the Service, whatever its endpoints. */
function healthCheckRules({ port, around: { healthCheckPort } }: Subject): Placed[] {
  if (healthCheckPort === undefined) return [];
  const modules = [comment(`${port.name} health check node port`), `-m tcp --dport ${healthCheckPort}`];
  return [filter("KUBE-NODEPORTS", { protocol: "tcp", modules, target: "ACCEPT" })];
}

/** The first rule of the chain that cluster IPs lead to: traffic from outside the cluster, or all, is masqueraded. */
function clusterIpMarks(subject: Subject): Placed[] {
  const { port, around, hasInternal } = subject;
  const { masqueradeAll, localPods } = around.view;
  if (!hasInternal || (localPods === undefined && !masqueradeAll)) return [];
  const strangers = masqueradeAll ? {} : fromPods(around.view, "! ");
  return around.frontends
    .filter(({ kind }) => kind === "cluster-ip")
    .map((frontend) => {
      const reached = reach(frontend, [comment(`${port.name} cluster IP`)], subject);
      return nat(internalBalance(subject).chain, { ...reached, ...strangers, target: "KUBE-MARK-MASQ" });
    });
}

/** The chain that everything but cluster IPs leads to. */
function externalRules(subject: Subject): Placed[] {
  const { port, around, hasEndpoints, hasExternal, cluster, local, externalChain } = subject;
  if (!hasEndpoints || around.frontends.every(({ kind }) => kind === "cluster-ip")) return [];
  const note = (what: string) => comment(`${what} traffic for ${port.name} external destinations`);
  const isNode = "-m addrtype --src-type LOCAL";
  const last: readonly Rule[] = hasExternal
    ? [{ target: port.externalPolicy === "Local" ? local.chain : cluster.chain }]
    : [];
  const first: readonly Rule[] =
    port.externalPolicy === "Cluster"
      ? [{ modules: [note("masquerade")], target: "KUBE-MARK-MASQ" }]
      : [
          ...(around.view.localPods === undefined
            ? []
            : [{ ...fromPods(around.view), modules: [note("pod")], target: cluster.chain }]),
          { modules: [note("masquerade LOCAL"), isNode], target: "KUBE-MARK-MASQ" },
          { modules: [note("route LOCAL"), isNode], target: cluster.chain },
        ];
  return [...first, ...last].map((rule) => nat(externalChain, rule));
}

/** Lets source ranges through. The last rule only counts: a packet that no rule translated meets KUBE-PROXY-FIREWALL later. */
function firewallRules({ port, firewalled, firewallChain, externalChain }: Subject): Placed[] {
  const { sourceRanges } = port;
  if (!firewalled || sourceRanges === undefined) return [];
  const vips = sourceRanges.withVip ? port.frontends.filter(({ kind }) => kind === "load-balancer-ip") : [];
  const sources = [...sourceRanges.cidrs, ...vips.flatMap(({ ip }) => (ip === undefined ? [] : hostCidr(ip)))];
  const others = comment(`other traffic to ${port.name} will be dropped by KUBE-PROXY-FIREWALL`);
  return [
    ...sources.map((from) =>
      nat(firewallChain, { from, modules: [comment(`${port.name} loadbalancer IP`)], target: externalChain }),
    ),
    nat(firewallChain, { modules: [others] }),
  ];
}

/** Known clients first go to the endpoint that they know; the others to any, each with the same chance. */
function balanceRules({ chain, targets }: Balance, subject: Subject): Placed[] {
  const { name, affinitySeconds } = subject.port;
  const noted = targets.map(({ chain: target, endpoint: { ip, port } }) => ({
    target,
    note: endpointComment(`${name} -> ${hostPort(ip, port)}`, subject),
  }));
  const known =
    affinitySeconds === undefined
      ? []
      : noted.map(({ target, note }) => {
          const isKnown = recentCheck(target, affinitySeconds, subject.around.view.family);
          return nat(chain, { modules: [...note, isKnown], target });
        });
  const any = noted.map(({ target, note }, at) => {
    const left = noted.length - at;
    return nat(chain, { modules: left === 1 ? note : [...note, oneIn(left)], target });
  });
  return [...known, ...any];
}

/** A chain for each endpoint, common to both balances: what it sends to itself is masqueraded, then the destination translated. */
function endpointRules(subject: Subject): Placed[] {
  const { port, around, protocol, cluster, local } = subject;
  const unique = new Map([...cluster.targets, ...local.targets].map(({ chain, endpoint }) => [chain, endpoint]));
  const note = endpointComment(port.name, subject);
  return [...unique].flatMap(([chain, { ip, port: number }]) => {
    const remembered = port.affinitySeconds === undefined ? [] : [recentSet(chain, around.view.family)];
    return [
      nat(chain, { from: hostCidr(ip), modules: note, target: "KUBE-MARK-MASQ" }),
      nat(chain, {
        protocol,
        modules: [...note, ...remembered, `-m ${protocol}`],
        target: `DNAT --to-destination ${hostPort(ip, number)}`,
      }),
    ];
  });
}

function internalBalance({ port, cluster, local }: Subject): Balance {
  return port.internalPolicy === "Local" ? local : cluster;
}

/** Matches packets of this cluster's pods, with a `! ` all others. */
function fromPods({ localPods }: View, not = ""): Rule {
  if (localPods === undefined) return {};
  return localPods.kind === "source" ? { from: not + localPods.cidr } : { inBy: not + localPods.name };
}

function endpointComment(text: string, { around }: Subject): string[] {
  return around.endpointComments ? [comment(text)] : [];
}

function nat(chain: string, rule: Rule): Placed {
  return { table: "nat", chain, rule };
}

function filter(chain: string, rule: Rule): Placed {
  return { table: "filter", chain, rule };
}
