// Keeps one family's rules in step with a cluster. In: Kernel, Cluster, View. Out: passes, each with what it did; the kernel as wanted.
import {
  buildModel,
  buildRuleset,
  chainOf,
  createCheck,
  diffRulesets,
  emptyCluster,
  findOvertaken,
  placesAfter,
  putBack,
  parseRuleset,
  type Build,
  type Change,
  type Cluster,
  type Family,
  type Overtaken,
  type Places,
  type Ruleset,
  type Verified,
  type View,
} from "../../rules/index.ts";
import { changes as radixChanges, edit, get } from "../../rules/radix/radix.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { write, writeChanges, type Refused } from "./kernel-writer.ts";

/** What the cluster is, and this node in it. A View object that is the same means that nothing of the node changed. */
export type Wanted = { readonly cluster: Cluster; readonly view: View };

export type Pass = {
  /** `full`: what is in the kernel was read first. */
  readonly scope: "full" | "partial";
  readonly changes: readonly Change[];
  readonly batches: number;
  readonly failure: Refused | undefined;
  /** Why chains that are no longer needed are there still: rules of others lead to them. */
  readonly left: Refused | undefined;
  /** Services that the kernel refused in this pass; their last good rules stay in force. */
  readonly quarantined: readonly Quarantined[];
};

export type Quarantined = { readonly service: string; readonly message: string };

/** Rules that are not in the kernel as they were written, and what puts them right. */
export type Drift = {
  readonly changes: readonly Change[];
  /** Why not all of it was put right. */
  readonly failure: Refused | undefined;
};

export type Proxier = {
  /** Makes the kernel as wanted, writing only what differs from the last pass. A failed pass leaves the next one to read the kernel first. */
  readonly sync: (wanted: Wanted) => Promise<Pass>;
  /** Reads everything back, and repairs what differs from the last good pass. Does nothing where nothing is written. */
  readonly repair: () => Promise<Drift>;
  /** Whether the kernel holds what was written last; much cheaper than `repair`. `fully`: chains that could not be deleted count too. */
  readonly check: (fully: boolean) => Promise<"as-written" | "differs">;
  /** What was written last, and what it was made from; undefined before the first good pass. */
  readonly build: () => Build | undefined;
  /** Services that are kept as they were, since the kernel refuses what they have become. */
  readonly quarantined: () => ReadonlyMap<string, string>;
};

type State = {
  /** Of the last model that is in force. */
  build: Build | undefined;
  /** What the kernel holds as far as is known; undefined: to be read. */
  applied: Ruleset | undefined;
  /** Services that were refused: what they were then, and what stays in force of them. */
  readonly held: Map<string, Held>;
  /** Of the last check, so that the next has less to do. */
  verified: Verified;
  /** Chains that cannot be deleted, since rules of others lead to them, as `table name`. */
  left: ReadonlySet<string>;
  /** Where our jumps stand among the rules of others, as it is accepted; undefined before the first good pass. */
  places: readonly Places[] | undefined;
  /** Rules of others behind which no jump was left once. Whoever puts them first again is let be: no agent should fight another for ever. */
  readonly conceded: Set<string>;
};

type Held = { readonly refused: unknown; readonly message: string };

/** One proxier owns one family of one kernel. Its calls must not overlap. `writes: false`: nothing is written, changes are only told. */
export function createProxier(kernel: Kernel, options: { readonly writes: boolean } = { writes: true }): Proxier {
  const state: State = {
    build: undefined,
    applied: undefined,
    held: new Map(),
    verified: new Map(),
    left: new Set(),
    places: undefined,
    conceded: new Set(),
  };
  return {
    check: (fully) => check({ kernel, state, options }, fully),
    sync: (wanted) => sync({ kernel, state, options }, wanted),
    repair: () => repair({ kernel, state, options }),
    build: () => state.build,
    quarantined: () => new Map([...state.held].map(([service, { message }]) => [service, message])),
  };
}

type Work = { readonly kernel: Kernel; readonly state: State; readonly options: { readonly writes: boolean } };

async function sync(work: Work, wanted: Wanted): Promise<Pass> {
  const { state } = work;
  const scope = state.applied === undefined ? "full" : "partial";
  const next = (): Wanted => ({ ...wanted, cluster: withoutHeld(state, wanted.cluster) });
  let attempt = await tryCluster(work, next());
  const quarantined: Quarantined[] = [];
  while (attempt.failure?.namesLine === true) {
    const found = await isolate(work, next(), attempt.failure);
    if (found.length === 0) return { ...attempt, scope: "full", quarantined };
    quarantined.push(...found);
    attempt = await tryCluster(work, next());
  }
  return { ...attempt, scope: quarantined.length === 0 ? scope : "full", quarantined };
}

type Attempt = Pick<Pass, "changes" | "batches" | "failure" | "left">;

async function tryCluster(work: Work, { cluster, view }: Wanted): Promise<Attempt> {
  const { kernel, state, options } = work;
  const { ruleset: before, text } = await observed(work, view.family);
  const model = buildModel(cluster, view, state.build?.model);
  const build = buildRuleset(model, state.build);
  if (!options.writes) {
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
  state.left = new Set([...state.left, ...written.leftChains]);
  if (text !== undefined) state.places ??= placesAfter(placesIn(build.ruleset, text), written.changes);
  return { changes: written.changes, batches: written.batches, failure: undefined, left: written.left };
}

/** `text` where the kernel had to be read. */
async function observed({ kernel, state }: Work, family: Family): Promise<{ ruleset: Ruleset; text?: string }> {
  if (state.applied !== undefined) return { ruleset: state.applied };
  const text = await kernel.readRules(family);
  return { ruleset: parseRuleset(text, family), text };
}

/** The cluster with refused Services as they are in force, until they become something else. */
function withoutHeld({ held, build }: State, cluster: Cluster): Cluster {
  for (const [service, { refused }] of held) {
    if (get(cluster, service) !== refused) held.delete(service);
  }
  const edits = [...held.keys()].map((key) => {
    const good = build === undefined ? undefined : get(build.model.cluster, key);
    return good === undefined ? { key } : { key, value: good };
  });
  return edit(cluster, edits);
}

/**
 * Finds the Services that the kernel refuses: the tool names one, or halves of those that may be meant are tried until the bad ones stand
 * alone. What is good of a half stays in force. Trouble that is there without any of them is nobody's fault.
 */
async function isolate(work: Work, wanted: Wanted, failure: Refused): Promise<Quarantined[]> {
  const { state } = work;
  const changed = radixChanges(state.build?.model.cluster ?? emptyCluster(), wanted.cluster).map(({ key }) => key);
  const named = failure.services.filter((service) => changed.includes(service));
  const [only, second] = named;
  if (only !== undefined && second === undefined)
    return [hold(state, { service: only, message: failure.message }, wanted.cluster)];
  const suspects = named.length > 0 ? named : changed;
  const good = state.build?.model.cluster;
  // What was in force is written again without harm. At the start nothing is known to be good, and writing nothing would end all service.
  if (good !== undefined && (await tryCluster(work, { ...wanted, cluster: good })).failure !== undefined) return [];
  const found = await halve(work, wanted, suspects);
  if (good !== undefined || suspects.length === 1 || found.length < suspects.length) return found;
  for (const { service } of found) state.held.delete(service);
  return [];
}

async function halve(work: Work, wanted: Wanted, services: readonly string[]): Promise<Quarantined[]> {
  const { state } = work;
  if (services.length === 0) return [];
  const base = state.build?.model.cluster ?? emptyCluster();
  const edits = services.map((key) => {
    const value = get(wanted.cluster, key);
    return value === undefined ? { key } : { key, value };
  });
  const { failure } = await tryCluster(work, { ...wanted, cluster: edit(base, edits) });
  // What names no line is trouble of the machine.
  if (failure === undefined || !failure.namesLine) return [];
  const [only, second] = services;
  if (only !== undefined && second === undefined)
    return [hold(state, { service: only, message: failure.message }, wanted.cluster)];
  const middle = Math.ceil(services.length / 2);
  const first = await halve(work, wanted, services.slice(0, middle));
  return [...first, ...(await halve(work, wanted, services.slice(middle)))];
}

function hold({ held }: State, quarantined: Quarantined, cluster: Cluster): Quarantined {
  held.set(quarantined.service, { refused: get(cluster, quarantined.service), message: quarantined.message });
  return quarantined;
}

async function repair({ kernel, state, options }: Work): Promise<Drift> {
  const desired = state.build?.ruleset;
  // What was never written cannot have drifted.
  if (desired === undefined || !options.writes) return { changes: [], failure: undefined };
  const { family } = desired;
  const text = await kernel.readRules(family);
  const missing = diffRulesets(parseRuleset(text, family), desired);
  const now = placesAfter(placesIn(desired, text), missing);
  const overtaken = overtakenNow(state, now);
  const moves = putBack(overtaken, state.places ?? now, now);
  const changes = [...missing, ...moves];
  state.applied = undefined;
  const written = await writeChanges(kernel, family, changes);
  if (!written.ok) return { changes, failure: written.refused };
  state.applied = desired;
  for (const each of overtaken) for (const key of keysOf(each)) state.conceded.add(key);
  state.places = placesAfter(now, moves);
  const wasLeft = state.left;
  state.left = new Set(written.leftChains);
  // What could not be deleted before, and still cannot, is no news.
  const isNews = (change: Change): boolean => {
    const key = `${change.table} ${chainOf(change)}`;
    return change.kind !== "delete-chain" || !state.left.has(key) || !wasLeft.has(key);
  };
  const news = changes.filter(isNews);
  return { changes: news, failure: news.length === 0 ? undefined : written.left };
}

async function check({ kernel, state, options }: Work, fully: boolean): ReturnType<Proxier["check"]> {
  const desired = state.applied;
  if (!options.writes) return "as-written";
  if (desired === undefined) return "differs";
  const checking = createCheck(desired, { verified: state.verified, left: fully ? new Set() : state.left });
  await kernel.scanRules(desired.family, checking.feed);
  const { differs, verified, places } = checking.end();
  state.verified = verified;
  if (differs || overtakenNow(state, places).length > 0) return "differs";
  state.places = places;
  return "as-written";
}

function placesIn(desired: Ruleset, text: string): readonly Places[] {
  const reading = createCheck(desired, { verified: new Map(), left: new Set() });
  for (const line of text.split("\n")) if (/^[*]|^-A [A-Z]+ /.test(line)) reading.feed(`${line}\n`);
  return reading.end().places;
}

function overtakenNow({ places, conceded }: State, now: readonly Places[]): Overtaken[] {
  const isNew = (each: Overtaken): boolean => keysOf(each).some((key) => !conceded.has(key));
  return findOvertaken(places ?? now, now).filter(isNew);
}

function keysOf({ table, jump, by }: Overtaken): string[] {
  return by.map((text) => `${table} ${jump.from} ${text}`);
}
