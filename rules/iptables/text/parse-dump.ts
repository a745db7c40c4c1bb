// Whatever iptables-save says, of anyone's. In: lines of one family's dump with their numbers. Out: Dump, every table and chain; problems by line.
import type { Family } from "../../net/ip.ts";
import { quoted } from "../../problem.ts";
import type { Rule } from "../ruleset/rule.ts";
import { parseRule } from "./parse-rule.ts";
import { splitWords } from "./quote.ts";

/** All tables of one family, ours and others'. */
export type Dump = { readonly family: Family; readonly tables: ReadonlyMap<string, DumpTable> };

export type DumpTable = { readonly name: string; readonly chains: ReadonlyMap<string, DumpChain> };

export type DumpChain = {
  readonly name: string;
  /** Of a built-in chain: what becomes of packets that no rule decides. Absent: a chain that rules jump to. */
  readonly policy: "ACCEPT" | "DROP" | undefined;
  readonly rules: readonly DumpRule[];
};

/** `line` counts from 1 in the text that the dump was read from. */
export type DumpRule = { readonly line: number; readonly rule: Rule };

/** A line that cannot be what iptables-save printed; nothing can be said of rules that are read in part. */
export type DumpProblem = { readonly code: string; readonly line: number; readonly text: string };

export type DumpLine = { readonly number: number; readonly text: string };

/**
 * Reads tables (`*nat` to `COMMIT`), chains (`:NAME POLICY [packets:bytes]`) and rules (`-A`, also `-I CHAIN 1` and the counters of
 * `-c`). Comments and empty lines are passed over; any other line is a problem. Built-in chains need no line of their own, as in
 * scripts for `--noflush`; a chain with two lines is a problem, since two dumps of one table cannot be taken together.
 * Source: iptables-save(8), iptables-restore(8).
 */
export function parseDump(lines: Iterable<DumpLine>, family: Family): { dump: Dump; problems: readonly DumpProblem[] } {
  const reader: Reader = { tables: new Map(), table: undefined, problems: [] };
  let last = 0;
  for (const { number, text } of lines) {
    last = number;
    readLine(reader, number, text.endsWith("\r") ? text.slice(0, -1) : text);
  }
  if (reader.table !== undefined)
    report(reader, last, ["table-not-closed", `the table ${quoted(reader.table.name)} has no COMMIT: the text is cut`]);
  const dump = { family, tables: reader.tables };
  return { dump, problems: reader.problems.length > 0 ? reader.problems : findLoops(dump) };
}

/** Chains that every table has, whoever filled it. */
export const builtInChains: ReadonlySet<string> = new Set(["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"]);

/** `line`: of its `:NAME`; undefined where it has none yet. */
type Draft = {
  readonly name: string;
  policy: DumpChain["policy"];
  line: number | undefined;
  readonly rules: DumpRule[];
};
type DraftTable = { readonly name: string; readonly chains: Map<string, Draft> };
type Reader = {
  readonly tables: Map<string, DraftTable>;
  table: DraftTable | undefined;
  readonly problems: DumpProblem[];
};

function report(reader: Reader, line: number, [code, text]: readonly [string, string]): void {
  reader.problems.push({ code, line, text });
}

function readLine(reader: Reader, number: number, text: string): void {
  if (text === "" || text.startsWith("#")) {
    const foreign = /^# Table `(\w+)' is incompatible/.exec(text);
    if (foreign !== null)
      report(reader, number, [
        "unreadable-table",
        `the table ${foreign[1] ?? ""} holds rules of the nft tool, which iptables-save leaves out`,
      ]);
    return;
  }
  if (text.startsWith("*")) {
    openTable(reader, number, text.slice(1));
    return;
  }
  if (reader.table === undefined) {
    report(reader, number, [
      "outside-table",
      `${quoted(text)} stands outside a table, must come after *nat or the like`,
    ]);
    return;
  }
  if (text === "COMMIT") reader.table = undefined;
  else if (text.startsWith(":")) declare(reader, reader.table, { number, text });
  else addRule(reader, reader.table, { number, text });
}

function openTable(reader: Reader, number: number, name: string): void {
  if (reader.table !== undefined)
    report(reader, number, [
      "table-not-closed",
      `the table ${quoted(reader.table.name)} has no COMMIT before the next begins`,
    ]);
  if (!/^(raw|mangle|nat|filter|security)$/.test(name))
    report(reader, number, [
      "unknown-table",
      `${quoted(name)} is no table, must be raw, mangle, nat, filter or security`,
    ]);
  const table = reader.tables.get(name) ?? { name, chains: new Map<string, Draft>() };
  reader.tables.set(name, table);
  reader.table = table;
}

function declare(reader: Reader, table: DraftTable, { number, text }: DumpLine): void {
  const found = /^:(\S{1,28}) (-|ACCEPT|DROP)(?: \[\d+:\d+\])?$/.exec(text);
  const name = found?.[1];
  if (name === undefined) {
    report(reader, number, ["not-a-chain", `${quoted(text)} is no chain, must be :NAME POLICY [packets:bytes]`]);
    return;
  }
  const policy =
    found?.[2] === "DROP" ? "DROP" : found?.[2] === "ACCEPT" || builtInChains.has(name) ? "ACCEPT" : undefined;
  const known = table.chains.get(name);
  if (known === undefined) table.chains.set(name, { name, policy, line: number, rules: [] });
  else if (known.line !== undefined)
    report(reader, number, [
      "duplicate-chain",
      `the chain ${quoted(name)} of the table ${table.name} was on line ${known.line} already: are there two dumps in one?`,
    ]);
  else {
    known.policy = policy;
    known.line = number;
  }
}

function addRule(reader: Reader, table: DraftTable, { number, text }: DumpLine): void {
  const line = text.startsWith("[") ? text.slice(text.indexOf("]") + 2) : text;
  const [flag, name = "", ...rest] = splitWords(line);
  if (flag !== "-A" && flag !== "-I") {
    report(reader, number, ["not-a-rule", `${quoted(text)} is nothing that iptables-save prints`]);
    return;
  }
  let chain = table.chains.get(name);
  if (chain === undefined && builtInChains.has(name)) {
    chain = { name, policy: "ACCEPT", line: undefined, rules: [] };
    table.chains.set(name, chain);
  }
  if (chain === undefined) {
    report(reader, number, ["chain-not-declared", `the chain ${quoted(name)} has a rule, but no line of its own`]);
    return;
  }
  if (unevenQuotes(line)) {
    report(reader, number, ["open-quotes", `${quoted(text)} has quotes that do not close`]);
    return;
  }
  const first = flag === "-I";
  const place = first && /^\d+$/.test(rest[0] ?? "") ? rest.shift() : undefined;
  if (place !== undefined && place !== "1") {
    report(reader, number, ["not-a-rule", `${quoted(text)} goes to place ${quoted(place)}, must be 1`]);
    return;
  }
  const rule = { line: number, rule: parseRule(rest) };
  if (first) chain.rules.unshift(rule);
  else chain.rules.push(rule);
}

function unevenQuotes(line: string): boolean {
  return line.includes('"') && (line.replaceAll(/\\./g, "").split('"').length & 1) === 0;
}

/** Chains that lead back to themselves. No kernel takes them (ELOOP), so a dump that has them was made or cut by hand. */
function findLoops({ tables }: Dump): DumpProblem[] {
  const problems: DumpProblem[] = [];
  for (const { chains } of tables.values()) {
    const done = new Set<DumpChain>();
    for (const start of chains.values()) {
      const path: { readonly chain: DumpChain; at: number }[] = [{ chain: start, at: 0 }];
      const onPath = new Set([start]);
      for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
        const step = done.has(top.chain) ? undefined : top.chain.rules[top.at++];
        if (step === undefined) {
          path.pop();
          onPath.delete(top.chain);
          done.add(top.chain);
          continue;
        }
        const next = chains.get(calledChain(step.rule) ?? "");
        if (next === undefined) continue;
        if (onPath.has(next)) {
          const text = `the chain ${quoted(top.chain.name)} leads back to ${quoted(next.name)}, which led to it: no kernel takes a loop`;
          problems.push({ code: "chain-loop", line: step.line, text });
        } else {
          path.push({ chain: next, at: 0 });
          onPath.add(next);
        }
      }
    }
  }
  return problems;
}

/** The name after `-j` or `-g` where the rule may lead to a chain of that name. */
export function calledChain({ target }: Rule): string | undefined {
  if (target?.kind === "jump") return target.chain;
  return target?.kind === "other" && target.words[0] === "-g" ? target.words[1] : undefined;
}
