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
 * Puts each first again, and with it the jumps that it stands behind, whose order matters: the last of a chain before the first, so that they
 * end up in the order that they are in.
 */
export function moveToFront(overtaken: readonly Overtaken[], now: readonly Places[]): Change[] {
  return now.flatMap(({ table, chain: from, rules }) => {
    const moved = overtaken.filter((each) => each.table === table && each.jump.from === from);
    const last = rules.findLastIndex(
      (place) => place.kind === "ours" && moved.some(({ jump }) => jump.rule === place.rule),
    );
    return rules
      .slice(0, last + 1)
      .flatMap((place): Change[] =>
        place.kind === "ours" ? [{ kind: "move-jump", table, from, rule: place.rule }] : [],
      )
      .toReversed();
  });
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

function keyOf({ table, chain }: Places): string {
  return `${table} ${chain}`;
}
