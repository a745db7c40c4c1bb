// Where two sources of rules part on one packet. In: the branches of each. Out: PartingReason.
import { percent } from "../trace/percent.ts";
import { hostPort } from "../net/ip.ts";
import { never } from "../never.ts";
import { renderRule, ruleLine } from "../iptables/text/render-rule.ts";
import type { Rule } from "../iptables/ruleset/rule.ts";
import type { Branch } from "../trace/trace.ts";
import type { End } from "../trace/end.ts";
import { toNumber } from "../trace/fraction.ts";
import type { Hop } from "../trace/traveller.ts";
import { endKey, findCases, type Case, type Outcome } from "./outcomes.ts";
import type { PartingReason, Stop } from "./reason/parting-reason.ts";

/** The branches of one source, and what it is called. */
export type Walked = { readonly source: string; readonly branches: readonly Branch[] };

/** Chances that differ by less are the same: layouts round them differently. */
const tolerance = 1e-4;

/** The first outcome that comes about differently often, and the rules by which the two ways part. */
export function findParting(first: Walked, second: Walked): PartingReason {
  const differing = firstDifference(findCases(first.branches), findCases(second.branches));
  const names = { first: first.source, second: second.source };
  if (differing === undefined) return { code: "sources-agree", ...names };
  const { end, one, other } = differing;
  const outcome = { end: endText(end), first: shareText(one), second: shareText(other) };
  return { code: "sources-part", ...names, outcome, stops: stopsOf(first.branches, second.branches, differing) };
}

type Difference = { readonly end: End; readonly one: Outcome | undefined; readonly other: Outcome | undefined };

/** Cases are compared in their order: which answers they hang on is told by texts, and those differ between layouts. */
function firstDifference(ones: readonly Case[], others: readonly Case[]): Difference | undefined {
  const most = Math.max(ones.length, others.length);
  for (let at = 0; at < most; at++) {
    const [left, right] = [byEnd(ones[at] ?? ones.at(-1)), byEnd(others[at] ?? others.at(-1))];
    for (const key of [...new Set([...left.keys(), ...right.keys()])].sort()) {
      const [one, other] = [left.get(key), right.get(key)];
      const end = (one ?? other)?.end;
      if (end !== undefined && !isAsOften(one, other)) return { end, one, other };
    }
  }
  return undefined;
}

function byEnd(found: Case | undefined): Map<string, Outcome> {
  return new Map((found?.outcomes ?? []).map((outcome) => [endKey(outcome.end), outcome]));
}

/** What only a scheduler knows is as often as what another one knows: how often is not told of either. */
function isAsOften(one: Outcome | undefined, other: Outcome | undefined): boolean {
  if (one !== undefined && other !== undefined && (one.chance === undefined || other.chance === undefined))
    return one.chance === other.chance;
  return one !== undefined && other !== undefined
    ? Math.abs(chanceOf(one) - chanceOf(other)) <= tolerance
    : Math.max(chanceOf(one), chanceOf(other)) <= tolerance;
}

/** What is not known counts as all of it: it comes about. */
function chanceOf(outcome: Outcome | undefined): number {
  return outcome === undefined ? 0 : outcome.chance === undefined ? 1 : toNumber(outcome.chance);
}

function shareText(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "0%";
  return outcome.chance === undefined ? "some, as a scheduler chooses," : percent(outcome.chance);
}

/** The way that ends so, in the source where that comes about more often, beside the way of the other source that is longest like it. */
function stopsOf(
  first: readonly Branch[],
  second: readonly Branch[],
  { one, other }: Difference,
): { first: Stop; second: Stop } {
  const isFirst = chanceOf(one) >= chanceOf(other);
  const told = (isFirst ? one : other)?.branch.hops ?? [];
  const like = longestLike(told, isFirst ? second : first);
  const at = commonLength(told, like);
  const [mine, theirs] = [stopAt(told, at), stopAt(like, at)];
  return isFirst ? { first: mine, second: theirs } : { first: theirs, second: mine };
}

function longestLike(hops: readonly Hop[], branches: readonly Branch[]): readonly Hop[] {
  let best: readonly Hop[] = [];
  let most = -1;
  for (const branch of branches) {
    const length = commonLength(hops, branch.hops);
    if (length > most) [best, most] = [branch.hops, length];
  }
  return best;
}

function commonLength(one: readonly Hop[], other: readonly Hop[]): number {
  let at = 0;
  while (at < one.length && at < other.length && hopKey(one[at]) === hopKey(other[at])) at++;
  return at;
}

/** Lines differ from dump to dump, and comments and chances do not tell where a packet goes. */
function hopKey(hop: Hop | undefined): string {
  return hop === undefined
    ? ""
    : `${hop.table} ${hop.chain} ${hop.rule === undefined ? hop.does : renderRule(bare(hop.rule))}`;
}

function bare(rule: Rule): Rule {
  return { ...rule, matches: rule.matches.filter(({ kind }) => kind !== "comment" && kind !== "statistic") };
}

function stopAt(hops: readonly Hop[], at: number): Stop {
  const hop = hops[at];
  if (hop === undefined) return undefined;
  const { table, chain, line, rule, does } = hop;
  return {
    where: `${table} ${chain}${line === undefined ? "" : ` line ${line}`}`,
    text: rule === undefined ? does : ruleLine(chain, rule),
  };
}

/** `to 10.244.0.5:8080, source kept`, for a sentence. */
export function endText(end: End): string {
  switch (end.kind) {
    case "delivered": {
      const at = end.port === undefined ? end.to : hostPort(end.to, end.port);
      return `to ${at}${end.translated ? "" : " as sent"}, source ${end.source.kind}`;
    }
    case "rejected":
      return `refused with ${end.with}`;
    case "dropped":
      return "dropped";
    case "undecided":
      return `hangs on ${end.on}`;
    default:
      return never(end);
  }
}
