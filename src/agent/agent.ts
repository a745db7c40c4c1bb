// The agent: a node's rules kept as the cluster says. In: AgentSettings. Out: Agent, which runs until it is stopped.
import { ownedByIpvs, renderProblem, type Cidr, type Problem } from "../../rules/index.ts";
import { watchedResources } from "../metrics/own-metrics.ts";
import type { IpvsKernel } from "../ipvs/ipvs-kernel.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { ObjectChange } from "../watch/intake.ts";
import { reflect, type Reflector, type ReflectorStats } from "../watch/reflector.ts";
import { endpointSlices, oneNode, serviceCidrs, services, type Resource } from "../watch/resources.ts";
import { createDrains } from "./drains.ts";
import { createFlows } from "./flows.ts";
import { createHistory, type History } from "./history.ts";
import { createIpvsProxier } from "./ipvs-proxier.ts";
import { keepRepairs } from "./kept-repairs.ts";
import { createLastChanges, type LastChange } from "./last-changes.ts";
import { createLeaving } from "./leaving.ts";
import { createLookout, type LookoutSettings } from "./lookout.ts";
import { createLoopback } from "./loopback.ts";
import { createNodeGate } from "./node-gate.ts";
import { createViews } from "./node-view.ts";
import { createObjects } from "./objects.ts";
import { createPacer, type Pacer } from "./pacer.ts";
import { createPasses } from "./pass.ts";
import { createProxier, type InForce, type Proxier } from "./proxier.ts";
import { isAsWritten, repairAll } from "./repairs.ts";
import { shareReads } from "./shared-reads.ts";
import { createTurns } from "./turns.ts";
import type { AgentSettings, Surroundings, Work } from "./work.ts";

export type { AgentSettings, Surroundings } from "./work.ts";

export type Agent = {
  /** Ends watching, lets the pass that runs end, and leaves the rules in force. */
  readonly stop: () => Promise<void>;
  /** What is in force of each family. */
  readonly builds: () => readonly InForce[];
  /** Whether Services and EndpointSlices were listed in full. */
  readonly synced: () => boolean;
  readonly history: History;
  /** Real servers that wait for the end of their connections. */
  readonly draining: () => number;
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
  const lookout = createLookout(kernel, {
    ...(settings.ipvs === undefined ? {} : ipvsLooks),
    ...settings.lookout,
    look: (how) => look(how),
  });
  const ipvs = surroundings.ipvs && shareReads({ ...surroundings.ipvs, rules: lookout.kernel });
  const proxiers = settings.families.map((family) => ({
    family,
    proxier: keepRepairs(openProxier(settings, surroundings, { kernel: lookout.kernel, ipvs }), family, history),
  }));
  const views = createViews(settings.settings);
  const turns = createTurns();
  const reflectors = new Map<string, Reflector>();
  const work: Work = {
    ...{ settings, surroundings, objects, proxiers, views, history, lastChanges },
    // Of IPVS mode no virtual server takes anything from loopback addresses, so routing them would only open them.
    allowLoopback: settings.ipvs === undefined ? createLoopback(kernel, log) : () => Promise.resolve(),
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
      if (isGood && !settings.dryRun) {
        drains.plan();
        leaving?.plan();
      }
      return isGood;
    },
    onHeldBack: metrics.setBackpressure,
  });
  const drains = createDrains(work, {
    turns,
    onFailure: () => {
      pacer.news();
    },
    ...times(settings),
  });
  const leaving =
    settings.ipvs !== undefined || ipvs === undefined
      ? undefined
      : createLeaving(ipvs, {
          families: settings.families,
          drainSeconds: settings.drainSeconds ?? 900,
          log,
          turns,
          ...times(settings),
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
      drains.plan();
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
    draining: () => proxiers.reduce((sum, { proxier }) => sum + (proxier.draining?.().count ?? 0), 0),
    quarantined: () => new Map(proxiers.flatMap(({ proxier }) => [...proxier.quarantined()])),
    lastChange: lastChanges.of,
    serviceCidrs: objects.cidrs,
    watches: () => Object.fromEntries([...reflectors].map(([name, reflector]) => [name, reflector.stats()])),
    stop: async () => {
      clearInterval(refreshing);
      await Promise.all([lookout.stop(), drains.stop(), leaving?.stop()]);
      gate.stop();
      await Promise.all([...reflectors.values()].map((reflector) => reflector.stop()));
      await pacer.stop();
      await turns(() => Promise.resolve());
      await surroundings.healthPorts.stop();
      api.close();
    },
  };
}

/** Of sets, addresses and virtual servers nobody tells any news. */
const ipvsLooks = { watchedMs: 25_000, unwatchedMs: 20_000 };

type Kernels = { readonly kernel: Kernel; readonly ipvs: IpvsKernel | undefined };

function openProxier(settings: AgentSettings, { localIps, log }: Surroundings, { kernel, ipvs }: Kernels): Proxier {
  const writes = !settings.dryRun;
  if (settings.ipvs === undefined)
    return createProxier(kernel, ipvs === undefined ? { writes } : { writes, owns: ownedByIpvs });
  if (ipvs === undefined) throw new Error("bug: IPVS mode without its tools");
  const warn = (text: string): void => void log.warn(text);
  const drainSeconds = settings.drainSeconds ?? 900;
  return createIpvsProxier(ipvs, { ipvs: settings.ipvs, localIps, writes, drainSeconds, warn });
}

function times({ drainLooks }: AgentSettings) {
  return drainLooks === undefined ? {} : { times: drainLooks };
}

function noNode(name: string): string {
  const what = `Node ${name} is not in the cluster, so no endpoint counts as local`;
  return `${what}: where this node goes by another name, give that by --hostname-override`;
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
