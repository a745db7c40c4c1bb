// A node's whole state in one text. In: outputs of iptables-save, ip6tables-save, ipset save, ip -j addr and ipvsadm -Sn, in any order, or one of our own plans. Out: each by itself.
import { serviceDevice, type Family } from "../../rules/index.ts";
import { splitDumps } from "../kernel/dump.ts";
import type { StateTexts } from "./observe.ts";

/** What a dump holds; `rules` as `splitDumps` gives them. Of a tool whose output is not in it there is nothing: "". */
export type StateDump = Omit<StateTexts, "rules"> & { readonly rules: Readonly<Partial<Record<Family, string>>> };

/**
 * Tells the tools' lines by their first words: `create` and `add` are ipset's, `-A` and `-a` before an option ipvsadm's (iptables has a
 * chain there), and ip prints one line, a list of objects in brackets; all others are iptables-save's. In our own plans ip's lines make the device
 * and put addresses on it. Comments are dropped but for those that tell iptables' families apart.
 */
export function splitState(text: string): StateDump {
  const parts: Record<Part, string[]> = { rules: [], sets: [], addresses: [], planned: [], servers: [], none: [] };
  for (const line of text.split("\n")) parts[partOf(line)].push(line);
  const joined = (part: Part) => parts[part].map((line) => `${line}\n`).join("");
  return {
    rules: splitDumps(parts.rules.join("\n")),
    sets: joined("sets"),
    addresses: parts.planned.length === 0 ? joined("addresses") : plannedAddresses(parts.planned),
    servers: joined("servers"),
  };
}

type Part = "rules" | "sets" | "addresses" | "planned" | "servers" | "none";

function partOf(line: string): Part {
  if (/^(create|add) \S/.test(line)) return "sets";
  if (/^-[Aa] -/.test(line)) return "servers";
  if (/^(link|address) \S/.test(line)) return "planned";
  if (/^#(?!.*\bip6?tables-)/.test(line)) return "none";
  // Counters of iptables-save -c begin with a bracket too.
  return /^\[(?:\{|\]$)/.test(line) ? "addresses" : "rules";
}

/** Lines for `ip -batch` as what `ip -j addr` would print once they are done. */
function plannedAddresses(lines: readonly string[]): string {
  const held = lines.flatMap((line) => {
    const [, local] = /^address replace ([^/\s]+)\/\d+ dev \S+/.exec(line) ?? [];
    return local === undefined ? [] : [{ local }];
  });
  return `${JSON.stringify([{ ifname: serviceDevice, addr_info: held }])}\n`;
}
