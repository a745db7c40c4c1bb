// Whether the kernel holds what was written, without taking its dump apart. In: iptables-save text piece by piece, a ruleset. Out: Checked.
import { flat } from "../../flat.ts";
import { get, values } from "../../radix/radix.ts";
import type { BuiltInChain, Chain, Ruleset, TableName } from "../ruleset/chain.ts";
import type { Rule } from "../ruleset/rule.ts";
import {
  builtInChains,
  kubeletChains,
  ownedByUs,
  sharedWithKubelet,
  tableNames,
  type Ownership,
} from "../text/parse.ts";
import { parseRule } from "../text/parse-rule.ts";
import { splitWords } from "../text/quote.ts";
import { renderRule } from "../text/render-rule.ts";
import { sameRules } from "./diff.ts";
import type { Place, Places } from "./places.ts";

/**
 * Chains that were found as written, by `table name`, each with what the kernel's text of it comes to. While the Chain is the same object and
 * its text comes to the same, it need not be parsed again, which is nearly all of the work.
 */
export type Verified = ReadonlyMap<string, { readonly chain: Chain; readonly digest: number }>;

/** `differs`: whether anything of ours is not as written; which, only a diff can say. */
export type Checked = {
  readonly differs: boolean;
  readonly verified: Verified;
  readonly places: readonly Places[];
};

export type Check = {
  /** The next piece of the text; pieces may end anywhere. */
  readonly feed: (text: string) => void;
  /** The text is over. */
  readonly end: () => Checked;
};

export type CheckSettings = {
  readonly verified: Verified;
  /** Chains that are there still because rules of others lead to them, as `table name`: they make no difference. */
  readonly left: ReadonlySet<string>;
  /** Which chains are ours; `ownedByUs` where nothing is said. */
  readonly owns?: Ownership;
};

/** Checks a dump of the family's tools against `desired`. */
export function createCheck(desired: Ruleset, settings: CheckSettings): Check {
  const state: State = {
    desired,
    settings,
    table: undefined,
    run: undefined,
    differs: false,
    hasKubelet: false,
    hasSpareShared: false,
    declared: 0,
    filled: 0,
    verified: new Map(),
    places: new Map(),
  };
  let rest = "";
  return {
    feed: (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) take(state, line);
    },
    end: () => {
      take(state, rest);
      endRun(state);
      const places = [...state.places.values()];
      const isSpare = state.hasSpareShared && !state.hasKubelet;
      const differs = state.differs || isSpare || !isComplete(state) || !hasJumps(state, places);
      return { differs, verified: state.verified, places };
    },
  };
}

type State = {
  readonly desired: Ruleset;
  readonly settings: CheckSettings;
  table: TableName | undefined;
  /** Rules of one of our chains, which stand together. */
  run: { readonly key: string; readonly chain: Chain; digest: Digest; readonly lines: string[] } | undefined;
  differs: boolean;
  /** Whether kubelet is at work, and whether there is a chain that it may need and we do not. */
  hasKubelet: boolean;
  hasSpareShared: boolean;
  /** How many of the wanted chains are there, and how many hold what they should. */
  declared: number;
  filled: number;
  readonly verified: Map<string, { readonly chain: Chain; readonly digest: number }>;
  readonly places: Map<string, { readonly table: TableName; readonly chain: BuiltInChain; readonly rules: Place[] }>;
};

type Digest = { low: number; high: number };

function take(state: State, line: string): void {
  if (line.startsWith("-A ")) takeRule(state, line);
  else if (line.startsWith("*")) {
    endRun(state);
    state.table = tableNames.find((name) => line === `*${name}`);
  } else if (line.startsWith(":")) takeChain(state, line);
}

function takeChain(state: State, line: string): void {
  const { table, desired, settings } = state;
  const name = line.slice(1, line.indexOf(" "));
  state.hasKubelet ||= kubeletChains.test(line);
  if (table === undefined || !(settings.owns ?? ownedByUs)(name, table)) return;
  if (get(desired.tables[table].chains, name) !== undefined) state.declared++;
  else if (settings.left.has(`${table} ${name}`)) return;
  else if (sharedWithKubelet.includes(name)) state.hasSpareShared = true;
  else state.differs = true;
}

function takeRule(state: State, line: string): void {
  const { table, desired, run } = state;
  if (table === undefined) return;
  const end = line.indexOf(" ", 3);
  const name = end < 0 ? line.slice(3) : line.slice(3, end);
  if (run?.chain.name !== name) {
    endRun(state);
    const from = builtInChains.find((chain) => chain === name);
    if (from !== undefined) {
      place(state, from, end < 0 ? "" : line.slice(end + 1));
      return;
    }
    const chain = get(desired.tables[table].chains, name);
    // Of others, or one that should not be there, which its declaration has told.
    if (chain === undefined) return;
    // No part of a piece of the dump may be kept: it would keep all of the piece.
    state.run = { key: flat(table, " ", chain.name), chain, digest: { low: 0x811c9dc5, high: 0 }, lines: [] };
  }
  if (state.run === undefined) return;
  state.run.lines.push(line.slice(end < 0 ? line.length : end + 1));
  digest(state.run.digest, line);
}

/** Two sums of 32 bits (FNV-1a, and one with another factor): what changes a rule by accident changes them. */
function digest(sum: Digest, line: string): void {
  let { low, high } = sum;
  for (let at = 0; at < line.length; at++) {
    const code = line.charCodeAt(at);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high, 31) + code;
  }
  sum.low = low;
  sum.high = Math.imul(high, 31) + 10;
}

function endRun(state: State): void {
  const { run, settings } = state;
  state.run = undefined;
  if (run === undefined) return;
  const { key, chain, lines } = run;
  const number = (run.digest.low >>> 0) * 2 ** 21 + (run.digest.high & 0x1fffff);
  const known = settings.verified.get(key);
  const isKnown = known?.chain === chain && known.digest === number;
  if (!isKnown && !isAsWritten(chain, lines)) {
    state.differs = true;
    return;
  }
  if (chain.rules.length > 0) state.filled++;
  state.verified.set(key, isKnown ? known : { chain, digest: number });
}

function isAsWritten(chain: Chain, lines: readonly string[]): boolean {
  const rules = lines.map((line) => parseRule(splitWords(line)));
  if (chain.shared !== true) return sameRules(rules, chain.rules);
  const there = new Set(rules.map(renderRule));
  return chain.rules.every((rule) => there.has(renderRule(rule)));
}

function place({ table, places, settings: { owns = ownedByUs } }: State, chain: BuiltInChain, text: string): void {
  if (table === undefined) return;
  const key = `${table} ${chain}`;
  const known = places.get(key) ?? { table, chain, rules: [] };
  places.set(key, known);
  const rule = text.includes("-j KUBE-") ? parseRule(splitWords(text)) : undefined;
  const isOurs = rule?.target?.kind === "jump" && owns(rule.target.chain, table);
  known.rules.push(isOurs ? { kind: "ours", rule } : { kind: "other", text: flat("-A ", chain, " ", text) });
}

function isComplete({ desired, declared, filled }: State): boolean {
  const chains = tableNames.flatMap((table) => values(desired.tables[table].chains));
  return declared === chains.length && filled === chains.filter(({ rules }) => rules.length > 0).length;
}

/** Each jump once and no others, but for those that kubelet has made, in its own words, to a chain that is its too. */
function hasJumps({ desired: { tables }, hasKubelet }: State, places: readonly Places[]): boolean {
  return tableNames.every((table) => {
    const wanted = tables[table].jumps.map(({ from, rule }) => `${from} ${renderRule(rule)}`);
    const there = places.filter((each) => each.table === table).flatMap((each) => jumpsIn(each));
    return (
      wanted.every((text) => there.some((jump) => jump.text === text)) &&
      there.every((jump) => (jump.isShared && hasKubelet) || wanted.includes(jump.text))
    );
  });
}

function jumpsIn({ chain, rules }: Places): { readonly text: string; readonly isShared: boolean }[] {
  const jumps = rules.flatMap((each) => (each.kind === "ours" ? [each.rule] : []));
  return jumps.map((rule: Rule) => ({
    text: `${chain} ${renderRule(rule)}`,
    isShared: rule.target?.kind === "jump" && sharedWithKubelet.includes(rule.target.chain),
  }));
}
