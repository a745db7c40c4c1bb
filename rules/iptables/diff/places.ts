// Where our jumps stand among the rules of others. In: the rules of built-in chains, before and now. Out: jumps that others have overtaken.
import type { BuiltInChain, Jump, TableName } from "../ruleset/chain.ts";
import type { Rule } from "../ruleset/rule.ts";
import { renderRule } from "../text/render-rule.ts";
import type { Change } from "./change.ts";

/** The rules of one built-in chain in their order; those of others as iptables-save prints them, from `-A` on. */
export type Places = {
  readonly table: TableName;
  readonly chain: BuiltInChain;
  readonly rules: readonly Place[];
};

export type Place = { readonly kind: "ours"; readonly rule: Rule } | { readonly kind: "other"; readonly text: string };

/** A jump of ours, and the rules of others that have come before it. */
export type Overtaken = { readonly table: TableName; readonly jump: Jump; readonly by: readonly string[] };

/**
 * Jumps that rules of others came before since `before`, where that is not for the good of the node:
 *
 * - In the nat table, by any rule: it can only take traffic away from Services.
 * - In other tables, by a rule that was behind the jump: the jump was moved. A rule that is new there may be meant to refuse what ours would
 *   let through, and a rule that leads to a chain of others is how network policies keep themselves first: those stay.
 */
export function findOvertaken(before: readonly Places[], now: readonly Places[]): Overtaken[] {
  const known = new Map(before.map((places) => [keyOf(places), places]));
  return now.flatMap((places) => {
    const old = known.get(keyOf(places));
    return old === undefined ? [] : overtakenIn(old, places);
  });
}

/**
 * Puts each before whatever was behind it, or has overtaken it, and so where it was: rules of others between ours stay between them. The changes
 * count on each other, in their order.
 */
export function putBack(overtaken: readonly Overtaken[], before: readonly Places[], now: readonly Places[]): Change[] {
  const known = new Map(before.map((places) => [keyOf(places), places]));
  return now.flatMap((places): Change[] => {
    const moved = overtaken.filter((each) => keyOf({ table: each.table, chain: each.jump.from }) === keyOf(places));
    let rules = [...places.rules];
    return moved.map(({ table, jump: { from, rule }, by }) => {
      const behind = new Set([...by, ...textsBehind(known.get(keyOf(places))?.rules ?? [], rule)]);
      rules = rules.filter((place) => place.kind === "other" || place.rule !== rule);
      const first = rules.findIndex((place) => behind.has(textOf(place)));
      const at = first < 0 ? rules.length : first;
      rules.splice(at, 0, { kind: "ours", rule });
      return { kind: "move-jump", table, from, rule, at: at + 1 };
    });
  });
}

/** The places once jumps were inserted and moved so. */
export function placesAfter(now: readonly Places[], changes: readonly Change[]): Places[] {
  return now.map((places) => {
    let rules = [...places.rules];
    for (const change of changes) {
      if (change.kind !== "insert-jump" && change.kind !== "move-jump") continue;
      if (keyOf({ table: change.table, chain: change.from }) !== keyOf(places)) continue;
      const text = renderRule(change.rule);
      if (change.kind === "move-jump") rules = rules.filter((place) => textOf(place) !== text);
      rules.splice(change.kind === "move-jump" ? change.at - 1 : 0, 0, { kind: "ours", rule: change.rule });
    }
    return { ...places, rules };
  });
}

function textsBehind(rules: readonly Place[], rule: Rule): string[] {
  const at = rules.findIndex((place) => place.kind === "ours" && renderRule(place.rule) === renderRule(rule));
  return at < 0 ? [] : rules.slice(at + 1).map(textOf);
}

function textOf(place: Place): string {
  return place.kind === "ours" ? renderRule(place.rule) : place.text;
}

function overtakenIn(before: Places, now: Places): Overtaken[] {
  const found: Overtaken[] = [];
  const others: string[] = [];
  for (const place of now.rules) {
    if (place.kind === "other") {
      others.push(place.text);
      continue;
    }
    const old = around(before, place.rule);
    if (old === undefined) continue;
    const by = others.filter((text) => !old.above.includes(text) && mayBePassed(now.table, text, old.below));
    if (by.length > 0) found.push({ table: now.table, jump: { from: now.chain, rule: place.rule }, by });
  }
  return found;
}

function mayBePassed(table: TableName, text: string, below: readonly string[]): boolean {
  return table === "nat" || (below.includes(text) && !leadsToOthers(text));
}

/** Targets of its own that iptables has are in capitals; other agents' chains hardly ever are alone. */
function leadsToOthers(text: string): boolean {
  const target = /(?:^| )-[jg] (\S+)/.exec(text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""'))?.[1] ?? "";
  return !/^[A-Z]+$/.test(target);
}

/** The rules of others before and after a jump; undefined where it was not there. */
function around(places: Places, rule: Rule): { readonly above: string[]; readonly below: string[] } | undefined {
  const text = renderRule(rule);
  const at = places.rules.findIndex((place) => place.kind === "ours" && renderRule(place.rule) === text);
  if (at < 0) return undefined;
  const others = (list: readonly Place[]) => list.flatMap((place) => (place.kind === "other" ? [place.text] : []));
  return { above: others(places.rules.slice(0, at)), below: others(places.rules.slice(at + 1)) };
}

function keyOf({ table, chain }: Pick<Places, "table" | "chain">): string {
  return `${table} ${chain}`;
}
