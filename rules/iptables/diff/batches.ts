// The order in which changes reach the kernel. In: Change[]. Out: Batch[], each one atomic commit of one table.
import type { Chain, ChainName, TableName } from "../ruleset/chain.ts";
import { renderRule } from "../text/render-rule.ts";
import type { Change } from "./change.ts";

/** Changes of one table that are committed together. At no moment between batches does a rule lead to a half-written chain. */
export type Batch = { readonly table: TableName; readonly changes: readonly Change[] };

/**
 * Orders changes: make before break. Chains come before the rules that lead to them, jumps from built-in chains after all
 * chains, deletions last. Chains of the filter table that only lose rules wait for the nat table, so that a packet is refused
 * rather than let through untranslated. `chainsPerBatch` bounds a commit: iptables-nft-restore's time grows with the square of the
 * chains in one commit, and a chain that an earlier commit brought must be looked up in the kernel; so chains that lead only to
 * each other stay together (measured, see the design). iptables-legacy copies the whole table in each commit: pass Infinity.
 */
export function orderChanges(changes: readonly Change[], chainsPerBatch: number): Batch[] {
  const of = (table: TableName) => changes.filter((change) => change.table === table);
  const [filter, nat] = [of("filter"), of("nat")];
  const late = filter.filter(onlyLoses);
  const early = filter.filter((change) => !late.includes(change) && !isRemoval(change));
  return [
    ...additions("filter", early, chainsPerBatch),
    ...additions(
      "nat",
      nat.filter((change) => !isRemoval(change)),
      chainsPerBatch,
    ),
    ...additions("filter", late, chainsPerBatch),
    ...removals("nat", nat.filter(isRemoval), chainsPerBatch),
    ...removals("filter", filter.filter(isRemoval), chainsPerBatch),
    ...removals("mangle", of("mangle").filter(isRemoval), chainsPerBatch),
  ];
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

function additions(table: TableName, changes: readonly Change[], chainsPerBatch: number): Batch[] {
  const jumps = changes.filter((change) => change.kind === "insert-jump");
  const batches = pack(unitsOf(changes.filter(isWrite), chainsPerBatch), chainsPerBatch);
  const last = batches.pop() ?? [];
  const all = [...batches, [...last, ...jumps]].filter((batch) => batch.length > 0);
  return all.map((batch) => ({ table, changes: batch }));
}

/** Jumps go before the chains they lead to; of chains, a caller before its callees. */
function removals(table: TableName, changes: readonly Change[], chainsPerBatch: number): Batch[] {
  const deletions = new Map(
    changes.flatMap((change) => (change.kind === "delete-chain" ? [[change.before.name, change] as const] : [])),
  );
  const callersFirst = postOrder([...deletions.keys()], (name) =>
    calleesOf(deletions.get(name)?.before, deletions),
  ).reverse();
  const ordered = callersFirst.flatMap((name) => deletions.get(name) ?? []);
  const jumps = changes.filter((change) => change.kind === "delete-jump");
  const batches: Change[][] = jumps.length > 0 ? [jumps] : [];
  for (let at = 0; at < ordered.length; at += Math.min(chainsPerBatch, ordered.length)) {
    batches.push(ordered.slice(at, at + chainsPerBatch));
  }
  return batches.map((batch) => ({ table, changes: batch }));
}

/**
 * Groups of written chains, in order: each chain leads only to chains of its group or of groups before. A group is as large a
 * subtree as fits a batch; the chains above such subtrees come last, one a group.
 */
function unitsOf(writes: readonly Write[], limit: number): Write[][] {
  const byName = new Map(writes.map((write) => [write.after.name, write]));
  const callees = (name: ChainName) => calleesOf(byName.get(name)?.after, byName);
  const order = postOrder([...byName.keys()], callees);
  const sizes = new Map<ChainName, number>();
  for (const name of order)
    sizes.set(
      name,
      callees(name).reduce((sum, callee) => sum + (sizes.get(callee) ?? 0), 1),
    );
  const small = order.filter((name) => (sizes.get(name) ?? 0) <= limit);
  const inner = new Set(small.flatMap(callees));
  const taken = new Set<ChainName>();
  const groups = small
    .filter((name) => !inner.has(name))
    .map((name) => postOrder([name], (caller) => callees(caller).filter((callee) => !taken.has(callee)), taken));
  const above = order.filter((name) => (sizes.get(name) ?? 0) > limit).map((name) => [name]);
  return [...groups, ...above].map((names) => names.flatMap((name) => byName.get(name) ?? []));
}

/** Units one after the other, as many as fit a batch together. */
function pack(units: readonly (readonly Write[])[], limit: number): Write[][] {
  const batches: Write[][] = [];
  for (const unit of units) {
    const last = batches.at(-1);
    if (last !== undefined && last.length + unit.length <= limit) last.push(...unit);
    else batches.push([...unit]);
  }
  return batches;
}

/** The chains that `chain` leads to, among those in `known`. */
function calleesOf(chain: Chain | undefined, known: ReadonlyMap<ChainName, unknown>): ChainName[] {
  const names = (chain?.rules ?? []).flatMap(({ target }) => (target?.kind === "jump" ? [target.chain] : []));
  return [...new Set(names)].filter((name) => known.has(name));
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
