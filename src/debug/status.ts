// Sums an agent up. In: what its parts know. Out: Status.
import type { Endpoint, Family, Model } from "../../rules/index.ts";
import { values } from "../../rules/radix/radix.ts";
import type { FailedBatch, PassRecord } from "../agent/history.ts";
import type { InForce } from "../agent/proxier.ts";
import type { Backend } from "../config/settings.ts";
import { isEligible, type Health, type NodeStanding } from "../health/health.ts";
import type { Variant } from "../kernel/kernel.ts";
import type { ReflectorStats } from "../watch/reflector.ts";
import type { Status } from "./status-shape.ts";
import type { Notes } from "./status-notes.ts";

/** Times are milliseconds since 1970. */
export type StatusFacts = {
  readonly node: string;
  readonly version: string;
  readonly mode: Backend;
  readonly variant: Variant;
  readonly dryRun: boolean;
  readonly server: string;
  readonly startedAt: number;
  readonly now: number;
  readonly health: Health;
  /** Undefined until the Node was seen. */
  readonly standing: NodeStanding | undefined;
  /** What is in force, one for each family that was written. */
  readonly builds: readonly InForce[];
  /** Real servers that wait for the end of their connections; in IPVS mode. */
  readonly draining: number;
  /** Newest first. */
  readonly passes: readonly PassRecord[];
  readonly lastFailed: FailedBatch | undefined;
  /** By Service, the kernel's words. */
  readonly quarantined: ReadonlyMap<string, string>;
  readonly notes: Notes;
  /** By resource, as the API spells it. */
  readonly watches: Readonly<Record<string, ReflectorStats>>;
};

/** Quarantined Services that are told by name. */
const toldByName = 5;

/** Counts of a model are kept with it, so that asking again costs nothing until the next pass. */
export function buildStatus(facts: StatusFacts): Status {
  const { node, version, mode, variant, dryRun, server, health, notes, quarantined } = facts;
  const pass = facts.passes.find(({ kind }) => kind === "pass");
  const first = [...quarantined].slice(0, toldByName).map(([service, message]) => ({ service, message }));
  return {
    ...{ node, version, mode, variant, dryRun },
    at: time(facts.now),
    startedAt: time(facts.startedAt),
    healthy: health.healthy,
    eligible: isEligible(facts.standing),
    families: ([4, 6] as const).flatMap((family) => familyStatus(facts, family) ?? []),
    ...(pass === undefined ? {} : { lastPass: passStatus(pass) }),
    ...lastFailure(facts),
    quarantined: { count: quarantined.size, first },
    ...(mode === "ipvs" ? { draining: facts.draining } : {}),
    drift: { chains: notes.drift.chains, ...timeAt("lastAt", notes.drift.lastAt) },
    api: {
      server,
      watches: Object.fromEntries(
        Object.entries(facts.watches)
          .filter(([, { served }]) => served)
          .map(([resource, stats]) => [resource, watchStatus(stats)]),
      ),
    },
  };
}

/** Undefined for a family that was never written and is not overdue. */
function familyStatus({ builds, health, notes }: StatusFacts, family: Family): Status["families"][number] | undefined {
  const build = builds.find(({ ruleset }) => ruleset.family === family);
  const standing = health.families.find((each) => each.family === family);
  if (build === undefined && standing === undefined) return undefined;
  const { services, endpoints } = build === undefined ? { services: 0, endpoints: 0 } : counted(build.model);
  const rules = notes.rules[family];
  return {
    family,
    healthy: standing?.healthy ?? true,
    ...timeAt("lastGoodPassAt", standing?.lastUpdated?.getTime()),
    services,
    endpoints,
    ...(rules === undefined ? {} : { rules }),
    ...(build?.ipvs === undefined ? {} : { virtualServers: build.ipvs.state.servers.size }),
  };
}

function passStatus({ number, startedAt, cause, seconds, families }: PassRecord): NonNullable<Status["lastPass"]> {
  const changes = families.reduce((sum, family) => sum + family.changes, 0);
  const good = families.every(({ result }) => result === "good");
  return { number, at: time(startedAt), cause, changes, seconds: Math.round(seconds * 1e6) / 1e6, good };
}

/** A batch that was refused, or what failed later for another reason: the kernel's tools did not run, the kernel could not be read. */
function lastFailure({ lastFailed, passes }: StatusFacts): Pick<Status, "lastFailure"> {
  const record = passes.find(({ families }) => families.some(({ result }) => result === "failed"));
  const failed = record?.families.find(({ result }) => result === "failed");
  if (record !== undefined && failed !== undefined && record.startedAt > (lastFailed?.at ?? -Infinity)) {
    const { family, message = "" } = failed;
    return { lastFailure: { at: time(record.startedAt), family, message } };
  }
  if (lastFailed === undefined) return {};
  const { at, family, message } = lastFailed;
  return { lastFailure: { at: time(at), family, message } };
}

function watchStatus(stats: ReflectorStats): Status["api"]["watches"][string] {
  const { objects, refused, failures, failing, lastEventAt } = stats;
  return { ...timeAt("lastEventAt", lastEventAt), objects, refused, failures, failing };
}

type Counts = { readonly services: number; readonly endpoints: number };
const counts = new WeakMap<Model, Counts>();

function counted(model: Model): Counts {
  const known = counts.get(model);
  if (known !== undefined) return known;
  const ports = values(model.services).flatMap((service) => service.ports);
  const endpoints = ports.reduce((sum, port) => sum + endpointCount(port.clusterEndpoints, port.localEndpoints), 0);
  const made = { services: model.services.size, endpoints };
  counts.set(model, made);
  return made;
}

/** An endpoint of both sets counts once. */
function endpointCount(cluster: readonly Endpoint[], local: readonly Endpoint[]): number {
  if (cluster.length === 0 || local.length === 0) return cluster.length + local.length;
  return new Set([...cluster, ...local].map(({ ip, port }) => `${ip} ${port}`)).size;
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}

function timeAt<K extends string>(name: K, ms: number | undefined): Partial<Record<K, string>> {
  return (ms === undefined ? {} : { [name]: time(ms) }) as Partial<Record<K, string>>;
}
