// The order in which changes reach the kernel. In: Change[]. Out: Batch[], each one atomic commit of one table.
import type { Chain, TableName } from "../ruleset/chain.ts";
import type { ChainName } from "../ruleset/chain-name.ts";
import { renderRule } from "../text/render-rule.ts";
import type { Change } from "../diff/change.ts";

/** Changes of one table that are committed together. At no moment between batches does a rule lead to a half-written chain. */
export type Batch = { readonly table: TableName; readonly changes: readonly Change[] };

/**
 * Orders changes: make before break. Chains come before the rules that lead to them, jumps from built-in chains after all
 * chains, deletions last. Chains of the filter table that only lose rules wait for the nat table, so that a packet is refused
 * rather than let through untranslated.
 *
 * `chainsPerBatch` bounds a commit. What fits goes in one. iptables-nft-restore's time grows with the square of the chains in one
 * commit, so there more goes in several, in which chains that lead to each other stay together (a chain of an earlier commit must
 * be looked up in the kernel). iptables-legacy copies the whole table in each commit: pass Infinity.
 */
export function orderChanges(changes: readonly Change[], chainsPerBatch: number): Batch[] {
  const of = (table: TableName) => changes.filter((change) => change.table === table);
  const isLate = (change: Change) => isRemoval(change) || onlyLoses(change);
  const commit = (table: TableName, list: readonly Change[]) => batchesOf(table, list, chainsPerBatch);
  const filter = of("filter");
  return [
    ...commit(
      "filter",
      filter.filter((change) => !isLate(change)),
    ),
    ...commit("nat", of("nat")),
    ...commit("filter", filter.filter(isLate)),
    ...commit("mangle", of("mangle")),
  ];
}

function batchesOf(table: TableName, changes: readonly Change[], chainsPerBatch: number): Batch[] {
  const parts = [...additions(changes, chainsPerBatch), ...removals(changes, chainsPerBatch)];
  const batches = changes.length <= chainsPerBatch ? [parts.flat()] : parts;
  return batches.filter((batch) => batch.length > 0).map((batch) => ({ table, changes: batch }));
}

type Write = Extract<Change, { after: Chain }>;

function isWrite(change: Change): change is Write {
  return change.kind === "create-chain" || change.kind === "rewrite-chain";
}

function isRemoval(change: Change): boolean {
  return change.kind === "delete-chain" || change.kind === "delete-jump";
}

function onlyLoses(change: Change): boolean {
  if (change.kind !== "rewrite-chain") return false;
  const before = new Set(change.before.rules.map(renderRule));
  return change.after.rules.every((rule) => before.has(renderRule(rule)));
}

function additions(changes: readonly Change[], chainsPerBatch: number): Change[][] {
  const jumps = changes.filter((change) => change.kind === "insert-jump" || change.kind === "move-jump");
  return [...pack(unitsOf(changes.filter(isWrite), chainsPerBatch), chainsPerBatch), jumps];
}

/** Jumps go before the chains they lead to; of chains, a caller before its callees. */
function removals(changes: readonly Change[], chainsPerBatch: number): Change[][] {
  const deletions = new Map(
    changes.flatMap((change) => (change.kind === "delete-chain" ? [[change.before.name, change] as const] : [])),
  );
  const callees = (name: ChainName) => calleesOf(deletions.get(name)?.before, deletions);
  const ordered = postOrder([...deletions.keys()], callees).reverse();
  const jumps = changes.filter((change) => change.kind === "delete-jump");
  return [
    jumps,
    ...pack(
      ordered.map((name) => [deletions.get(name)].filter((change) => change !== undefined)),
      chainsPerBatch,
    ),
  ];
}

/**
 * Groups of written chains, in order: each chain leads only to chains of its group or of groups before. A group is as large a
 * subtree as fits a batch; the chains above such subtrees come last, one a group.
 */
function unitsOf(writes: readonly Write[], limit: number): Write[][] {
  const byName = new Map(writes.map((write) => [write.after.name, write]));
  const called = new Map(writes.map(({ after }) => [after.name, calleesOf(after, byName)]));
  const callees = (name: ChainName) => called.get(name) ?? [];
  const order = postOrder([...byName.keys()], callees);
  const sizes = new Map<ChainName, number>();
  for (const name of order)
    sizes.set(
      name,
      callees(name).reduce((sum, callee) => sum + (sizes.get(callee) ?? 0), 1),
    );
  const fits = (name: ChainName) => (sizes.get(name) ?? 0) <= limit;
  const inner = new Set(order.flatMap((name) => (fits(name) ? callees(name) : [])));
  const seen = new Set<ChainName>();
  const groups = order.filter((name) => fits(name) && !inner.has(name)).map((name) => postOrder([name], callees, seen));
  const above = order.filter((name) => !fits(name)).map((name) => [name]);
  return [...groups, ...above].map((names) => names.flatMap((name) => byName.get(name) ?? []));
}

/** Units one after the other, as many as fit a batch together. */
function pack(units: readonly (readonly Change[])[], limit: number): Change[][] {
  const batches: Change[][] = [];
  for (const unit of units) {
    const last = batches.at(-1);
    if (last !== undefined && last.length + unit.length <= limit) last.push(...unit);
    else batches.push([...unit]);
  }
  return batches;
}

/** The chains that `chain` leads to, among those in `known`. */
function calleesOf(chain: Chain | undefined, known: ReadonlyMap<ChainName, unknown>): ChainName[] {
  const names: ChainName[] = [];
  for (const { target } of chain?.rules ?? []) {
    if (target?.kind === "jump" && known.has(target.chain) && !names.includes(target.chain)) names.push(target.chain);
  }
  return names;
}

/** All that can be reached from `starts`, what is led to before what leads there. `seen` grows by it. */
function postOrder(
  starts: readonly ChainName[],
  callees: (name: ChainName) => readonly ChainName[],
  seen = new Set<ChainName>(),
): ChainName[] {
  const order: ChainName[] = [];
  const visit = (name: ChainName): void => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const callee of callees(name)) visit(callee);
    order.push(name);
  };
  for (const name of starts) visit(name);
  return order;
}
