// The agent: a node's rules kept as the cluster says. In: AgentSettings. Out: Agent, which runs until it is stopped.
import { renderProblem, type Build, type Cidr, type Problem } from "../../rules/index.ts";
import { nodeReference, occasions } from "../events/event.ts";
import { watchedResources } from "../metrics/own-metrics.ts";
import { renderChanges, renderCount } from "../output/changes.ts";
import type { ObjectChange } from "../watch/intake.ts";
import { reflect, type Reflector, type ReflectorStats } from "../watch/reflector.ts";
import { endpointSlices, oneNode, serviceCidrs, services, type Resource } from "../watch/resources.ts";
import { createFlows } from "./flows.ts";
import { createHistory, type History } from "./history.ts";
import { keepRepairs } from "./kept-repairs.ts";
import { createLastChanges, type LastChange } from "./last-changes.ts";
import { createLookout, type LookoutSettings } from "./lookout.ts";
import { createLoopback } from "./loopback.ts";
import { createNodeGate } from "./node-gate.ts";
import { createViews } from "./node-view.ts";
import { createObjects } from "./objects.ts";
import { createPacer, type Pacer } from "./pacer.ts";
import { createPasses } from "./pass.ts";
import { createProxier } from "./proxier.ts";
import { countDrift } from "./record.ts";
import { createTurns } from "./turns.ts";
import type { AgentSettings, Surroundings, Work } from "./work.ts";

export type { AgentSettings, Surroundings } from "./work.ts";

export type Agent = {
  /** Ends watching, lets the pass that runs end, and leaves the rules in force. */
  readonly stop: () => Promise<void>;
  /** What is in force of each family. */
  readonly builds: () => readonly Build[];
  /** Whether Services and EndpointSlices were listed in full. */
  readonly synced: () => boolean;
  readonly history: History;
  /** Services that the kernel refuses, as `namespace/name`, with its words; their last good rules are in force. */
  readonly quarantined: () => ReadonlyMap<string, string>;
  /** Of the Service `namespace/name`; undefined where it has not changed since the first list, or long ago. */
  readonly lastChange: (service: string) => LastChange | undefined;
  /** All blocks from which Services get addresses; empty where the server has no such objects. */
  readonly serviceCidrs: () => readonly Cidr[];
  /** How each watch goes, by resource as the API spells it. */
  readonly watches: () => Readonly<Record<string, ReflectorStats>>;
};

/** Starts it. Nothing is written before Services and EndpointSlices were listed in full, and, where rules need it, the Node is known. */
export function startAgent(settings: AgentSettings, surroundings: Surroundings): Agent {
  const { api, kernel, log, metrics } = surroundings;
  const synced = new Set<string>();
  const isSynced = (): boolean => synced.has(services.name) && synced.has(endpointSlices.name);
  const history = createHistory();
  const lastChanges = createLastChanges();
  const objects = createObjects((service, change) => {
    if (isSynced()) lastChanges.changed(service, change);
  });
  const lookout = createLookout(kernel, { ...settings.lookout, look: (how) => look(how) });
  const proxiers = settings.families.map((family) => ({
    family,
    proxier: keepRepairs(createProxier(lookout.kernel, { writes: !settings.dryRun }), family, history),
  }));
  const views = createViews(settings.settings);
  const turns = createTurns();
  const reflectors = new Map<string, Reflector>();
  const work: Work = {
    ...{ settings, surroundings, objects, proxiers, views, history, lastChanges },
    allowLoopback: createLoopback(kernel, log),
    flows: createFlows(surroundings.conntrack, log),
    resourceVersions: () => {
      const versionOf = (name: string): string => String(reflectors.get(name)?.stats().resourceVersion ?? "");
      return {
        services: versionOf("services"),
        endpointslices: versionOf("endpointslices"),
        nodes: versionOf("nodes"),
      };
    },
    startedAt: Date.now(),
  };
  const pass = createPasses(work);
  let isSettled = false;
  const pacer: Pacer = createPacer({
    minPauseSeconds: settings.minSyncPeriodSeconds,
    run: async (waitedSeconds) => {
      const isGood = await turns(() => pass(waitedSeconds));
      if (isGood && !isSettled) surroundings.settled?.();
      if (isGood && !settings.dryRun) lookout.begin();
      isSettled ||= isGood;
      return isGood;
    },
    onHeldBack: metrics.setBackpressure,
  });
  const gate = createNodeGate({
    detectLocal: settings.settings.detectLocal,
    waitSeconds: settings.podCidrWaitSeconds ?? 300,
    onLate: () => {
      log.warn(
        `Node ${settings.nodeName} has no podCIDRs yet, and detectLocalMode NodeCIDR needs them: rules are written without`,
      );
      news();
    },
  });
  const news = (): void => {
    if (!isSynced() || !gate.isOpen()) return;
    for (const family of settings.families) {
      surroundings.health.queued(family);
      metrics.setLastQueued(family, Date.now() / 1000);
    }
    pacer.news();
  };
  const watch = <T>(resource: Resource<T>, take: (changes: readonly ObjectChange<T>[]) => void): void => {
    // Of the rest, ServiceCIDRs, nothing in the rules depends: they have no metrics, make no passes and are not talked of.
    const measured = watchedResources.find((name) => name === resource.name);
    const reflector = reflect({
      api,
      resource,
      log,
      onArrival: (at) => {
        if (measured !== undefined) metrics.setLastEvent(measured, at / 1000);
      },
      onRestart: () => {
        if (measured !== undefined) metrics.countWatchRestart(measured);
      },
      onChanges: (changes) => {
        take(changes);
        if (measured !== undefined) news();
      },
      onSynced: () => {
        synced.add(resource.name);
        if (measured === undefined) return;
        log.info(`${resource.name}: listed`);
        if (measured === "nodes" && objects.node() === undefined) log.warn(noNode(settings.nodeName));
        news();
      },
      onProblem: (_, problems) => {
        refuse(surroundings, resource.name, problems);
      },
    });
    reflectors.set(resource.name, reflector);
  };
  watch(services, objects.services);
  watch(endpointSlices, objects.slices);
  watch(oneNode(settings.nodeName), (changes) => {
    objects.nodes(changes);
    const node = objects.node();
    gate.see(node);
    const gone = { deleting: true, taints: [] };
    surroundings.health.setNode(
      node === undefined ? gone : { deleting: node.deleting === true, taints: node.taints ?? [] },
    );
  });
  watch(serviceCidrs, objects.serviceCidrs);
  const isWritten = (): boolean => proxiers.some(({ proxier }) => proxier.build() !== undefined);
  // One after the other with passes: iptables-nft-save begins anew whenever somebody commits, and would never end in a busy cluster.
  const look: LookoutSettings["look"] = (fully) =>
    turns(async () => {
      const isGood = (await isAsWritten(work, fully)) || (await repairAll(work));
      return isGood ? "done" : "again";
    });
  // The host's addresses may have changed, and a port that was taken may be free; else the pass costs nothing.
  const refreshing = setInterval(() => {
    if (isWritten()) news();
  }, settings.refreshMs ?? 20_000);
  return {
    builds: () => proxiers.flatMap(({ proxier }) => proxier.build() ?? []),
    synced: isSynced,
    history,
    quarantined: () => new Map(proxiers.flatMap(({ proxier }) => [...proxier.quarantined()])),
    lastChange: lastChanges.of,
    serviceCidrs: objects.cidrs,
    watches: () => Object.fromEntries([...reflectors].map(([name, reflector]) => [name, reflector.stats()])),
    stop: async () => {
      clearInterval(refreshing);
      await lookout.stop();
      gate.stop();
      await Promise.all([...reflectors.values()].map((reflector) => reflector.stop()));
      await pacer.stop();
      await turns(() => Promise.resolve());
      await surroundings.healthPorts.stop();
      api.close();
    },
  };
}

function noNode(name: string): string {
  const what = `Node ${name} is not in the cluster, so no endpoint counts as local`;
  return `${what}: where this node goes by another name, give that by --hostname-override`;
}

/** Every family. What cannot be read is left to a repair, which tells of it. */
async function isAsWritten({ proxiers }: Work, fully: boolean): Promise<boolean> {
  for (const { proxier } of proxiers) {
    const found = await proxier.check(fully).catch(() => "differs");
    if (found !== "as-written") return false;
  }
  return true;
}

/** Reads back what each family has, and says what was not as it was written. False where not all of it could be put right. */
async function repairAll({ proxiers, surroundings, settings }: Work): Promise<boolean> {
  const { log, metrics } = surroundings;
  let isGood = true;
  for (const { family, proxier } of proxiers) {
    try {
      const { changes, failure } = await proxier.repair();
      isGood &&= failure === undefined;
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
      isGood = false;
      log.error(
        `IPv${family}: rules could not be read back: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  return isGood;
}

function refuse({ log, metrics }: Surroundings, resource: string, problems: readonly Problem[]): void {
  const kinds: Readonly<Record<string, string>> = {
    services: "Service",
    endpointslices: "EndpointSlice",
    nodes: "Node",
    servicecidrs: "ServiceCIDR",
  };
  metrics.countRefusedObject(kinds[resource] ?? resource);
  const [first] = problems;
  if (first === undefined) return;
  const more = problems.length === 1 ? "" : `, and ${problems.length - 1} more problems`;
  log.error(`${renderProblem(first)}${more}; the last good version stays in force`);
}
