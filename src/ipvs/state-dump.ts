// A node's whole state in one text. In: outputs of iptables-save, ip6tables-save, ipset save, ip -j addr and ipvsadm -Sn, in any order. Out: each by itself.
import type { Family } from "../../rules/index.ts";
import { splitDumps } from "../kernel/dump.ts";
import type { StateTexts } from "./observe.ts";

/** What a dump holds; `rules` as `splitDumps` gives them. Of a tool whose output is not in it there is nothing: "". */
export type StateDump = Omit<StateTexts, "rules"> & { readonly rules: Readonly<Partial<Record<Family, string>>> };

/**
 * Tells the tools' lines by their first words: `create` and `add` are ipset's, `-A` and `-a` before an option ipvsadm's (iptables has a
 * chain there), and ip prints one line, a list in brackets; all others are iptables-save's.
 */
export function splitState(text: string): StateDump {
  const parts: Record<Tool, string[]> = { rules: [], sets: [], addresses: [], servers: [] };
  for (const line of text.split("\n")) parts[toolOf(line)].push(line);
  const joined = (tool: Tool) => parts[tool].map((line) => `${line}\n`).join("");
  return {
    rules: splitDumps(parts.rules.join("\n")),
    sets: joined("sets"),
    addresses: joined("addresses"),
    servers: joined("servers"),
  };
}

type Tool = "rules" | "sets" | "addresses" | "servers";

function toolOf(line: string): Tool {
  if (/^(create|add) \S/.test(line)) return "sets";
  if (/^-[Aa] -/.test(line)) return "servers";
  return line.startsWith("[") ? "addresses" : "rules";
}
