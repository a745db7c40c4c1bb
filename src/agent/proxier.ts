// Keeps one family's rules in step with a cluster, in iptables mode. In: Kernel, Cluster, View. Out: passes, each with what it did; the kernel as wanted.
import {
  buildModel,
  buildRuleset,
  diffRulesets,
  ownedByUs,
  parseRuleset,
  type Build,
  type Cluster,
  type Family,
  type IpvsBuild,
  type IpvsChange,
  type Model,
  type Ownership,
  type Ruleset,
  type View,
} from "../../rules/index.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Draining } from "./drain-clock.ts";
import { write, writeChanges, type Refused } from "./kernel-writer.ts";
import { createQuarantine, type Quarantine, type Quarantined } from "./quarantine.ts";
import { createRulesKeeper, type RulesKeeper } from "./rules-keeper.ts";

/** What the cluster is, and this node in it. A View object that is the same means that nothing of the node changed. */
export type Wanted = { readonly cluster: Cluster; readonly view: View };

export type Pass = {
  /** `full`: what is in the kernel was read first. */
  readonly scope: "full" | "partial";
  /** In iptables mode of rules alone. */
  readonly changes: readonly IpvsChange[];
  readonly batches: number;
  readonly failure: Refused | undefined;
  /** Why chains that are no longer needed are there still: rules of others lead to them. */
  readonly left: Refused | undefined;
  /** Services that the kernel refused in this pass; their last good rules stay in force. */
  readonly quarantined: readonly Quarantined[];
};

/** What is not in the kernel as it was written, and what puts it right. */
export type Drift = {
  readonly changes: readonly IpvsChange[];
  /** Why not all of it was put right. */
  readonly failure: Refused | undefined;
};

/** What is in force, and what it was made from. */
export type InForce = {
  readonly model: Model;
  readonly ruleset: Ruleset;
  /** In IPVS mode all of it, the rules included. */
  readonly ipvs?: Pick<IpvsBuild, "state" | "node">;
};

export type Proxier = {
  /** Makes the kernel as wanted, writing only what differs from the last pass. A failed pass leaves the next one to read the kernel first. */
  readonly sync: (wanted: Wanted) => Promise<Pass>;
  /** Reads everything back, and repairs what differs from the last good pass. Does nothing where nothing is written. */
  readonly repair: () => Promise<Drift>;
  /** Whether the kernel holds what was written last; much cheaper than `repair`. `fully`: chains that could not be deleted count too. */
  readonly check: (fully: boolean) => Promise<"as-written" | "differs">;
  /** What was written last, and what it was made from; undefined before the first good pass. */
  readonly build: () => InForce | undefined;
  /** Services that are kept as they were, since the kernel refuses what they have become. */
  readonly quarantined: () => ReadonlyMap<string, string>;
  /** Takes away what has drained; undefined where nothing drains. In iptables mode nothing does, and this is not there. */
  readonly drain?: () => Promise<Drained | undefined>;
  /** What drains, as is known without a look. */
  readonly draining?: () => Draining;
};

/** What became of a look at what drains. */
export type Drained = Pick<Pass, "changes" | "batches" | "failure">;

export type ProxierOptions = {
  /** False: nothing is written, changes are only told. */
  readonly writes: boolean;
  /** Chains that are taken for ours, and go where they are not wanted; `ownedByUs` where nothing is said. */
  readonly owns?: Ownership;
};

type State = {
  /** Of the last model that is in force. */
  build: Build | undefined;
  /** What the kernel holds as far as is known; undefined: to be read. */
  applied: Ruleset | undefined;
};

/** One proxier owns one family of one kernel. Its calls must not overlap. */
export function createProxier(kernel: Kernel, options: ProxierOptions = { writes: true }): Proxier {
  const owns = options.owns ?? ownedByUs;
  const [quarantine, keeper] = [createQuarantine(), createRulesKeeper(kernel, owns)];
  const state: State = { build: undefined, applied: undefined };
  const work: Work = { kernel, state, keeper, quarantine, owns, writes: options.writes };
  return {
    check: (fully) => check(work, fully),
    sync: (wanted) => sync(work, wanted, (each) => tryCluster(work, each)),
    repair: () => repair(work),
    build: () => state.build,
    quarantined: quarantine.held,
  };
}

type Work = {
  readonly kernel: Kernel;
  readonly state: State;
  readonly keeper: RulesKeeper;
  readonly quarantine: Quarantine;
  readonly owns: Ownership;
  readonly writes: boolean;
};

/** What one attempt at a cluster did. */
export type Attempt = Pick<Pass, "changes" | "batches" | "failure" | "left">;

/** What both modes' proxiers know between passes. */
type Between = {
  readonly state: { readonly applied: unknown; readonly build: Pick<Build, "model"> | undefined };
  readonly quarantine: Quarantine;
};

/** A pass in either mode: attempts, until one is taken without the Services that the kernel refuses. */
export async function sync(
  { state, quarantine }: Between,
  wanted: Wanted,
  tryWanted: (wanted: Wanted) => Promise<Attempt>,
): Promise<Pass> {
  const scope = state.applied === undefined ? "full" : "partial";
  const { attempt, quarantined, searched } = await quarantine.sync(wanted.cluster, {
    attempt: (cluster) => tryWanted({ ...wanted, cluster }),
    good: () => state.build?.model.cluster,
  });
  return { ...attempt, scope: searched ? "full" : scope, quarantined };
}

async function tryCluster(work: Work, { cluster, view }: Wanted): Promise<Attempt> {
  const { kernel, state, keeper, writes } = work;
  const { ruleset: before, text } = await observed(work, view.family);
  const model = buildModel(cluster, view, state.build?.model);
  const build = buildRuleset(model, state.build);
  if (!writes) {
    const changes = diffRulesets(before, build.ruleset);
    state.build = build;
    state.applied = build.ruleset;
    return { changes, batches: 0, failure: undefined, left: undefined };
  }
  // Until all is written, also where writing throws, nobody knows what is there.
  state.applied = undefined;
  const written = await write(kernel, before, build.ruleset);
  if (!written.ok)
    return { changes: written.changes, batches: written.done, failure: written.refused, left: undefined };
  state.build = build;
  state.applied = build.ruleset;
  keeper.wrote(build.ruleset, written, text);
  return { changes: written.changes, batches: written.batches, failure: undefined, left: written.left };
}

/** `text` where the kernel had to be read. */
async function observed({ kernel, state, owns }: Work, family: Family): Promise<{ ruleset: Ruleset; text?: string }> {
  if (state.applied !== undefined) return { ruleset: state.applied };
  const text = await kernel.readRules(family);
  return { ruleset: parseRuleset(text, family, owns), text };
}

async function repair({ kernel, state, keeper, owns, writes }: Work): Promise<Drift> {
  const desired = state.build?.ruleset;
  // What was never written cannot have drifted.
  if (desired === undefined || !writes) return { changes: [], failure: undefined };
  const { family } = desired;
  const text = await kernel.readRules(family);
  const missing = diffRulesets(parseRuleset(text, family, owns), desired);
  const { moves, done } = keeper.plan(desired, text, missing);
  const changes = [...missing, ...moves];
  state.applied = undefined;
  const written = await writeChanges(kernel, family, changes);
  if (!written.ok) return { changes, failure: written.refused };
  state.applied = desired;
  return done(written);
}

async function check({ state, keeper, writes }: Work, fully: boolean): ReturnType<Proxier["check"]> {
  if (!writes) return "as-written";
  if (state.applied === undefined) return "differs";
  return (await keeper.isAsWritten(state.applied, fully)) ? "as-written" : "differs";
}
