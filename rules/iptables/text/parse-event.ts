// What xtables-monitor says of others' doings. In: a line of `xtables-monitor --event`. Out: RulesetEvent.
import { builtInChains, ownedByUs, tableNames } from "./parse.ts";

/**
 * `generation`: a commit is over; all its other lines came before. `ours`: it changed a chain that we own, or a built-in one, where our jumps
 * are; also anything that is not understood. `others`: it changed what is none of our business.
 * Source: xtables-monitor(8), iptables 1.8.9 xtables-monitor.c.
 */
export type RulesetEvent = "generation" | "ours" | "others";

/** ` EVENT: -4 -t nat -A KUBE-SERVICES ...`, `NEWGEN: GENID=7 PID=1 NAME=iptables-nft-re`. */
export function parseEvent(line: string): RulesetEvent {
  if (line.startsWith("NEWGEN")) return "generation";
  const found = /^ EVENT: -[046] -t (\S+) -\S+ (\S+)/.exec(line);
  if (found === null) return "ours";
  const [, name = "", chain = ""] = found;
  const table = tableNames.find((each) => each === name);
  if (table === undefined) return "others";
  return ownedByUs(chain, table) || builtInChains.some((each) => each === chain) ? "ours" : "others";
}
