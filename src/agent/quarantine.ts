// Services that the kernel refuses, found and held as they were. In: a cluster, a way to try one. Out: all the others tried; who is held, and why.
import { emptyCluster, type Cluster } from "../../rules/index.ts";
import { changes as radixChanges, edit, get } from "../../rules/radix/radix.ts";
import type { Refused } from "./kernel-writer.ts";

export type Quarantined = { readonly service: string; readonly message: string };

/** How a cluster is brought into the kernel. */
export type Trial<A> = {
  readonly attempt: (cluster: Cluster) => Promise<A>;
  /** The last that is in force; undefined before the first. */
  readonly good: () => Cluster | undefined;
};

export type Tried<A> = {
  /** The last attempt. */
  readonly attempt: A;
  /** Those that this one found. */
  readonly quarantined: readonly Quarantined[];
  /** Whether any were looked for. */
  readonly searched: boolean;
};

export type Quarantine = {
  /** Tries the cluster, and again without those that are found to be refused, whose last good state stays until they change again. */
  readonly sync: <A extends Attempt>(cluster: Cluster, trial: Trial<A>) => Promise<Tried<A>>;
  /** By Service, the tool's words. */
  readonly held: () => ReadonlyMap<string, string>;
};

type Attempt = { readonly failure: Refused | undefined };
type Held = { readonly refused: unknown; readonly message: string };
type Search = { readonly held: Map<string, Held>; readonly trial: Trial<Attempt>; readonly cluster: Cluster };

/** Rounds of one pass; where more would be needed the next pass goes on. */
const mostRounds = 50;

/** Nobody is held yet. */
export function createQuarantine(): Quarantine {
  const held = new Map<string, Held>();
  return {
    sync: async (cluster, trial) => {
      const wanted = (): Cluster => withoutHeld(held, cluster, trial.good());
      let attempt = await trial.attempt(wanted());
      const quarantined: Quarantined[] = [];
      for (let round = 0; attempt.failure?.namesLine === true; round++) {
        if (round === mostRounds) return { attempt, quarantined, searched: true };
        const found = await isolate({ held, trial, cluster: wanted() }, attempt.failure);
        if (found.length === 0) return { attempt, quarantined, searched: true };
        quarantined.push(...found);
        attempt = await trial.attempt(wanted());
      }
      return { attempt, quarantined, searched: quarantined.length > 0 };
    },
    held: () => new Map([...held].map(([service, { message }]) => [service, message])),
  };
}

/** The cluster with refused Services as they are in force, until they become something else. */
function withoutHeld(held: Map<string, Held>, cluster: Cluster, good: Cluster | undefined): Cluster {
  for (const [service, { refused }] of held) {
    if (get(cluster, service) !== refused) held.delete(service);
  }
  const edits = [...held.keys()].map((key) => {
    const value = good === undefined ? undefined : get(good, key);
    return value === undefined ? { key } : { key, value };
  });
  return edit(cluster, edits);
}

/**
 * Finds the Services that the kernel refuses: the tool names one, or each that it refuses, or halves of those that may be meant are tried
 * until the bad ones stand alone. What is good of a half stays in force. Trouble that is there without any of them is nobody's fault.
 */
async function isolate(search: Search, failure: Refused): Promise<Quarantined[]> {
  const { held, trial, cluster } = search;
  const good = trial.good();
  const changed = radixChanges(good ?? emptyCluster(), cluster).map(({ key }) => key);
  const named = failure.services.filter((service) => changed.includes(service));
  const [only, second] = named;
  if (only !== undefined && second === undefined) return [hold(search, { service: only, message: failure.message })];
  // At the start nothing is known to be good, and writing nothing would end all service.
  const isAll = (found: number, of: number): boolean => good === undefined && of > 1 && found === of;
  if (failure.eachRefused === true && named.length > 0)
    return isAll(named.length, changed.length)
      ? []
      : named.map((service) => hold(search, { service, message: failure.message }));
  const suspects = named.length > 0 ? named : changed;
  // What was in force is written again without harm.
  if (good !== undefined && (await trial.attempt(good)).failure !== undefined) return [];
  const found = await halve(search, suspects);
  if (!isAll(found.length, suspects.length)) return found;
  for (const { service } of found) held.delete(service);
  return [];
}

async function halve(search: Search, services: readonly string[]): Promise<Quarantined[]> {
  const { trial, cluster } = search;
  if (services.length === 0) return [];
  const base = trial.good() ?? emptyCluster();
  const edits = services.map((key) => {
    const value = get(cluster, key);
    return value === undefined ? { key } : { key, value };
  });
  const { failure } = await trial.attempt(edit(base, edits));
  // What names no line is trouble of the machine.
  if (failure === undefined || !failure.namesLine) return [];
  const [only, second] = services;
  if (only !== undefined && second === undefined) return [hold(search, { service: only, message: failure.message })];
  const middle = Math.ceil(services.length / 2);
  const first = await halve(search, services.slice(0, middle));
  return [...first, ...(await halve(search, services.slice(middle)))];
}

function hold({ held, cluster }: Search, quarantined: Quarantined): Quarantined {
  held.set(quarantined.service, { refused: get(cluster, quarantined.service), message: quarantined.message });
  return quarantined;
}
