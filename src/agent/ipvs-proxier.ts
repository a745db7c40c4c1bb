// Keeps one family in step with a cluster, in IPVS mode. In: IpvsKernel, Cluster, View. Out: a Proxier whose passes write sets, rules, addresses and virtual servers.
import {
  buildIpvs,
  buildModel,
  diffStates,
  findIpvsProblems,
  ownedByIpvs,
  remaining,
  renderProblem,
  type DrainView,
  type Family,
  type IpvsBuild,
  type IpvsChange,
  type IpvsState,
  type IpvsStep,
} from "../../rules/index.ts";
import { get } from "../../rules/radix/radix.ts";
import type { IpvsKernel } from "../ipvs/ipvs-kernel.ts";
import { parseState, type StateTexts } from "../ipvs/observe.ts";
import { createDrainClock, type DrainClock } from "./drain-clock.ts";
import { createIpvsNodes, type IpvsNodes, type IpvsNodeSettings } from "./ipvs-nodes.ts";
import { sync, type Attempt, type Drift, type InForce, type Proxier, type Wanted } from "./proxier.ts";
import { createQuarantine, type Quarantine } from "./quarantine.ts";
import { createRulesKeeper, type RulesKeeper } from "./rules-keeper.ts";
import { createSeen, type Seen } from "./seen.ts";
import { writeAll } from "./step-writer.ts";

export type IpvsProxierSettings = IpvsNodeSettings & {
  /** False: nothing is written, changes are only told. */
  readonly writes: boolean;
  /** How long a real server that goes is left to its connections; 0: not at all. */
  readonly drainSeconds: number;
  /** What an operator should know; each text once. */
  readonly warn: (text: string) => void;
  /** Milliseconds since any moment, only rising. */
  readonly now?: () => number;
};

type State = {
  /** Of the last model that is in force. */
  build: IpvsBuild | undefined;
  /** What the kernel holds as far as is known, what drains included; undefined: to be read. */
  applied: IpvsState | undefined;
  /** The last of `applied` that was known. */
  known: IpvsState | undefined;
  /** Keys of virtual servers that are somebody else's, when all was read last. */
  others: ReadonlySet<string>;
};

type Work = {
  readonly kernel: IpvsKernel;
  readonly settings: IpvsProxierSettings;
  readonly state: State;
  readonly keeper: RulesKeeper;
  readonly quarantine: Quarantine;
  readonly nodes: IpvsNodes;
  readonly clock: DrainClock;
  readonly seen: Seen;
  readonly told: Set<string>;
};

/** One proxier owns one family of one kernel. Its calls must not overlap with each other, nor with those of the other family. */
export function createIpvsProxier(kernel: IpvsKernel, settings: IpvsProxierSettings): Proxier {
  const state: State = { build: undefined, applied: undefined, known: undefined, others: new Set() };
  const work: Work = {
    ...{ kernel, settings, state },
    keeper: createRulesKeeper(kernel.rules, ownedByIpvs),
    quarantine: createQuarantine(),
    nodes: createIpvsNodes(settings),
    clock: createDrainClock({ seconds: settings.drainSeconds, ...(settings.now && { now: settings.now }) }),
    seen: createSeen(),
    told: new Set(),
  };
  return {
    sync: (wanted) => sync(work, wanted, (each) => tryCluster(work, each)),
    repair: () => repair(work),
    check: (fully) => check(work, fully),
    drain: () => drain(work),
    build: () => inForce(state),
    quarantined: work.quarantine.held,
    draining: work.clock.draining,
  };
}

function inForce({ build }: State): InForce | undefined {
  return build && { model: build.model, ruleset: build.state.ruleset, ipvs: build };
}

async function tryCluster(work: Work, { cluster, view }: Wanted): Promise<Attempt> {
  const { state, settings, nodes } = work;
  const before = await observed(work, view.family);
  const model = buildModel(cluster, view, state.build?.model);
  const build = buildIpvs(model, nodes.nodeOf(view), state.build);
  if (before.text !== undefined)
    for (const problem of findIpvsProblems(build, state.others)) tell(work, renderProblem(problem));
  const { steps } = diffStates(before.state, build.state, drainView(work, build, work.clock.isOver));
  if (settings.writes) return write(work, { build, steps, before });
  state.build = build;
  state.applied = remaining(before.state, build.state, steps).state;
  return { changes: changesOf(steps), batches: 0, failure: undefined, left: undefined };
}

/** `text`: what iptables-save said, where the kernel had to be read. */
type Observed = { readonly state: IpvsState; readonly text?: string };
type Write = { readonly build: IpvsBuild; readonly steps: readonly IpvsStep[]; readonly before: Observed };

/** Until all is written, also where writing throws, nobody knows what is there. */
async function write({ kernel, state, keeper, clock }: Work, { build, steps, before }: Write): Promise<Attempt> {
  const changes = changesOf(steps);
  state.applied = undefined;
  const written = await writeAll(kernel, build.state.family, steps);
  const { batches } = written;
  if (!written.ok) return { changes, batches, failure: written.refused, left: undefined };
  const after = remaining(before.state, build.state, steps);
  state.build = build;
  state.applied = after.state;
  state.known = after.state;
  clock.set(after.drains);
  keeper.wrote(build.state.ruleset, written.rules, before.text);
  return { changes, batches, failure: undefined, left: written.rules.left };
}

async function observed(work: Work, family: Family): Promise<Observed> {
  const { kernel, state } = work;
  if (state.applied !== undefined) return { state: state.applied };
  const texts = { rules: await kernel.rules.readRules(family), ...(await readRest(kernel)) };
  return { state: take(work, texts, family), text: texts.rules };
}

/** What is ours. Whose the rest is is kept: what we wrote is not others' because somebody has taken away the sets that say so. */
function take(work: Work, texts: StateTexts, family: Family): IpvsState {
  const { known, others: before } = work.state;
  const { state, others, problems } = parseState(texts, family);
  const isOurs = (key: string): boolean =>
    known !== undefined && !before.has(key) && get(known.servers, key) !== undefined;
  // One of others that a set of ours names by now, since a Service has its place, stays theirs.
  const stayed = [...before].filter((key) => get(state.servers, key) !== undefined);
  work.state.others = new Set([...[...others].filter((key) => !isOurs(key)), ...stayed]);
  for (const text of problems) tell(work, `IPv${family}: ${text}, and is left alone`);
  return state;
}

async function readRest(kernel: IpvsKernel): Promise<Omit<StateTexts, "rules">> {
  const [sets, addresses, servers] = await Promise.all([
    kernel.readSets(),
    kernel.readAddresses(),
    kernel.readServers(),
  ]);
  return { sets, addresses, servers };
}

function drainView({ state }: Work, { node }: IpvsBuild, isDrained: DrainView["isDrained"]): DrainView {
  return { isDrained, excludeCidrs: node.excludeCidrs, others: state.others };
}

function changesOf(steps: readonly IpvsStep[]): readonly IpvsChange[] {
  return steps.flatMap((step): readonly IpvsChange[] => step.changes);
}

/** What comes again after so many others is said again. */
const mostTold = 1000;

function tell({ settings, told }: Work, text: string): void {
  if (told.has(text)) return;
  if (told.size >= mostTold) told.clear();
  told.add(text);
  settings.warn(text);
}

/** Takes away real servers that are idle or have had their time, with what stood for them alone. Reads numbers of connections only. */
async function drain(work: Work): Promise<Attempt | undefined> {
  const { kernel, state, clock } = work;
  const { build, applied } = state;
  if (build === undefined || applied === undefined || clock.draining().count === 0) return undefined;
  const isIdle = await clock.readIdle(kernel);
  const { steps } = diffStates(applied, build.state, drainView(work, build, isIdle));
  return write(work, { build, steps, before: { state: applied } });
}

/** What drains is no drift, and is not hurried. */
const patient = (): boolean => false;

async function repair(work: Work): Promise<Drift> {
  const { kernel, state, settings, keeper, clock } = work;
  const { build } = state;
  // What was never written cannot have drifted.
  if (build === undefined || !settings.writes) return { changes: [], failure: undefined };
  const { family, ruleset } = build.state;
  const texts = { rules: await kernel.rules.readRules(family), ...(await readRest(kernel)) };
  const found = take(work, texts, family);
  const { steps } = diffStates(found, build.state, drainView(work, build, patient));
  const missing = steps.flatMap((step) => (step.tool === "iptables" ? step.changes : []));
  const { moves, done } = keeper.plan(ruleset, texts.rules, missing);
  const all: readonly IpvsStep[] = moves.length === 0 ? steps : [...steps, { tool: "iptables", changes: moves }];
  state.applied = undefined;
  const written = await writeAll(kernel, family, all);
  if (!written.ok) return { changes: changesOf(all), failure: written.refused };
  const after = remaining(found, build.state, steps);
  state.applied = after.state;
  state.known = after.state;
  clock.set(after.drains);
  const news = done(written.rules);
  const others = changesOf(all).filter((change) => !("table" in change));
  return { changes: [...news.changes, ...others], failure: news.failure };
}

async function check(work: Work, fully: boolean): ReturnType<Proxier["check"]> {
  const { kernel, state, settings, keeper, seen } = work;
  const { build, applied } = state;
  if (!settings.writes) return "as-written";
  if (build === undefined || applied === undefined) return "differs";
  if (!(await keeper.isAsWritten(build.state.ruleset, fully))) return "differs";
  const texts = await readRest(kernel);
  return seen.isSame(applied, texts, () => isAsWritten(work, build, texts)) ? "as-written" : "differs";
}

function isAsWritten(work: Work, build: IpvsBuild, texts: Omit<StateTexts, "rules">): boolean {
  const { family, ruleset } = build.state;
  const found = take(work, { ...texts, rules: "" }, family);
  return diffStates({ ...found, ruleset }, build.state, drainView(work, build, patient)).steps.length === 0;
}
