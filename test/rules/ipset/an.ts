// Makes what tests of rules/ipset/ need. In: short text. Out: lines, sets, values.
import { parseIp, type Ip } from "../../../rules/net/ip.ts";
import type { SetValue } from "../../../rules/ipset/holds.ts";
import { parseSets, type SetProblem } from "../../../rules/ipset/parse.ts";
import type { IpSet } from "../../../rules/ipset/set.ts";

export type Parsed = { readonly sets: ReadonlyMap<string, IpSet>; readonly problems: readonly SetProblem[] };

/** Parses a text whose lines count from 1. */
export function parseText(text: string): Parsed {
  return parseSets(text.split("\n").map((line, at) => ({ number: at + 1, text: line })));
}

/** A set `s` of this type and options, with these entries and their options; throws on any problem. */
export function aSet(create: string, ...entries: readonly string[]): IpSet {
  const { sets, problems } = parseText([`create s ${create}`, ...entries.map((entry) => `add s ${entry}`)].join("\n"));
  const set = sets.get("s");
  if (set === undefined || problems.length > 0) throw new Error(`bug: ${JSON.stringify(problems)}`);
  return set;
}

export function anIp(text: string): Ip {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`bug: ${text} is no address`);
  return ip;
}

/**
 * Values from words: an address; `tcp:80`, `icmp:2048`, `tcp:?`; `@eth0`, `@?`; `#255`, `#?`; `?`. A `?` is what is not known.
 */
export function values(...words: readonly string[]): SetValue[] {
  return words.map((word) => {
    if (word === "?") return { kind: "unknown" };
    if (word.startsWith("@")) return { kind: "iface", name: word === "@?" ? undefined : word.slice(1) };
    if (word.startsWith("#")) return { kind: "mark", mark: word === "#?" ? undefined : Number(word.slice(1)) };
    const [, protocol, port] = /^([a-z][\w.-]*|\d+):(\d+|\?)$/.exec(word) ?? [];
    if (protocol === undefined || parseIp(word) !== undefined) return { kind: "ip", ip: anIp(word) };
    return { kind: "port", protocol, port: port === "?" ? undefined : Number(port) };
  });
}
