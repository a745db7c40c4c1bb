// A comparison for people. In: names of both sides, Comparison of each family. Out: text.
import type { Family } from "../../rules/index.ts";
import { tolerance, endText, type Fate } from "../../rules/compare/fate.ts";
import type { Comparison, Difference } from "../../rules/compare/compare.ts";
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

/** Outcomes of one fate that are shown. */
const mostOutcomes = 6;

function renderFamily(names: SideNames, family: Family, { classes, differences, leftOut }: Comparison): string {
  const head =
    differences.length === 0
      ? `IPv${family}: the same fate for all ${count(classes)} classes of packets\n`
      : `IPv${family}: ${count(differences.length)} of ${count(classes)} classes of packets fare differently\n`;
  const groups = groupByDestination(differences);
  const shown = groups.slice(0, mostShown).map((group) => renderGroup(names, group));
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

/** Clients with the same fates on both sides share their lines. */
function renderGroup(names: SideNames, group: readonly Difference[]): string {
  const [first] = group;
  if (first === undefined) return "";
  const { name, ip, port, protocol } = first.destination;
  const place = `${hostPort(ip, port)}/${protocol.toUpperCase()}`;
  const alike = new Map<string, string[]>();
  const width = Math.max(names.a.length, names.b.length);
  for (const { client, again, a, b } of group) {
    const fates = `    ${names.a.padEnd(width)}  ${fateText(a)}\n    ${names.b.padEnd(width)}  ${fateText(b)}\n`;
    const from = `${client.name}${again === undefined ? "" : `, that was at ${again} before`}`;
    alike.set(fates, [...(alike.get(fates) ?? []), from]);
  }
  const lines = [...alike].map(([fates, clients]) => `  from ${clients.join("; ")}\n${fates}`);
  return printableLines(`${name === "" ? place : `${name} ${place}`}\n${lines.join("")}`);
}

/** `to 10.244.1.5:8080 50%, to 10.244.1.6:8080 50%`; the likeliest first. */
export function fateText(fate: Fate): string {
  const outcomes = [...fate.values()].sort((a, b) => toNumber(b.chance) - toNumber(a.chance));
  const texts = outcomes.map(({ end, chance, conditions, heldSeconds }) => {
    const share = isCertain(chance) || 1 - toNumber(chance) < tolerance ? "" : ` ${percent(chance)}`;
    const held = heldSeconds === undefined ? "" : ` (within ${heldSeconds} s)`;
    return `${conditions === "" ? "" : `${conditions}: `}${endText(end)}${share}${held}`;
  });
  const more = texts.length > mostOutcomes ? [`and ${texts.length - mostOutcomes} more`] : [];
  return [...texts.slice(0, mostOutcomes), ...more].join("; ");
}

function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

function count(number: number): string {
  return number.toLocaleString("en-US");
}
