// Passes and repairs as numbers. In: Metrics, Pass, changes. Out: nothing; the metrics are told.
import type { Change, Family, IpvsChange, TableName } from "../../rules/index.ts";
import { values } from "../../rules/radix/radix.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { DriftPlace } from "../metrics/own-metrics.ts";
import type { InForce, Pass } from "./proxier.ts";

export type Passed = {
  readonly family: Family;
  readonly pass: Pass;
  readonly seconds: number;
  readonly build: InForce | undefined;
};

/** Totals of rules are counted anew only in a full pass; after that changes are added up: no pass costs more in a larger cluster. */
const totals = new WeakMap<Metrics, Map<string, number>>();

/** One pass of one family. */
export function countPass(metrics: Metrics, { family, pass, seconds, build }: Passed): void {
  const isGood = pass.failure === undefined;
  metrics.observeSync({
    family,
    scope: pass.scope,
    durationSeconds: seconds,
    succeededAtSeconds: isGood ? Date.now() / 1000 : undefined,
  });
  if (!isGood) metrics.countRestoreFailure(family, pass.scope);
  if (!isGood || build === undefined) return;
  const known = totals.get(metrics) ?? new Map<string, number>();
  totals.set(metrics, known);
  const tables = build.ipvs === undefined ? iptablesTables : ipvsTables;
  for (const table of tables) {
    const changes = pass.changes.filter(isOfRules).filter((change) => change.table === table);
    const key = `${family} ${table}`;
    const total = pass.scope === "full" ? countRules(build, table) : (known.get(key) ?? 0) + growth(changes);
    known.set(key, total);
    metrics.setRuleCounts({ family, table, total, written: written(changes) });
  }
  metrics.setRules(
    family,
    tables.reduce((sum, table) => sum + (known.get(`${family} ${table}`) ?? 0), 0),
  );
  if (build.ipvs !== undefined) metrics.setVirtualServers(family, build.ipvs.state.servers.size);
}

/** Where each mode has rules. */
const iptablesTables = ["filter", "nat"] as const;
const ipvsTables = ["filter", "nat", "mangle"] as const;

function isOfRules(change: IpvsChange): change is Change {
  return "table" in change;
}

/** What was not as written, by table, or what stands for one in IPVS mode, and kind of change. */
export function countDrift(metrics: Metrics, family: Family, changes: readonly IpvsChange[]): void {
  const counts = new Map<string, { readonly table: DriftPlace; readonly kind: IpvsChange["kind"]; chains: number }>();
  for (const change of changes) {
    const { kind } = change;
    const table = placeOf(change);
    const key = `${table} ${kind}`;
    const known = counts.get(key) ?? { table, kind, chains: 0 };
    counts.set(key, { ...known, chains: known.chains + 1 });
  }
  for (const { table, kind, chains } of counts.values()) metrics.countDrift({ family, table, kind, chains });
}

function placeOf(change: IpvsChange): DriftPlace {
  if (isOfRules(change)) return change.table;
  switch (change.kind) {
    case "create-set":
    case "grow-set":
    case "destroy-set":
    case "add-entry":
    case "delete-entry":
      return "ipset";
    case "create-device":
    case "delete-device":
    case "add-address":
    case "delete-address":
      return "address";
    default:
      return "ipvs";
  }
}

function countRules({ ruleset }: InForce, table: TableName): number {
  const { jumps, chains } = ruleset.tables[table];
  return values(chains).reduce((sum, { rules }) => sum + rules.length, jumps.length);
}

function growth(changes: readonly Change[]): number {
  return changes.reduce((sum, change) => sum + after(change) - before(change), 0);
}

function written(changes: readonly Change[]): number {
  return changes.reduce((sum, change) => sum + after(change), 0);
}

function after(change: Change): number {
  switch (change.kind) {
    case "create-chain":
    case "rewrite-chain":
      return change.after.rules.length;
    case "insert-jump":
    case "move-jump":
      return 1;
    case "delete-chain":
    case "delete-jump":
      return 0;
  }
}

function before(change: Change): number {
  switch (change.kind) {
    case "rewrite-chain":
    case "delete-chain":
      return change.before.rules.length;
    case "delete-jump":
    case "move-jump":
      return 1;
    case "create-chain":
    case "insert-jump":
      return 0;
  }
}
