// The chains of one Service port in the nat table. In: ServicePort, View. Out: Chain[], the ones that frontends lead to.
import { hostCidr, type Cidr } from "../../net/cidr.ts";
import { familyOf, hostPort } from "../../net/ip.ts";
import type { Endpoint } from "../../model/endpoints.ts";
import type { Fate } from "../../model/fates.ts";
import type { Frontend, ServicePort, SourceRanges } from "../../model/service-port.ts";
import type { View } from "../../model/view.ts";
import { balance, type Choice } from "./balance.ts";
import { type Chain } from "./chain.ts";
import { chainName, chainOfHash, hashedName, type ChainName, type ChainPrefix } from "./chain-name.ts";
import {
  comment,
  destinationPort,
  jumpTo,
  protocolMatch,
  type Match,
  type Negatable,
  type Rule,
  type Target,
} from "./rule.ts";

/** Sets the mark that `KUBE-POSTROUTING` masquerades by. */
export const markMasquerade = chainName("KUBE-MARK-MASQ");

const toMark = jumpTo(markMasquerade);

/** The chain of a Service port that does what `prefix` stands for. Source: kube-proxy servicePortChainName. */
export function servicePortChain(prefix: ChainPrefix, { hash }: { readonly hash: string }): ChainName {
  return chainOfHash(prefix, hash);
}

/**
 * All chains of a Service port: KUBE-SVC- balances over the cluster set, KUBE-SVL- over the local one, KUBE-EXT- decides
 * between them for external traffic, KUBE-FW- lets only source ranges through, KUBE-SEP- is one endpoint (with session affinity)
 * or one group of many. A chain is left out where no verdict of the port needs it.
 */
export function buildServiceChains(port: ServicePort, view: View): Chain[] {
  const endpoints = [
    ...balanceChain({ over: "cluster", endpoints: port.clusterEndpoints }, port, view),
    ...balanceChain({ over: "local", endpoints: port.localEndpoints }, port, view),
  ];
  const chains = [...endpoints, ...affinityChains(port), ...externalChain(port, view), ...firewallChain(port)];
  return chains;
}

/** The chain that traffic for a frontend enters; undefined where it must not be translated at all. */
export function entryChain(frontend: Frontend): ChainName | undefined {
  if (frontend.kind !== "cluster-ip") {
    if (!frontend.fates.some(({ verdict }) => verdict.kind === "balance")) return undefined;
    return servicePortChain(frontend.sourceRanges === undefined ? "KUBE-EXT-" : "KUBE-FW-", frontend);
  }
  const verdict = frontend.fates.at(-1)?.verdict;
  if (verdict?.kind !== "balance") return undefined;
  return servicePortChain(balancePrefix[verdict.over], frontend);
}

/** `rule` for packets of local pods alone (`-s` or `-i`), or for all but them; `rule` itself where they cannot be told. */
export function localPodRule(view: View, rule: Rule, not?: true): Rule {
  const pods = podMatch(view, not);
  const { matches, target, destination, protocol } = rule;
  switch (pods?.kind) {
    case undefined:
      return rule;
    case "source":
      // Nearly all are so. A literal: what `...` makes has a hidden class of its own, which is larger than the rule (V8, measured).
      if ((destination ?? protocol) === undefined && target !== undefined)
        return { source: pods.source, matches, target };
      return { ...rule, source: pods.source };
    case "interface":
      return { ...rule, inInterface: pods.name };
  }
}

type PodMatch =
  | { readonly kind: "source"; readonly source: Negatable<Cidr> }
  | { readonly kind: "interface"; readonly name: Negatable<string> };

/** One object for all rules of a View that have it. */
function podMatch(view: View, not?: true): PodMatch | undefined {
  const cache = not === undefined ? localPods : otherClients;
  const known = cache.get(view);
  if (known !== undefined || view.localPods === undefined) return known;
  const negation = not === undefined ? {} : { not };
  const made: PodMatch =
    view.localPods.kind === "source"
      ? { kind: "source", source: { ...negation, is: view.localPods.cidr } }
      : { kind: "interface", name: { ...negation, is: view.localPods.name } };
  cache.set(view, made);
  return made;
}

const localPods = new WeakMap<View, PodMatch>();
const otherClients = new WeakMap<View, PodMatch>();

/** The chains that balance over each set. */
const balancePrefix = { cluster: "KUBE-SVC-", local: "KUBE-SVL-" } as const;

type EndpointSet = { readonly over: "cluster" | "local"; readonly endpoints: readonly Endpoint[] };

function balanceChain({ over, endpoints }: EndpointSet, port: ServicePort, view: View): Chain[] {
  if (endpoints.length === 0) return [];
  const name = servicePortChain(balancePrefix[over], port);
  const masquerading = clusterIpMasquerade(port, over, view);
  const choices = endpoints.map((endpoint): Choice => ({
    id: hostPort(endpoint.ip, endpoint.port),
    rule: toEndpoint(endpoint, port),
  }));
  const { rules, chains } = balance(choices, { chain: name, owner: port.name });
  const sticky =
    port.affinitySeconds === undefined
      ? []
      : endpoints.map((endpoint) => recheck(endpoint, port, port.affinitySeconds ?? 0));
  const all = masquerading.concat(sticky, rules);
  return [{ name, rules: named(all, port.name), owner: port.name }, ...chains];
}

/** The first rule of a Service's chain names the Service, for whoever reads the kernel's rules. */
function named(rules: readonly Rule[], text: string): readonly Rule[] {
  const [first] = rules;
  if (first === undefined || first.matches[0]?.kind === "comment") return rules;
  return rules.with(0, { ...first, matches: [comment(text), ...first.matches] });
}

/** Marks what comes to a cluster IP from clients that must be masqueraded. */
function clusterIpMasquerade(port: ServicePort, over: "cluster" | "local", view: View): Rule[] {
  return port.frontends.flatMap((frontend) => {
    const verdict = frontend.fates.at(-1)?.verdict;
    if (frontend.kind !== "cluster-ip" || verdict?.kind !== "balance" || verdict.over !== over) return [];
    if (verdict.masquerade === "never") return [];
    // Where nothing else leads to the chain, what is in it is for the cluster IP: asking again would only cost.
    const only = port.frontends.length === 1;
    const rule: Rule = only
      ? { matches: [comment(port.name, " cluster IP")], target: toMark }
      : { ...frontendMatch(frontend, "cluster IP"), target: toMark };
    return [verdict.masquerade === "always" ? rule : localPodRule(view, rule, true)];
  });
}

/** Destination, protocol and port of a frontend with an address, and the comment that says whose it is. */
export function frontendMatch(frontend: Frontend, what: string): Pick<Rule, "destination" | "protocol" | "matches"> {
  const protocol = protocolMatch(frontend.protocol);
  return {
    ...(frontend.ip === undefined ? {} : { destination: { is: hostCidr(frontend.ip) } }),
    protocol,
    matches: [
      what === "" ? comment(frontend.service) : comment(frontend.service, " ", what),
      destinationPort(protocol.is, frontend.port),
    ],
  };
}

/** One for all, since there are as many as endpoints. */
const none: readonly Match[] = [];

function toEndpoint(endpoint: Endpoint, port: ServicePort): Rule {
  if (port.affinitySeconds !== undefined) return { matches: none, target: jumpTo(endpointChain(endpoint, port)) };
  return translate(endpoint, port);
}

function translate(endpoint: Endpoint, port: ServicePort): Rule {
  const target: Target = { kind: "dnat", to: hostPort(endpoint.ip, endpoint.port) };
  return { protocol: protocolMatch(port.protocol), matches: none, target };
}

/** A client that was at this endpoint not long ago goes there again. */
function recheck(endpoint: Endpoint, port: ServicePort, seconds: number): Rule {
  const list = endpointChain(endpoint, port);
  const mask = recentMask(endpoint);
  return { matches: [{ kind: "recent", action: "rcheck", list, reapSeconds: seconds, mask }], target: jumpTo(list) };
}

/** One chain an endpoint, shared by both sets as the list of its clients is. */
function affinityChains(port: ServicePort): Chain[] {
  if (port.affinitySeconds === undefined) return [];
  const endpoints = new Map(
    [...port.clusterEndpoints, ...port.localEndpoints].map((endpoint) => [endpointChain(endpoint, port), endpoint]),
  );
  return [...endpoints].map(([name, endpoint]) => {
    const { target, protocol } = translate(endpoint, port);
    const remember = { kind: "recent" as const, action: "set" as const, list: name, mask: recentMask(endpoint) };
    const rule: Rule = {
      ...(protocol === undefined ? {} : { protocol }),
      matches: [comment(port.name), remember],
      ...(target === undefined ? {} : { target }),
    };
    return { name, rules: [rule], owner: port.name };
  });
}

function endpointChain(endpoint: Endpoint, port: ServicePort): ChainName {
  return hashedName("KUBE-SEP-", port.name + port.protocol.toLowerCase() + hostPort(endpoint.ip, endpoint.port));
}

function recentMask(endpoint: Endpoint): string {
  return familyOf(endpoint.ip) === 4 ? "255.255.255.255" : "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
}

function externalChain(port: ServicePort, view: View): Chain[] {
  const frontend = port.frontends.find(({ kind }) => kind !== "cluster-ip");
  if (frontend === undefined || !frontend.fates.some(({ verdict }) => verdict.kind === "balance")) return [];
  const rules = frontend.fates.flatMap((fate) => externalRules(fate, port, view));
  return [{ name: servicePortChain("KUBE-EXT-", port), rules: named(rules, port.name), owner: port.name }];
}

function externalRules(fate: Fate, port: ServicePort, view: View): Rule[] {
  const { verdict } = fate;
  if (verdict.kind !== "balance") return [];
  const to = jumpTo(servicePortChain(balancePrefix[verdict.over], port));
  const what = `${port.name} external destinations`;
  switch (fate.from) {
    case "local-pods":
      return [localPodRule(view, { matches: [comment(`pod traffic for ${what}`)], target: to })];
    case "this-node": {
      const fromNode = { kind: "address-type" as const, source: { is: "LOCAL" } };
      return [
        { matches: [comment(`masquerade LOCAL traffic for ${what}`), fromNode], target: toMark },
        { matches: [comment(`route LOCAL traffic for ${what}`), fromNode], target: to },
      ];
    }
    case "anyone":
      return [
        ...(verdict.masquerade === "always"
          ? [{ matches: [comment(`masquerade traffic for ${what}`)], target: toMark }]
          : []),
        { matches: [], target: to },
      ];
  }
}

/** What no rule here lets through is not translated, and then dropped in KUBE-PROXY-FIREWALL. */
function firewallChain(port: ServicePort): Chain[] {
  const guarded = port.frontends.filter(
    (frontend) => frontend.sourceRanges !== undefined && entryChain(frontend) !== undefined,
  );
  const ranges = guarded[0]?.sourceRanges;
  if (ranges === undefined) return [];
  const rules: Rule[] = [
    ...allowed(ranges, guarded).map((source) => ({
      source: { is: source } satisfies Negatable<string>,
      matches: [comment(`${port.name} loadbalancer IP`)],
      target: jumpTo(servicePortChain("KUBE-EXT-", port)),
    })),
    { matches: [comment(`other traffic to ${port.name} will be dropped by KUBE-PROXY-FIREWALL`)] },
  ];
  return [{ name: servicePortChain("KUBE-FW-", port), rules, owner: port.name }];
}

function allowed(ranges: SourceRanges, guarded: readonly Frontend[]) {
  const vips = ranges.withVip ? guarded.flatMap(({ ip }) => (ip === undefined ? [] : [hostCidr(ip)])) : [];
  return [...ranges.cidrs, ...vips];
}
