// What iptables-save prints, without what may change by itself. In: its text. Out: text to compare.
import { ownedByUs } from "../../rules/index.ts";

/** Without comments and counters; chains in order of name (the tools print them in order of creation or of name). */
export function settled(saved: string): string {
  return sections(saved)
    .map(({ table, chains, rules }) => `*${table}\n${[...chains.sort(), ...rules].map((line) => `${line}\n`).join("")}`)
    .join("");
}

/** As `settled`, without our own chains and the jumps to them. kubelet writes KUBE-FIREWALL too: it counts as others'. */
export function others(saved: string): string {
  const ours = (chain: string, table: string) =>
    chain !== "KUBE-FIREWALL" && (table === "nat" || table === "filter") && ownedByUs(chain, table);
  return sections(saved)
    .map(({ table, chains, rules }) => {
      const kept = chains.filter((line) => !ours(/^:(\S+)/.exec(line)?.[1] ?? "", table));
      const left = rules.filter((line) => {
        const [, chain = "", target = ""] = /^-A (\S+)(?:.* -j (\S+))?/.exec(line) ?? [];
        return !ours(chain, table) && !ours(target, table);
      });
      return `*${table}\n${[...kept.sort(), ...left].map((line) => `${line}\n`).join("")}`;
    })
    .join("");
}

/** The names of all chains but the built-in ones. */
export function chainNames(saved: string): string[] {
  return [...new Set([...saved.matchAll(/^:(\S+) -/gm)].map(([, name]) => name ?? ""))].sort();
}

type Section = { readonly table: string; readonly chains: string[]; readonly rules: string[] };

function sections(saved: string): Section[] {
  return saved
    .split(/^(?=\*)/m)
    .filter((text) => text.startsWith("*"))
    .map((text) => {
      const lines = text.split("\n").filter((line) => !line.startsWith("#") && line !== "COMMIT" && line !== "");
      const counterless = lines.map((line) => line.replace(/ \[\d+:\d+\]$/, ""));
      return {
        table: lines[0]?.slice(1) ?? "",
        chains: counterless.filter((line) => line.startsWith(":")),
        rules: counterless.filter((line) => line.startsWith("-")),
      };
    })
    .sort((a, b) => (a.table < b.table ? -1 : 1));
}
