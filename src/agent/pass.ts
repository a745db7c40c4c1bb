// One pass: every family's rules as the cluster says now. In: Work. Out: whether all of it is in force; metrics, history and the log are told.
import type { Family } from "../../rules/index.ts";
import { occasions, serviceReference } from "../events/event.ts";
import { renderChanges, renderCount } from "../output/changes.ts";
import { healthPortsOf } from "./health-ports.ts";
import type { FamilyRecord } from "./history.ts";
import { createModelRecord, type ModelRecord } from "./model-record.ts";
import type { News, Trigger } from "./objects.ts";
import { causeOfPass } from "./pass-cause.ts";
import type { Pass, Proxier } from "./proxier.ts";
import { countPass } from "./record.ts";
import type { Work } from "./work.ts";

/** Every family; one that fails does not keep the other from being served. Never rejects. False: to be tried again. */
export type RunPass = (waitedSeconds: () => number) => Promise<boolean>;

/** Passes must not overlap, neither each other nor repairs. */
export function createPasses(work: Work): RunPass {
  const state: State = { owed: noDebt, views: new Map(), end: undefined, record: createModelRecord(work) };
  return (waitedSeconds) => {
    work.surroundings.metrics.observeQueued(waitedSeconds());
    return pass(work, state);
  };
}

type State = {
  owed: Debt;
  /** Of the last pass, by which news of the node is seen. */
  readonly views: Map<Family, object>;
  /** How the last pass ended. */
  end: "good" | "failed" | undefined;
  readonly record: ModelRecord;
};

/** What passes owe besides rules: services, slices and names until a pass is good, triggers until their family's is. */
type Debt = News;

const noDebt: Debt = { services: 0, slices: 0, triggers: [], first: [] };

/** While passes fail, what they owe must not grow for ever. */
const mostTriggers = 10_000;

async function pass(work: Work, state: State): Promise<boolean> {
  const { objects, surroundings, history, lastChanges } = work;
  const { health, metrics } = surroundings;
  const [begun, startedAt, began] = [health.now(), Date.now(), performance.now()];
  const versions = work.resourceVersions();
  state.owed = addNews(state.owed, objects.takeNews(), work.startedAt);
  lastChanges.passBegins(startedAt);
  metrics.setPendingChanges({ services: state.owed.services, endpoints: state.owed.slices });
  const cluster = objects.cluster();
  const wanted = viewsNow(work).map((view) => ({ cluster, view }));
  const isNodeNew = wanted.some(({ view }) => state.views.get(view.family) !== view);
  const [isFirst, isAgain] = [state.end === undefined, state.end === "failed"];
  const cause = causeOfPass({ isFirst, isAgain, isNodeNew: isNodeNew && !isFirst, ...state.owed });
  const families: FamilyRecord[] = [];
  for (const each of wanted) {
    const { family } = each.view;
    state.views.set(family, each.view);
    const proxier = work.proxiers.find((known) => known.family === family)?.proxier;
    if (proxier === undefined) continue;
    const record = await passFamily(work, proxier, each);
    families.push(record);
    if (record.result === "failed") continue;
    health.updated(family, begun);
    state.owed = payTriggers(work, state.owed, family);
  }
  const isGood = families.every(({ result }) => result === "good");
  recordModels(work, state, families);
  lastChanges.passEnds(isGood ? Date.now() : undefined);
  const seconds = (performance.now() - began) / 1000;
  history.add({ kind: "pass", cause, startedAt, seconds, families, services: state.owed.first });
  const quarantined = work.proxiers.flatMap(({ proxier }) => [...proxier.quarantined().keys()]);
  metrics.setQuarantinedServices(new Set(quarantined).size);
  state.end = isGood ? "good" : "failed";
  if (!isGood) return false;
  state.record.allPassed(cluster, versions);
  metrics.countServiceChanges(state.owed.services);
  metrics.countEndpointChanges(state.owed.slices);
  metrics.setPendingChanges({ services: 0, endpoints: 0 });
  state.owed = noDebt;
  await payRest(work);
  return true;
}

/** After all families: it takes a while in the first pass, and no family should wait for it. */
function recordModels({ proxiers }: Work, { record }: State, families: readonly FamilyRecord[]): void {
  for (const { family, result } of families) {
    const build = proxiers.find((known) => known.family === family)?.proxier.build();
    if (result === "good" && build !== undefined) record.passed(build.model);
  }
}

function viewsNow({ settings, surroundings, objects, proxiers, views }: Work) {
  const facts = { name: settings.nodeName, node: objects.node(), localIps: surroundings.localIps() };
  return proxiers.map(({ family }) => views(facts, family));
}

/** Times from before `startedAt` are left out. */
function addNews(owed: Debt, news: News, startedAt: number): Debt {
  const triggers = news.triggers.filter(({ at }) => at >= startedAt);
  return {
    services: owed.services + news.services,
    slices: owed.slices + news.slices,
    triggers: [...owed.triggers, ...triggers].slice(-mostTriggers),
    first: [...new Set([...owed.first, ...news.first])],
  };
}

/** Tells how long the family's changes took from what made them to the kernel. In a dry run they never get there. */
function payTriggers({ settings, surroundings }: Work, owed: Debt, family: Family): Debt {
  const now = Date.now();
  const isPaid = (trigger: Trigger): boolean => trigger.family === family;
  for (const { at } of settings.dryRun ? [] : owed.triggers.filter(isPaid))
    surroundings.metrics.observeNetworkProgramming(family, Math.max(0, now - at) / 1000);
  return { ...owed, triggers: owed.triggers.filter((trigger) => !isPaid(trigger)) };
}

async function passFamily(work: Work, proxier: Proxier, wanted: Parameters<Proxier["sync"]>[0]): Promise<FamilyRecord> {
  const { log, metrics } = work.surroundings;
  const { family } = wanted.view;
  const began = performance.now();
  const before = proxier.build()?.model;
  let done: Pass;
  try {
    done = await proxier.sync(wanted);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    log.error(`IPv${family}: this pass failed: ${message}`);
    metrics.countRestoreFailure(family, "full");
    const seconds = (performance.now() - began) / 1000;
    return { family, scope: "full", changes: 0, batches: 0, seconds, result: "failed", message };
  }
  const seconds = (performance.now() - began) / 1000;
  countPass(metrics, { family, pass: done, seconds, build: proxier.build() });
  const record = { family, scope: done.scope, changes: done.changes.length, batches: done.batches, seconds } as const;
  tellQuarantined(work, family, done);
  if (done.failure !== undefined) {
    const { message, script } = done.failure;
    log.error(`IPv${family}: a batch was refused: ${message}`);
    work.history.failed({ at: Date.now(), family, message, script });
    return { ...record, result: "failed", message };
  }
  if (done.left !== undefined)
    log.warn(`IPv${family}: chains that are no longer needed cannot be deleted: ${done.left.message}`);
  const after = proxier.build()?.model;
  // What was never written leaves no connection behind.
  if (after !== undefined && !work.settings.dryRun) work.flows.passed(before, after);
  // After the rules, which guard loopback addresses against other hosts.
  if (!work.settings.dryRun) await work.allowLoopback(wanted.view);
  tellChanges(work, family, { done, seconds });
  const notes = [
    ...done.quarantined.map(({ service, message }) => `${service} stays as it was: ${message}`),
    ...(done.left === undefined ? [] : [`left: ${done.left.message}`]),
  ];
  return { ...record, result: "good", ...(notes.length === 0 ? {} : { message: notes.join("; ") }) };
}

function tellQuarantined({ surroundings, objects, history }: Work, family: Family, { quarantined }: Pass): void {
  for (const { service, message } of quarantined) {
    const note = `the kernel refuses its rules, the last good ones stay: ${message}`;
    surroundings.log.error(`Service ${service}: ${note}`);
    const regarding = serviceReference(service, objects.uidOf(service));
    surroundings.tell({ regarding, ...occasions.RulesRefused, note });
    history.failed({ at: Date.now(), family, message: `Service ${service}: ${message}`, script: "" });
  }
}

function tellChanges(
  { surroundings, settings }: Work,
  family: Family,
  { done, seconds }: { readonly done: Pass; readonly seconds: number },
): void {
  if (done.changes.length === 0) return;
  const count = renderCount(done.changes);
  if (settings.dryRun) surroundings.print(`IPv${family}: would be ${count}\n${renderChanges(done.changes, false)}`);
  else surroundings.log.info(`IPv${family}: ${count}, ${done.batches} batches, ${(seconds * 1000).toFixed(0)} ms`);
}

/** What comes after good passes: stale connections and health-check ports. */
async function payRest({ proxiers, surroundings, settings, flows, objects }: Work): Promise<void> {
  const { metrics, healthPorts, log } = surroundings;
  // Load balancers must not be told to send here for rules that were not written.
  if (settings.dryRun) return;
  await flows.pay(surroundings.localIps(), metrics.observeConntrack);
  const models = proxiers.flatMap(({ proxier }) => proxier.build()?.model ?? []);
  const failures = await healthPorts.syncHealthPorts(healthPortsOf(models), models[0]?.view.nodePortIps ?? "all");
  for (const { service, text } of failures) {
    log.warn(`Service ${service}: ${text}`);
    const regarding = serviceReference(service, objects.uidOf(service));
    surroundings.tell({ regarding, ...occasions.FailedToStartServiceHealthcheck, note: text });
  }
}
