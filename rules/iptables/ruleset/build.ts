// From the service model to the ruleset of one family. In: Model, the build before. Out: Build, whose unchanged parts stay the same objects.
import type { Endpoint } from "../../model/endpoints.ts";
import type { HealthCheckPort, Model, ServiceModel } from "../../model/model.ts";
import type { Frontend, ServicePort } from "../../model/service-port.ts";
import type { View } from "../../model/view.ts";
import { frontendKey } from "../../model/service-port.ts";
import { ipDigits, type Family } from "../../net/ip.ts";
import { claim, noClaims, type Claim, type Claims } from "../../radix/claims.ts";
import { changes, edit, emptyRadix, type Edit, type RadixChange } from "../../radix/radix.ts";
import { buildFilterChains, buildJumps, buildNatChains, type Roots } from "./base-chains.ts";
import { emptyRuleset, emptyTable, type Chain, type Ruleset } from "./chain.ts";
import { dispatchShape, type DispatchTree } from "./dispatch.ts";
import { frontendRules, hairpinRule, healthPortRule, type FrontendTree, type TreeName } from "./frontend-rules.ts";
import type { Rule } from "./rule.ts";
import { buildServiceChains } from "./service-chains.ts";
import { replaceTree, type Shape } from "./tree.ts";

/** A ruleset, and what is kept of its making so that the next one costs only what changed. */
export type Build = {
  readonly model: Model;
  readonly ruleset: Ruleset;
  readonly trees: Readonly<Record<TreeName, DispatchTree>>;
  /** Hairpin rules by endpoint address, claimed by Service ports. */
  readonly hairpins: Claims<Rule>;
};

/**
 * The iptables ruleset of `model`. With `before`, a build of a model with the same View object, only what its Services' changes
 * touch is made anew; the result is the same as without.
 */
export function buildRuleset(model: Model, before?: Build): Build {
  const from = before?.model.view === model.view ? before : emptyBuild(model);
  const services = changes(from.model.services, model.services);
  const hairpins = claim(
    from.hairpins,
    services.flatMap((change) => hairpinClaims(change, model.view)),
  );
  const edits: Record<Exclude<TreeName, "hairpins">, Edit<Rule>[]> = {
    services: [],
    nodePorts: [],
    deadServices: [],
    deadExternals: [],
    deadNodePorts: [],
    firewall: [],
    healthPorts: changes(from.model.healthPorts.winners, model.healthPorts.winners).map(healthPortEdit),
  };
  const frontends = [
    ...changes(from.model.vips.winners, model.vips.winners),
    ...changes(from.model.nodePorts.winners, model.nodePorts.winners),
  ];
  for (const change of frontends)
    for (const [tree, made] of frontendEdits(change, model.view.family)) edits[tree].push(made);
  const grown = treeNames.map((tree) => [
    tree,
    tree === "hairpins" ? hairpins.winners : edit(from.trees[tree], edits[tree]),
  ]);
  const trees = Object.fromEntries(grown) as Record<TreeName, DispatchTree>;
  return { model, ruleset: assemble(model, from, { trees, services }), trees, hairpins };
}

/** Which table each tree stands in. */
const tableOf: Readonly<Record<TreeName, "nat" | "filter">> = {
  services: "nat",
  nodePorts: "nat",
  hairpins: "nat",
  deadServices: "filter",
  deadExternals: "filter",
  deadNodePorts: "filter",
  firewall: "filter",
  healthPorts: "filter",
};

const treeNames = Object.keys(tableOf) as TreeName[];

function shapesOf(model: Model): Record<TreeName, Shape<Rule>> {
  const { family } = model.view;
  return {
    services: dispatchShape("KUBE-SVC-", family),
    nodePorts: dispatchShape("KUBE-EXT-", "none"),
    hairpins: dispatchShape("KUBE-SEP-", family),
    deadServices: dispatchShape("KUBE-SVC-", family),
    deadExternals: dispatchShape("KUBE-EXT-", family),
    deadNodePorts: dispatchShape("KUBE-EXT-", "none"),
    firewall: dispatchShape("KUBE-FW-", family),
    healthPorts: dispatchShape("KUBE-SVL-", "none"),
  };
}

function emptyBuild(model: Model): Build {
  const trees = Object.fromEntries(treeNames.map((name) => [name, emptyRadix<Rule>()])) as Record<
    TreeName,
    DispatchTree
  >;
  const nothing: Model = {
    ...model,
    services: emptyRadix(),
    vips: noClaims(),
    nodePorts: noClaims(),
    healthPorts: noClaims(),
  };
  return { model: nothing, ruleset: emptyRuleset(model.view.family), trees, hairpins: noClaims() };
}

type Next = {
  readonly trees: Readonly<Record<TreeName, DispatchTree>>;
  readonly services: readonly RadixChange<ServiceModel>[];
};

function assemble(model: Model, from: Build, next: Next): Ruleset {
  const shapes = shapesOf(model);
  const chains = { nat: from.ruleset.tables.nat.chains, filter: from.ruleset.tables.filter.chains };
  chains.nat = edit(
    chains.nat,
    next.services.flatMap((change) => serviceChainEdits(change, model)),
  );
  for (const tree of treeNames) {
    const table = tableOf[tree];
    chains[table] = replaceTree(chains[table], { before: from.trees[tree], after: next.trees[tree] }, shapes[tree]);
  }
  const roots = (trees: Next["trees"]): Roots =>
    Object.fromEntries(treeNames.map((tree) => [tree, shapes[tree].rules(trees[tree], "")])) as Record<
      TreeName,
      readonly Rule[]
    >;
  const [old, now] = [roots(from.trees), roots(next.trees)];
  chains.nat = edit(chains.nat, chainEdits(buildNatChains(model.view, old), buildNatChains(model.view, now)));
  chains.filter = edit(
    chains.filter,
    chainEdits(buildFilterChains(model.view, old), buildFilterChains(model.view, now)),
  );
  const jumps = buildJumps(model.view);
  return {
    family: model.view.family,
    tables: {
      nat: { jumps: jumps.nat, chains: chains.nat },
      filter: { jumps: jumps.filter, chains: chains.filter },
      mangle: emptyTable,
    },
  };
}

function serviceChainEdits({ before, after }: RadixChange<ServiceModel>, { view }: Model): Edit<Chain>[] {
  const built = (service: ServiceModel | undefined) =>
    service?.ports.flatMap((port) => buildServiceChains(port, view)) ?? [];
  return chainEdits(built(before), built(after));
}

function chainEdits(before: readonly Chain[], after: readonly Chain[]): Edit<Chain>[] {
  const kept = new Set(after.map(({ name }) => name));
  return [
    ...before.flatMap(({ name }) => (kept.has(name) ? [] : [{ key: name }])),
    ...after.map((chain) => ({ key: chain.name, value: chain })),
  ];
}

type FrontendEdits = readonly (readonly [FrontendTree, Edit<Rule>])[];

function frontendEdits({ key, before, after }: RadixChange<Frontend>, family: Family): FrontendEdits {
  const old = before === undefined ? {} : frontendRules(before, family);
  const now = after === undefined ? {} : frontendRules(after, family);
  const trees = new Set([...Object.keys(old), ...Object.keys(now)]) as Set<FrontendTree>;
  return [...trees].map((tree) => {
    const rule = now[tree];
    return [tree, rule === undefined ? { key } : { key, value: rule }] as const;
  });
}

function healthPortEdit({ before, after }: RadixChange<HealthCheckPort>): Edit<Rule> {
  const { port } = after ?? before ?? { port: 0 };
  const key = frontendKey({ ip: undefined, protocol: "TCP", port });
  return after === undefined ? { key } : { key, value: healthPortRule(after) };
}

function hairpinClaims({ before, after }: RadixChange<ServiceModel>, view: View): Claim<Rule>[] {
  const claims = (service: ServiceModel | undefined) =>
    (service?.ports ?? []).flatMap((port) =>
      returningEndpoints(port, view).map((endpoint) => ({
        key: ipDigits(endpoint.ip),
        claimant: port.name,
        value: hairpinRule(endpoint),
      })),
    );
  return [...claims(before).map(({ key, claimant }) => ({ key, claimant })), ...claims(after)];
}

/**
 * Endpoints whose own traffic can be sent back to them by this node: those on it (or that name no node, or all where this node's own
 * name is not known), and with externalTrafficPolicy Local all, since pods of other nodes are balanced here without masquerading
 *.
 */
function returningEndpoints(port: ServicePort, { nodeName }: View): readonly Endpoint[] {
  const used = [...port.clusterEndpoints, ...port.localEndpoints];
  if (port.externalPolicy === "Local" || nodeName === undefined) return used;
  return used.filter((endpoint) => endpoint.local || endpoint.nodeName === undefined);
}
