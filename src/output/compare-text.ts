// A comparison for people. In: names of both sides, Comparison of each family. Out: text.
import type { Family } from "../../rules/index.ts";
import { endText, placeText, sourceText, tolerance, type Fate, type Outcome } from "../../rules/compare/fate.ts";
import type { Comparison, Difference } from "../../rules/compare/compare.ts";
import { unusedPort } from "../../rules/compare/destinations.ts";
import { percent } from "../../rules/trace/percent.ts";
import { isCertain, toNumber } from "../../rules/trace/fraction.ts";
import { hostPort } from "../../rules/net/ip.ts";
import { printable } from "../../rules/problem.ts";

export type ComparedFamily = { readonly family: Family; readonly comparison: Comparison };

/** What the sides are called. */
export type SideNames = { readonly a: string; readonly b: string };

/** A line for each family, and under it each destination whose packets fare differently: from whom, and what becomes of them on each side. */
export function renderCompareText(names: SideNames, compared: readonly ComparedFamily[]): string {
  return compared.map(({ family, comparison }) => renderFamily(names, family, comparison)).join("");
}

/** Destinations that are shown; of more only the number. */
const mostShown = 100;

/** Endpoints of one fate that are shown. */
const mostOutcomes = 6;

function renderFamily(names: SideNames, family: Family, { classes, differences, leftOut }: Comparison): string {
  const head =
    differences.length === 0
      ? `IPv${family}: the same fate for all ${count(classes)} classes of packets\n`
      : `IPv${family}: ${count(differences.length)} of ${count(classes)} classes of packets fare differently\n`;
  const groups = joined(groupByDestination(differences).map((group) => renderGroup(names, group)));
  const shown = groups.slice(0, mostShown).map(({ head, body }) => printableLines(`${head}\n${body}`));
  const more =
    groups.length > mostShown
      ? [`and ${count(groups.length - mostShown)} more destinations (-o json shows all)\n`]
      : [];
  const left = leftOut === 0 ? [] : [`${selfTraffic(leftOut)}\n`];
  return [head, ...shown, ...more, ...left].join("");
}

function selfTraffic(leftOut: number): string {
  return `not compared: what ${count(leftOut)} endpoints send to themselves through cluster IPs; manifests and --node-name would tell which are on this node`;
}

function groupByDestination(differences: readonly Difference[]): (readonly Difference[])[] {
  const groups = new Map<string, Difference[]>();
  for (const difference of differences) {
    const { ip, port, protocol } = difference.destination;
    const key = `${ip} ${port} ${protocol}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [difference]);
    else group.push(difference);
  }
  return [...groups.values()];
}

/** One destination: what it is, and who fares how. `alike`: the same for addresses that fare alike at ports that no rule names. */
type Group = { readonly head: string; readonly body: string; readonly ip: string; readonly alike: Alike | undefined };

type Alike = { readonly key: string; readonly ports: string; readonly body: string };

/** Addresses of Services come by the thousand, and where nothing but a mode differs all of them fare alike at other ports. */
function joined(groups: readonly Group[]): Pick<Group, "head" | "body">[] {
  const byKey = new Map<string, Group[]>();
  for (const group of groups) {
    const key = group.alike?.key ?? group.head;
    byKey.set(key, [...(byKey.get(key) ?? []), group]);
  }
  return [...byKey.values()].flatMap((members) => {
    const [first] = members;
    if (first?.alike === undefined || members.length === 1) return members;
    const ips = members.map(({ ip }) => ip);
    const rest = ips.length - mostOutcomes;
    const at = rest > 0 ? `${ips.slice(0, mostOutcomes).join(", ")} and ${count(rest)} more` : ips.join(", ");
    return [{ head: `${first.alike.ports} of ${at}`, body: first.alike.body }];
  });
}

/** Clients with the same fates on both sides share their lines. */
function renderGroup(names: SideNames, group: readonly Difference[]): Group {
  const [first] = group;
  if (first === undefined) throw new Error("bug: a group of nothing");
  const { name, ip, port, protocol } = first.destination;
  const place = `${hostPort(ip, port)}/${protocol.toUpperCase()}`;
  const alike = new Map<string, string[]>();
  const width = Math.max(names.a.length, names.b.length);
  for (const { client, again, state, a, b } of group) {
    const fates = `    ${names.a.padEnd(width)}  ${fateText(a)}\n    ${names.b.padEnd(width)}  ${fateText(b)}\n`;
    const later = state === undefined ? "" : `, ${state}`;
    const from = `${client.name}${again === undefined ? "" : `, that was at ${again} before`}${later}`;
    alike.set(fates, [...(alike.get(fates) ?? []), from]);
  }
  const lines = [...alike].map(([fates, clients]) => `  from ${clients.join("; ")}\n${fates}`);
  const body = lines.join("");
  const bare = body.replaceAll(`, to ${hostPort(ip, port)}`, "");
  const ports = `ports that no rule names (${port}/${protocol.toUpperCase()} for one)`;
  const isAlike = name === "" && port === unusedPort;
  return {
    head: name === "" ? place : `${name} ${place}`,
    body,
    ip,
    alike: isAlike ? { key: `${protocol}\n${bare}`, ports, body: bare } : undefined,
  };
}

/** `to 10.244.1.5:8080 or 10.244.1.6:8080, 50% each; dropped 0.1%`; the likeliest first. */
export function fateText(fate: Fate): string {
  const outcomes = [...fate.values()].sort((a, b) => toNumber(b.chance) - toNumber(a.chance));
  const alike = new Map<string, Outcome[]>();
  for (const outcome of outcomes) {
    const { end, conditions, heldSeconds } = outcome;
    const way = end.kind === "delivered" ? `${end.translated}${sourceText(end.source)}` : endText(end);
    const key = [way, shareText(outcome), conditions, heldSeconds].join("|");
    alike.set(key, [...(alike.get(key) ?? []), outcome]);
  }
  return [...alike.values()].map(alikeText).join("; ");
}

/** Outcomes that differ only in the endpoint. */
function alikeText(outcomes: readonly Outcome[]): string {
  const [first, ...more] = outcomes;
  if (first === undefined) return "";
  const share = shareText(first);
  const condition = first.conditions === "" ? "" : `${first.conditions}: `;
  const held = first.heldSeconds === undefined ? "" : ` (within ${first.heldSeconds} s)`;
  if (first.end.kind !== "delivered" || more.length === 0)
    return `${condition}${endText(first.end)}${share === "" ? "" : ` ${share}`}${held}`;
  const places = outcomes.flatMap(({ end }) => (end.kind === "delivered" ? [placeText(end)] : []));
  const to = first.end.translated ? "to" : "passed on as it is, to";
  const each = share === "" ? "" : `, ${share} each`;
  return `${condition}${to} ${listText(places)}${each}${sourceText(first.end.source)}${held}`;
}

/** Empty where nothing else can happen, within what the kernel's own rounding leaves. */
function shareText({ chance }: Outcome): string {
  return isCertain(chance) || 1 - toNumber(chance) < tolerance ? "" : percent(chance);
}

function listText(places: readonly string[]): string {
  const shown = places.slice(0, mostOutcomes);
  const rest = places.length - shown.length;
  if (rest > 0) return `${shown.join(", ")} and ${count(rest)} more`;
  return `${shown.slice(0, -1).join(", ")} or ${shown.at(-1) ?? ""}`;
}

function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

function count(number: number): string {
  return number.toLocaleString("en-US");
}
