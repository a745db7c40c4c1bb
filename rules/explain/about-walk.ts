// What the rules do, and whose rules decide. In: the branches of one probe, the rules, what the objects lead to expect. Out: WalkReason[].
import { percent } from "../trace/percent.ts";
import { serviceOf } from "../iptables/text/parse.ts";
import { calledChain } from "../iptables/text/parse-dump.ts";
import { ruleLine } from "../iptables/text/render-rule.ts";
import { isLoopback } from "../net/ip.ts";
import { never } from "../never.ts";
import type { Branch } from "../trace/trace.ts";
import type { Firewall } from "../trace/firewall.ts";
import { isCertain, type Fraction } from "../trace/fraction.ts";
import { isPolicy } from "../trace/traveller.ts";
import type { Probe } from "./probes.ts";
import { findCases, place, type Case, type Outcome } from "./outcomes.ts";
import {
  acceptsEarly,
  ending,
  isBalancing,
  isBeforeRouting,
  placeHops,
  targetOf,
  translation,
  whoseChain,
  type PlacedHop,
} from "./placed-hop.ts";
import type { RuleText, Seen, ServerText, WalkReason, When } from "./reason/walk-reason.ts";

/** What the objects lead to expect of a probe; undefined where they are not known or say nothing of it. */
export type Expected = "balance" | "refuse" | "drop" | undefined;

/** Endpoints that a sentence names at most. */
const mostNamed = 8;

/** First whose rules decide, where they are not the Services' own; then what comes about, case by case. */
export function aboutWalk(
  branches: readonly Branch[],
  probe: Probe,
  rules: { readonly firewall: Firewall; readonly expected: Expected },
): WalkReason[] {
  const cases = findCases(branches);
  const thieves = once([...branches.flatMap((branch) => interference(branch, rules, probe))]);
  return [
    ...missing(branches, probe, rules),
    ...thieves,
    ...dependsOn(cases),
    ...cases.flatMap((each) => caseReasons(each)),
  ];
}

type Rules = Parameters<typeof aboutWalk>[2];

/** What is not there that should be. */
function missing(
  branches: readonly Branch[],
  { destination, packet }: Probe,
  { firewall, expected }: Rules,
): WalkReason[] {
  if (destination.service === undefined && expected === undefined && destination.kind === "address") return [];
  const nat = firewall.dump.tables.get("nat")?.chains;
  if (nat?.has("KUBE-SERVICES") !== true) return [{ code: "no-service-rules" }];
  const hook = packet.origin === "node" ? "OUTPUT" : "PREROUTING";
  const jumps = nat.get(hook)?.rules.some(({ rule }) => calledChain(rule) === "KUBE-SERVICES") ?? false;
  if (!jumps) return [{ code: "no-jump", chain: hook }];
  const { ip, port, service } = destination;
  const isUnknown = branches.every(
    ({ end, hops }) => end.kind === "delivered" && !end.translated && !placeHops(hops).some(isEarlyEnd),
  );
  if (!isUnknown || service === undefined || expected !== "balance") return [];
  return [{ code: "service-not-in-rules", service, at: `${ip} port ${port}` }];
}

function isEarlyEnd(each: PlacedHop): boolean {
  return each.hop.table === "nat" && isBeforeRouting(each.hook) && each.foreign && acceptsEarly(each);
}

/** Rules of others on one branch, and the kernel's own refusals. */
function interference(branch: Branch, { firewall, expected }: Rules, { packet }: Probe): WalkReason[] {
  const placed = placeHops(branch.hops);
  const found: WalkReason[] = [];
  const chosen = translation(placed);
  if (chosen?.foreign === true)
    found.push({ code: "foreign-translates", rule: ruleText(chosen), before: isBeforeOurs(chosen, firewall) });
  const early = placed.find((each) => isEarlyEnd(each) && isBeforeOurs(each, firewall));
  if (early !== undefined) found.push({ code: "foreign-ends-nat", rule: ruleText(early), hook: early.hook });
  found.push(...sourceInterference(placed, firewall));
  const passed = placed.find(({ hop, foreign }) => hop.table === "filter" && foreign && targetOf(hop) === "ACCEPT");
  if (branch.end.kind === "delivered" && (expected === "refuse" || expected === "drop") && passed !== undefined)
    found.push({ code: "foreign-accepts", rule: ruleText(passed) });
  if (branch.end.kind === "dropped" || branch.end.kind === "rejected")
    found.push(...endInterference(branch, ending(branch), packet.destination));
  return found;
}

/** Who had a say in the source, where it was not our rules alone. */
function sourceInterference(placed: readonly PlacedHop[], firewall: Firewall): WalkReason[] {
  const rewriting = placed.find(
    ({ hop, hook, foreign }) =>
      hop.table === "nat" && !isBeforeRouting(hook) && foreign && /^(SNAT|MASQUERADE)\b/.test(targetOf(hop)),
  );
  if (rewriting !== undefined) return [{ code: "foreign-rewrites-source", rule: ruleText(rewriting) }];
  const early = placed.find(
    (each) =>
      each.hop.table === "nat" &&
      each.hook === "POSTROUTING" &&
      each.foreign &&
      acceptsEarly(each) &&
      isBeforeOurs(each, firewall),
  );
  // Only what our rules marked would have had its source rewritten.
  const marked = placed.some(({ hop }) => hop.chain === "KUBE-MARK-MASQ");
  return early === undefined || !marked ? [] : [{ code: "foreign-ends-nat", rule: ruleText(early), hook: early.hook }];
}

function endInterference(
  branch: Branch,
  last: PlacedHop | undefined,
  ip: Probe["packet"]["destination"],
): WalkReason[] {
  if (branch.end.kind === "dropped" && isKernelDrop(last))
    return isLoopback(ip) ? [{ code: "kernel-drops-loopback", ip }] : [];
  if (last === undefined) return [];
  if (isPolicy(last.hop)) return [{ code: "policy-drops", table: last.hop.table, chain: last.hop.chain }];
  if (!last.foreign) return [];
  return [{ code: branch.end.kind === "dropped" ? "foreign-drops" : "foreign-refuses", rule: ruleText(last) }];
}

/** No rule said so: the last that took part let it go on. */
function isKernelDrop(last: PlacedHop | undefined): boolean {
  return last === undefined || (!isPolicy(last.hop) && !/^(DROP|REJECT)\b/.test(targetOf(last.hop)));
}

/** Whether the built-in chain's rule that leads to ours comes after this one. */
function isBeforeOurs({ hop, hook, entry }: PlacedHop, { dump }: Firewall): boolean {
  const rules = dump.tables.get(hop.table)?.chains.get(hook)?.rules ?? [];
  const wanted = hook === "POSTROUTING" ? "KUBE-POSTROUTING" : "KUBE-SERVICES";
  const at = rules.findIndex(({ line }) => line === (entry ?? hop).line);
  return rules.findIndex(({ rule }) => calledChain(rule) === wanted) > at && at >= 0;
}

function dependsOn(cases: readonly Case[]): WalkReason[] {
  const conditions = cases.flatMap(({ when }) => when.flat());
  if (conditions.length === 0) return [];
  const on = new Map(conditions.map(({ on: text, line }) => [text, { text, line }]));
  return [{ code: "depends-on", on: [...on.values()] }];
}

function caseReasons({ when: sets, outcomes }: Case): WalkReason[] {
  const when = sets.map((set) => set.map(({ on, holds }) => ({ on, holds })));
  const reached = outcomes.filter(({ end }) => end.kind === "delivered" && end.translated);
  const others = outcomes.filter((outcome) => !reached.includes(outcome));
  return [...(reached.length > 0 ? [goesTo(when, reached)] : []), ...others.map((outcome) => otherEnd(when, outcome))];
}

function goesTo(when: When, outcomes: readonly Outcome[]): WalkReason {
  const shares = new Map<string, Fraction | undefined>();
  for (const { end, chance } of outcomes)
    if (end.kind === "delivered" && !shares.has(place(end))) shares.set(place(end), chance);
  const all = [...shares].map(([at, chance]) => ({ at, share: shareOf(chance) }));
  const chooser = outcomes.flatMap(({ branch }) => branch.conditions).find(({ choice }) => choice === true);
  return {
    code: "goes-to",
    when,
    to: all.slice(0, mostNamed),
    more: Math.max(0, all.length - mostNamed),
    source: seenBy(outcomes),
    service: serviceIn(outcomes[0]?.branch),
    server: serverIn(outcomes[0]?.branch),
    chooser: chooser?.on.split(" ", 1)[0],
  };
}

function otherEnd(when: When, { end, chance, branch }: Outcome): WalkReason {
  const share = shareOf(chance);
  const last = ending(branch);
  const by = last === undefined ? undefined : ruleText(last);
  const service = last?.hop.rule === undefined ? undefined : serviceOf(last.hop.rule);
  switch (end.kind) {
    case "delivered":
      return {
        code: "not-translated",
        when,
        at: place(end),
        here: end.here,
        share,
        source: seenBy([{ end, chance, branch }]),
      };
    case "rejected":
      return { code: "refused", when, with: end.with, share, by, service };
    case "dropped":
      return { code: "dropped", when, share, by: isKernelDrop(last) ? undefined : by, service };
    case "undecided":
      return { code: "undecided", when, on: end.on, share };
    default:
      return never(end);
  }
}

function seenBy(outcomes: readonly Outcome[]): Seen {
  const sources = outcomes.flatMap(({ end }) => (end.kind === "delivered" ? [end.source] : []));
  const rewritten = sources.flatMap((source) => (source.kind === "rewritten" ? [source] : []));
  if (rewritten.length === 0) return { kind: "kept", as: undefined };
  if (rewritten.length < sources.length) return { kind: "mixed", as: undefined };
  const ips = new Set(rewritten.map(({ to }) => to));
  return { kind: "rewritten", as: ips.size === 1 ? rewritten[0]?.to : undefined };
}

/** The virtual server that the packet came to. */
function serverIn(branch: Branch | undefined): ServerText | undefined {
  const found = branch?.hops.find((hop) => isBalancing(hop));
  return found && { line: found.line, text: found.does };
}

function serviceIn(branch: Branch | undefined): string | undefined {
  const named = (branch?.hops ?? []).flatMap(({ rule }) => (rule === undefined ? [] : (serviceOf(rule) ?? [])));
  return named.at(-1);
}

function shareOf(chance: Fraction | undefined): string | undefined {
  return chance === undefined || isCertain(chance) ? undefined : percent(chance);
}

function ruleText({ hop, entry, foreign }: PlacedHop): RuleText {
  const { table, chain, line, rule } = hop;
  const called = hop.does.startsWith("-j ") ? whoseChain(targetOf(hop)) : undefined;
  return {
    table,
    chain,
    line,
    text: isBalancing(hop) ? hop.does : rule === undefined ? `policy of ${chain}` : ruleLine(chain, rule),
    by: entry === undefined ? undefined : `${entry.chain}${entry.line === undefined ? "" : ` line ${entry.line}`}`,
    whose: foreign ? (whoseChain(chain) ?? called) : undefined,
  };
}

function once(reasons: readonly WalkReason[]): WalkReason[] {
  return [...new Map(reasons.map((reason) => [JSON.stringify(reason), reason])).values()];
}
