// The agent: a node's rules kept as the cluster says. In: AgentSettings. Out: Agent, which runs until it is stopped.
import type { Logger } from "winston";
import { renderProblem, type Build, type Family, type Ip, type Problem, type Settings } from "../../rules/index.ts";
import type { RunConntrack } from "../conntrack/tool.ts";
import { nodeReference, occasions, serviceReference, type Event } from "../events/event.ts";
import type { HealthTracker } from "../health/health-tracker.ts";
import type { HealthPorts } from "../health/health-ports.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { renderChanges, renderCount } from "../output/changes.ts";
import type { Api } from "../watch/api.ts";
import { reflect, type Reflector } from "../watch/reflector.ts";
import { endpointSlices, oneNode, services, type Resource } from "../watch/resources.ts";
import { healthPortsOf } from "./health-ports.ts";
import { createLoopback, type Loopback } from "./loopback.ts";
import { createViews } from "./node-view.ts";
import { createFlows, type Flows } from "./flows.ts";
import { createObjects, type ObjectNews, type Objects } from "./objects.ts";
import { createPacer, type Pacer } from "./pacer.ts";
import { createProxier, type Pass, type Proxier } from "./proxier.ts";
import { countPass, countDrift } from "./record.ts";
import { createTurns } from "./turns.ts";

export type AgentSettings = {
  readonly nodeName: string;
  readonly settings: Settings;
  readonly families: readonly Family[];
  readonly minSyncPeriodSeconds: number;
  /** How often everything of ours is read back, and what differs repaired. */
  readonly repairSeconds: number;
  /** Nothing is written; each pass's changes are told. */
  readonly dryRun: boolean;
};

/** What the agent works with. */
export type Surroundings = {
  readonly api: Api;
  readonly kernel: Kernel;
  readonly metrics: Metrics;
  readonly health: HealthTracker;
  readonly healthPorts: HealthPorts;
  readonly log: Logger;
  /** The addresses on the host's interfaces, as they are now. */
  readonly localIps: () => readonly Ip[];
  /** Where the changes of a dry run go. */
  readonly print: (text: string) => void;
  /** Told of what people should see at a Service or the Node. */
  readonly tell: (event: Event) => void;
  /** The conntrack tool; undefined where there is none. */
  readonly conntrack: RunConntrack | undefined;
};

export type Agent = {
  /** Ends watching, lets the pass that runs end, and leaves the rules in force. */
  readonly stop: () => Promise<void>;
  /** What is in force of each family. */
  readonly builds: () => readonly Build[];
};

/** Starts it. Nothing is written before Services and EndpointSlices were listed in full. */
export function startAgent(settings: AgentSettings, surroundings: Surroundings): Agent {
  const { api, kernel, log } = surroundings;
  const objects = createObjects();
  const proxiers = settings.families.map((family) => ({
    family,
    proxier: createProxier(kernel, { writes: !settings.dryRun }),
  }));
  const views = createViews(settings.settings);
  const synced = new Set<string>();
  const turns = createTurns();
  const allowLoopback = createLoopback(kernel, log);
  const owed = newDebt();
  const flows = createFlows(surroundings.conntrack, log);
  const startedAt = Date.now();
  const work: Work = { settings, surroundings, objects, proxiers, views, allowLoopback, flows, owed, startedAt };
  const pacer: Pacer = createPacer({
    minPauseSeconds: settings.minSyncPeriodSeconds,
    run: () => turns(() => pass(work)),
  });
  const news = (): void => {
    if (!synced.has(services.name) || !synced.has(endpointSlices.name)) return;
    for (const family of settings.families) {
      surroundings.health.queued(family);
      surroundings.metrics.setLastQueued(family, Date.now() / 1000);
    }
    pacer.news();
  };
  const watch = <T>(resource: Resource<T>, take: (changes: readonly ObjectNews<T>[]) => void): Reflector =>
    reflect({
      api,
      resource,
      log,
      onChanges: (changes) => {
        take(changes);
        news();
      },
      onSynced: () => {
        synced.add(resource.name);
        log.info(`${resource.name}: listed`);
        news();
      },
      onProblem: (_, problems) => {
        refuse(surroundings, resource.name, problems);
      },
    });
  const reflectors = [
    watch(services, objects.services),
    watch(endpointSlices, objects.slices),
    watch(oneNode(settings.nodeName), (changes) => {
      objects.nodes(changes);
      const node = objects.node();
      const gone = { deleting: true, taints: [] };
      surroundings.health.setNode(
        node === undefined ? gone : { deleting: node.deleting === true, taints: node.taints ?? [] },
      );
    }),
  ];
  let isRepairing = false;
  const repairing = setInterval(() => {
    // Where reading takes longer than that, repairs must not pile up.
    if (isRepairing || proxiers.every(({ proxier }) => proxier.build() === undefined)) return;
    isRepairing = true;
    void turns(() => repairAll(work)).finally(() => {
      isRepairing = false;
      // The host's addresses may have changed, and a port that was taken may be free; else the pass after it costs nothing.
      news();
    });
  }, settings.repairSeconds * 1000);
  return {
    builds: () => proxiers.flatMap(({ proxier }) => proxier.build() ?? []),
    stop: async () => {
      clearInterval(repairing);
      await Promise.all(reflectors.map((reflector) => reflector.stop()));
      await pacer.stop();
      await turns(() => Promise.resolve());
      await surroundings.healthPorts.stop();
      api.close();
    },
  };
}

type Work = {
  readonly settings: AgentSettings;
  readonly surroundings: Surroundings;
  readonly objects: Objects;
  readonly proxiers: readonly { readonly family: Family; readonly proxier: Proxier }[];
  readonly views: ReturnType<typeof createViews>;
  readonly allowLoopback: Loopback;
  readonly flows: Flows;
  readonly owed: Debt;
  /** Changes from before it are in the first list, and say nothing of how long this agent takes. Milliseconds since 1970. */
  readonly startedAt: number;
};

/** What passes owe besides rules; it stays owed until a pass is good. */
type Debt = { services: number; slices: number; triggers: number[] };

function newDebt(): Debt {
  return { services: 0, slices: 0, triggers: [] };
}

/** Every family; one that fails does not keep the other from being served. Never rejects. */
async function pass(work: Work): Promise<boolean> {
  const { objects, surroundings, settings, owed } = work;
  const { health, metrics } = surroundings;
  const begun = health.now();
  const news = objects.takeNews();
  owed.services += news.services;
  owed.slices += news.slices;
  owed.triggers = [...owed.triggers, ...[...news.triggers.values()].flat().filter((at) => at >= work.startedAt)];
  metrics.setPendingChanges({ services: owed.services, endpoints: owed.slices });
  const facts = { name: settings.nodeName, node: objects.node(), localIps: surroundings.localIps() };
  let isGood = true;
  for (const { family, proxier } of work.proxiers) {
    const wanted = { cluster: objects.cluster(), view: work.views(facts, family) };
    const isDone = await passFamily(work, { family, proxier }, wanted);
    if (isDone) health.updated(family, begun);
    isGood = isGood && isDone;
  }
  const quarantined = work.proxiers.flatMap(({ proxier }) => [...proxier.quarantined().keys()]);
  metrics.setQuarantinedServices(new Set(quarantined).size);
  if (!isGood) return false;
  await payDebt(work);
  return true;
}

async function passFamily(
  { surroundings, settings, allowLoopback, flows }: Work,
  { family, proxier }: Work["proxiers"][number],
  wanted: Parameters<Proxier["sync"]>[0],
): Promise<boolean> {
  const { log, metrics } = surroundings;
  const began = performance.now();
  const before = proxier.build()?.model;
  let done: Pass;
  try {
    done = await proxier.sync(wanted);
  } catch (error) {
    log.error(`IPv${family}: this pass failed: ${error instanceof Error ? error.message : String(error)}`);
    metrics.countRestoreFailure(family, "full");
    return false;
  }
  const seconds = (performance.now() - began) / 1000;
  countPass(metrics, { family, pass: done, seconds, build: proxier.build() });
  for (const { service, message } of done.quarantined) {
    const note = `the kernel refuses its rules, the last good ones stay: ${message}`;
    log.error(`Service ${service}: ${note}`);
    surroundings.tell({ regarding: serviceReference(service), ...occasions.RulesRefused, note });
  }
  if (done.failure !== undefined) {
    log.error(`IPv${family}: a batch was refused: ${done.failure.message}`);
    return false;
  }
  if (done.left !== undefined)
    log.warn(`IPv${family}: chains that are no longer needed cannot be deleted: ${done.left.message}`);
  const after = proxier.build()?.model;
  if (after !== undefined) flows.passed(before, after);
  // After the rules, which guard loopback addresses against other hosts.
  if (!settings.dryRun) await allowLoopback(wanted.view);
  if (done.changes.length === 0) return true;
  if (settings.dryRun)
    surroundings.print(`IPv${family}: would be ${renderCount(done.changes)}\n${renderChanges(done.changes, false)}`);
  else
    log.info(`IPv${family}: ${renderCount(done.changes)}, ${done.batches} batches, ${(seconds * 1000).toFixed(0)} ms`);
  return true;
}

/** What comes after good passes: health-check ports, and the time that changes took to get here. */
async function payDebt({ owed, proxiers, surroundings, settings, flows }: Work): Promise<void> {
  const { metrics, healthPorts, log } = surroundings;
  metrics.countServiceChanges(owed.services);
  metrics.countEndpointChanges(owed.slices);
  const now = Date.now();
  for (const { family } of proxiers.slice(0, 1))
    for (const at of owed.triggers) metrics.observeNetworkProgramming(family, Math.max(0, now - at) / 1000);
  Object.assign(owed, newDebt());
  metrics.setPendingChanges({ services: 0, endpoints: 0 });
  // Load balancers must not be told to send here for rules that were not written.
  if (settings.dryRun) return;
  await flows.pay(surroundings.localIps(), metrics.observeConntrack);
  const models = proxiers.flatMap(({ proxier }) => proxier.build()?.model ?? []);
  const failures = await healthPorts.syncHealthPorts(healthPortsOf(models), models[0]?.view.nodePortIps ?? "all");
  for (const { service, text } of failures) {
    log.warn(`Service ${service}: ${text}`);
    const regarding = serviceReference(service);
    surroundings.tell({ regarding, ...occasions.FailedToStartServiceHealthcheck, note: text });
  }
}

/** Reads back what each family has, and says what was not as it was written. */
async function repairAll({ proxiers, surroundings, settings }: Work): Promise<void> {
  const { log, metrics } = surroundings;
  for (const { family, proxier } of proxiers) {
    try {
      const { changes, failure } = await proxier.repair();
      if (changes.length === 0) continue;
      countDrift(metrics, family, changes);
      const end = failure === undefined ? ", and were repaired" : "";
      log.warn(
        `IPv${family}: rules were not as written${end}: ${renderCount(changes)}\n${renderChanges(changes, false)}`,
      );
      const note = `IPv${family}: rules were not as written${end}: ${renderCount(changes)}`;
      surroundings.tell({ regarding: nodeReference(settings.nodeName), ...occasions.RulesDrifted, note });
      if (failure !== undefined) log.error(`IPv${family}: the repair was refused: ${failure.message}`);
    } catch (error) {
      log.error(
        `IPv${family}: rules could not be read back: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
}

function refuse({ log, metrics }: Surroundings, resource: string, problems: readonly Problem[]): void {
  const kinds: Readonly<Record<string, string>> = {
    services: "Service",
    endpointslices: "EndpointSlice",
    nodes: "Node",
  };
  metrics.countRefusedObject(kinds[resource] ?? resource);
  for (const problem of problems) log.error(`${renderProblem(problem)}; the last good version stays in force`);
}
