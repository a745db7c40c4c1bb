// From the service model to the ruleset of one family. In: Model, the build before. Out: Build, whose unchanged parts stay the same objects.
import type { Endpoint } from "../../model/endpoints.ts";
import type { HealthCheckPort, Model, ServiceModel } from "../../model/model.ts";
import type { Frontend, ServicePort } from "../../model/service-port.ts";
import { frontendKey } from "../../model/service-port.ts";
import { ipDigits } from "../../net/ip.ts";
import { claim, noClaims, release, type Claims } from "../../radix/claims.ts";
import { changes, emptyRadix, remove, set, type Radix, type RadixChange } from "../../radix/radix.ts";
import { buildFilterChains, buildJumps, buildNatChains, type Roots } from "./base-chains.ts";
import { emptyTable, type Chain, type Ruleset } from "./chain.ts";
import { dispatchShape, type DispatchTree } from "./dispatch.ts";
import { frontendRules, hairpinRule, healthPortRule, type TreeName } from "./frontend-rules.ts";
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
  const hairpins = services.reduce(moveHairpins, from.hairpins);
  const trees: Record<TreeName, DispatchTree> = { ...from.trees, hairpins: hairpins.winners };
  for (const change of changes(from.model.vips.winners, model.vips.winners)) moveFrontend(trees, change);
  for (const change of changes(from.model.nodePorts.winners, model.nodePorts.winners)) moveFrontend(trees, change);
  for (const change of changes(from.model.healthPorts.winners, model.healthPorts.winners))
    moveHealthPort(trees, change);
  const ruleset = assemble(model, from, { trees, services });
  return { model, ruleset, trees, hairpins };
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
  const tables = { filter: emptyTable, nat: emptyTable, mangle: emptyTable };
  return { model: nothing, ruleset: { family: model.view.family, tables }, trees, hairpins: noClaims() };
}

type Next = {
  readonly trees: Readonly<Record<TreeName, DispatchTree>>;
  readonly services: readonly RadixChange<ServiceModel>[];
};

function assemble(model: Model, from: Build, next: Next): Ruleset {
  const shapes = shapesOf(model);
  const chains = { nat: from.ruleset.tables.nat.chains, filter: from.ruleset.tables.filter.chains };
  for (const change of next.services) chains.nat = moveServiceChains(chains.nat, change, model);
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
  chains.nat = replaceChains(chains.nat, buildNatChains(model.view, old), buildNatChains(model.view, now));
  chains.filter = replaceChains(chains.filter, buildFilterChains(model.view, old), buildFilterChains(model.view, now));
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

function moveServiceChains(
  chains: Radix<Chain>,
  { before, after }: RadixChange<ServiceModel>,
  model: Model,
): Radix<Chain> {
  const built = (service: ServiceModel | undefined) =>
    service?.ports.flatMap((port) => buildServiceChains(port, model.view)) ?? [];
  return replaceChains(chains, built(before), built(after));
}

function replaceChains(chains: Radix<Chain>, before: readonly Chain[], after: readonly Chain[]): Radix<Chain> {
  const kept = new Set(after.map(({ name }) => name));
  let result = chains;
  for (const { name } of before) if (!kept.has(name)) result = remove(result, name);
  for (const chain of after) result = set(result, chain.name, chain);
  return result;
}

function moveFrontend(trees: Record<TreeName, DispatchTree>, { key, before, after }: RadixChange<Frontend>): void {
  const old = before === undefined ? {} : frontendRules(before);
  const now = after === undefined ? {} : frontendRules(after);
  for (const tree of treeNames) {
    const rule = now[tree];
    if (rule !== undefined) trees[tree] = set(trees[tree], key, rule);
    else if (old[tree] !== undefined) trees[tree] = remove(trees[tree], key);
  }
}

function moveHealthPort(trees: Record<TreeName, DispatchTree>, { after, before }: RadixChange<HealthCheckPort>): void {
  const key = (port: HealthCheckPort) => frontendKey({ ip: undefined, protocol: "TCP", port: port.port });
  if (after !== undefined) trees.healthPorts = set(trees.healthPorts, key(after), healthPortRule(after));
  else if (before !== undefined) trees.healthPorts = remove(trees.healthPorts, key(before));
}

function moveHairpins(hairpins: Claims<Rule>, { before, after }: RadixChange<ServiceModel>): Claims<Rule> {
  let result = hairpins;
  for (const port of before?.ports ?? []) {
    for (const endpoint of returningEndpoints(port))
      result = release(result, { key: ipDigits(endpoint.ip), claimant: port.name });
  }
  for (const port of after?.ports ?? []) {
    for (const endpoint of returningEndpoints(port))
      result = claim(result, { key: ipDigits(endpoint.ip), claimant: port.name }, hairpinRule(endpoint));
  }
  return result;
}

/**
 * Endpoints whose own traffic can be sent back to them by this node: those on it (or that name no node), and with
 * externalTrafficPolicy Local all, since pods of other nodes are balanced here without masquerading (spec 2.5).
 */
function returningEndpoints(port: ServicePort): readonly Endpoint[] {
  const used = [...port.clusterEndpoints, ...port.localEndpoints];
  return port.externalPolicy === "Local"
    ? used
    : used.filter((endpoint) => endpoint.local || endpoint.nodeName === undefined);
}
