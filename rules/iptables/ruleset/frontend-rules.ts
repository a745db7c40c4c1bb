// Where a frontend stands in the dispatch trees. In: Frontend, its protocol's Service port. Out: one rule for each tree it is in.
import { hostCidr } from "../../net/cidr.ts";
import type { Endpoint } from "../../model/endpoints.ts";
import type { HealthCheckPort } from "../../model/model.ts";
import type { Frontend } from "../../model/service-port.ts";
import type { Family } from "../../net/ip.ts";
import { accept, comment, destinationPort, drop, jumpTo, masquerade, type Rule, type Target } from "./rule.ts";
import { entryChain, frontendMatch } from "./service-chains.ts";

/** The dispatch trees, by what they decide. */
export type TreeName =
  /** nat: to the chain of a frontend with an address. */
  | "services"
  /** nat: to the chain of a node port. */
  | "nodePorts"
  /** filter: refuses or drops traffic to cluster IPs that nothing serves here. */
  | "deadServices"
  /** filter: the same for external IPs and load-balancer addresses. */
  | "deadExternals"
  /** filter: the same for node ports. */
  | "deadNodePorts"
  /** filter: drops what no source range let through. */
  | "firewall"
  /** filter: lets load balancers ask for health. */
  | "healthPorts"
  /** nat: masquerades connections that come back to the endpoint they came from. */
  | "hairpins";

/** The trees that frontends stand in. */
export type FrontendTree = Exclude<TreeName, "hairpins" | "healthPorts">;

/** The rules of a frontend, by tree. The family is not to be seen from a node port, which has no address. */
export function frontendRules(frontend: Frontend, family: Family): Partial<Record<FrontendTree, Rule>> {
  const entry = entryChain(frontend);
  const dead = refusal(frontend, family);
  switch (frontend.kind) {
    case "cluster-ip":
      return {
        ...inTree("services", rule(frontend, "cluster IP", entry && jumpTo(entry))),
        ...inTree("deadServices", dead),
      };
    case "external-ip":
      return {
        ...inTree("services", rule(frontend, "external IP", entry && jumpTo(entry))),
        ...inTree("deadExternals", dead),
      };
    case "load-balancer-ip": {
      const guarded = frontend.sourceRanges !== undefined && entry !== undefined;
      return {
        ...inTree("services", rule(frontend, "loadbalancer IP", entry && jumpTo(entry))),
        ...inTree("firewall", guarded ? rule(frontend, `traffic not accepted by ${entry}`, drop) : undefined),
        ...inTree("deadExternals", dead),
      };
    }
    case "node-port":
      return { ...inTree("nodePorts", rule(frontend, "", entry && jumpTo(entry))), ...inTree("deadNodePorts", dead) };
  }
}

/** The rule that lets health checks of a Service in. */
export function healthPortRule({ service, port }: HealthCheckPort): Rule {
  return {
    protocol: { is: "tcp" },
    matches: [comment(`${service} health check node port`), destinationPort("tcp", port)],
    target: accept,
  };
}

/** The rule that masquerades what an endpoint sent to itself through a Service. */
export function hairpinRule({ ip }: Endpoint): Rule {
  return { source: { is: hostCidr(ip) }, destination: { is: hostCidr(ip) }, matches: [], target: masquerade };
}

function rule(frontend: Frontend, what: string, target: Target | undefined): Rule | undefined {
  return target === undefined ? undefined : { ...frontendMatch(frontend, what), target };
}

/** What the clients get for whom nothing is translated. */
function refusal(frontend: Frontend, family: Family): Rule | undefined {
  const verdict = frontend.fates.at(-1)?.verdict;
  switch (verdict?.kind) {
    case "reject":
      return rule(frontend, "has no endpoints", { kind: "reject", with: portUnreachable[family] });
    case "drop":
      return rule(frontend, "has no local endpoints", drop);
    default:
      return undefined;
  }
}

const portUnreachable = { 4: "icmp-port-unreachable", 6: "icmp6-port-unreachable" } as const;

function inTree(tree: FrontendTree, entry: Rule | undefined): Partial<Record<FrontendTree, Rule>> {
  return entry === undefined ? {} : { [tree]: entry };
}
