// What the kernel says, as rulesets. In: iptables-save text. Out: Ruleset of the chains that we own, and the jumps into them.
import type { Family } from "../../net/ip.ts";
import { radixOf } from "../../radix/radix.ts";
import type { BuiltInChain, Chain, Jump, Ruleset, Table, TableName } from "../ruleset/chain.ts";
import type { ChainName } from "../ruleset/chain-name.ts";
import { emptyTable } from "../ruleset/chain.ts";
import { chainPrefixes } from "../ruleset/chain-name.ts";
import type { Rule } from "../ruleset/rule.ts";
import { parseRule } from "./parse-rule.ts";
import { linesOf, splitWords } from "./quote.ts";

/** Tells which chains of a table are taken for ours. */
export type Ownership = (chain: string, table: TableName) => boolean;

const fixedChains: Readonly<Record<TableName, readonly string[]>> = {
  nat: ["KUBE-SERVICES", "KUBE-NODEPORTS", "KUBE-POSTROUTING", "KUBE-MARK-MASQ"],
  filter: [
    "KUBE-SERVICES",
    "KUBE-EXTERNAL-SERVICES",
    "KUBE-NODEPORTS",
    "KUBE-PROXY-FIREWALL",
    "KUBE-FORWARD",
    "KUBE-FIREWALL",
  ],
  mangle: [],
};

/** The chains that we write, which are also those that kube-proxy writes under the same names. */
export const ownedByUs: Ownership = (chain, table) =>
  fixedChains[table].includes(chain) ||
  (table !== "mangle" && chainPrefixes.some((prefix) => chain.startsWith(prefix)));

/** The same, and what kube-proxy leaves beside them: what a clean-up removes. */
export const ownedByUsOrKubeProxy: Ownership = (chain, table) =>
  chain === "KUBE-PROXY-CANARY" || ownedByUs(chain, table);

/**
 * Our part of an iptables-save (or ip6tables-save) dump, or of our own scripts. Rules and chains of others are passed over: they
 * are in no ruleset, so no diff can touch them. Tables that are not there are empty.
 */
export function parseRuleset(text: string, family: Family, owns: Ownership = ownedByUs): Ruleset {
  const found: Record<TableName, Draft> = { filter: newDraft(), nat: newDraft(), mangle: newDraft() };
  let table: TableName | undefined;
  for (const line of linesOf(text)) {
    if (line.startsWith("*")) table = tableNames.find((name) => line === `*${name}`);
    else if (table !== undefined && line.startsWith(":")) declare(found[table], line, { table, owns });
    else if (table !== undefined && /^-[AI] /.test(line)) add(found[table], line, { table, owns });
  }
  const shared = kubeletChains.test(text) ? sharedWithKubelet : [];
  const [filter, nat, mangle] = tableNames.map((name) => finish(found[name], shared)) as [Table, Table, Table];
  return { family, tables: { filter, nat, mangle } };
}

/** Chains that only kubelet makes. Source: KEP-3178. */
export const kubeletChains = /^:KUBE-(IPTABLES-HINT|KUBELET-CANARY) /m;

/** What kubelet sees to as well; where it runs, these chains are not ours to take away. */
export const sharedWithKubelet: readonly string[] = ["KUBE-FIREWALL"];

export const tableNames: readonly TableName[] = ["filter", "nat", "mangle"];
export const builtInChains: readonly BuiltInChain[] = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

type Draft = { readonly chains: Map<string, Rule[]>; readonly jumps: Jump[] };

type Owned = { readonly table: TableName; readonly owns: Ownership };

function newDraft(): Draft {
  return { chains: new Map(), jumps: [] };
}

function declare(draft: Draft, line: string, { table, owns }: Owned): void {
  const name = line.slice(1, line.indexOf(" "));
  if (owns(name, table)) draft.chains.set(name, []);
}

/** `-A CHAIN rule`, or `-I CHAIN 1 rule`, which only scripts of ours hold. */
function add(
  draft: Draft,
  line: string,
  { table, owns }: { readonly table: TableName; readonly owns: Ownership },
): void {
  const end = line.indexOf(" ", 3);
  const name = line.slice(3, end < 0 ? line.length : end);
  const rules = draft.chains.get(name);
  const from = builtInChains.find((chain) => chain === name);
  if (rules === undefined && from === undefined) return;
  const words = splitWords(end < 0 ? "" : line.slice(end + 1));
  const first = line.startsWith("-I");
  const rule = parseRule(first && words[0] === "1" ? words.slice(1) : words);
  if (rules !== undefined) rules.splice(first ? 0 : rules.length, 0, rule);
  else if (from !== undefined && rule.target?.kind === "jump" && owns(rule.target.chain, table)) {
    draft.jumps.splice(first ? 0 : draft.jumps.length, 0, { from, rule });
  }
}

function finish(draft: Draft, shared: readonly string[]): Table {
  if (draft.chains.size === 0 && draft.jumps.length === 0) return emptyTable;
  const owners = ownersOf(draft.chains);
  const chains = [...draft.chains].map(([name, rules]): Chain => ({
    name: name as ChainName,
    rules,
    owner: owners.get(name),
    ...(shared.includes(name) ? { shared: true as const } : {}),
  }));
  return { jumps: draft.jumps, chains: radixOf(chains.map((chain) => ({ key: chain.name, value: chain }))) };
}

/** A Service port's chains name it in a comment; chains that only they lead to are its too. */
function ownersOf(chains: ReadonlyMap<string, readonly Rule[]>): Map<string, string> {
  const owners = new Map<string, string>();
  for (const [name, rules] of chains) {
    const named = isServiceChain(name) ? new Set(rules.flatMap((rule) => serviceOf(rule) ?? [])) : [];
    const [owner, other] = named;
    if (owner !== undefined && other === undefined) owners.set(name, owner);
  }
  const queue = [...owners.keys()];
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    for (const { target } of chains.get(name) ?? []) {
      if (target?.kind !== "jump" || owners.has(target.chain) || !isServiceChain(target.chain)) continue;
      owners.set(target.chain, owners.get(name) ?? "");
      queue.push(target.chain);
    }
  }
  return owners;
}

/** Named by a hash, as a Service port's chains are; so are dispatch chains with long covers, but those name several Service ports. */
function isServiceChain(name: string): boolean {
  return chainPrefixes.some((prefix) => name.startsWith(prefix) && /^[A-Z2-7]{16}$/.test(name.slice(prefix.length)));
}

/** The Service port that a rule's comment names (`X`, `X cluster IP`, `pod traffic for X external destinations`, `X -> EP` ...). */
export function serviceOf(rule: Rule): string | undefined {
  const [first] = rule.matches;
  if (first?.kind !== "comment") return undefined;
  return /(?:^|traffic for |traffic to )([a-z0-9][-a-z0-9]*\/[a-z0-9][-a-z0-9]*(?::[a-z0-9][-a-z0-9]*)?)(?= |$)/.exec(
    first.text,
  )?.[1];
}
