// One variant of iptables in one namespace. In: restore input. Out: save output.
import type { Family } from "../../rules/net/ip.ts";
import { needTool, type Output, type ToolSettings } from "./tool.ts";

/** The two implementations of iptables; the agent must work with either. */
export type Variant = "nft" | "legacy";

/** The tables of a namespace. Failures are those of `runTool`. */
export type Tables = {
  /** What iptables-save prints, of one table or of all that exist. */
  readonly save: (family: Family, table?: string) => Promise<string>;
  /** Loads `text`. Without `noflush` each table that it names is emptied first. `test` parses it and changes nothing. */
  readonly restore: (family: Family, text: string, settings?: RestoreSettings) => Promise<Output>;
  /** Empties all tables of both families: no user chains, no rules, policies ACCEPT. */
  readonly empty: () => Promise<void>;
};

/** The options of iptables-restore(8) with the same names. */
export type RestoreSettings = { readonly noflush?: boolean; readonly test?: boolean; readonly counters?: boolean };

/** Finds the variant's tools. `exec` runs a tool in the namespace. */
export async function openTables(
  variant: Variant,
  exec: (file: string, args: readonly string[], settings?: ToolSettings) => Promise<Output>,
): Promise<Tables> {
  const paths = {
    4: { save: await needTool(`iptables-${variant}-save`), restore: await needTool(`iptables-${variant}-restore`) },
    6: { save: await needTool(`ip6tables-${variant}-save`), restore: await needTool(`ip6tables-${variant}-restore`) },
  };
  const restore: Tables["restore"] = (family, text, settings = {}) => {
    const options = (["noflush", "test", "counters"] as const).filter((option) => settings[option] === true);
    return exec(paths[family].restore, ["-w", "10", ...options.map((option) => `--${option}`)], { input: text });
  };
  const save: Tables["save"] = async (family, table) =>
    (await exec(paths[family].save, table === undefined ? [] : ["-t", table])).stdout;
  const emptyFamily = async (family: Family) => {
    const text = emptied(await save(family));
    if (text !== "") await restore(family, text);
  };
  const empty = async () => {
    await Promise.all([emptyFamily(4), emptyFamily(6)]);
  };
  return { save, restore, empty };
}

/** The restore input that empties what iptables-save printed; of tables that are empty nothing, since each costs several ms. */
function emptied(saved: string): string {
  return saved
    .split(/^(?=\*)/m)
    .filter((table) => /^(-A|:\S+ (-|DROP) )/m.test(table))
    .map((table) => {
      const chains = table.matchAll(/^:(\S+) (?:ACCEPT|DROP) /gm);
      return `${table.slice(0, table.indexOf("\n"))}\n${[...chains].map(([, chain]) => `:${chain} ACCEPT [0:0]\n`).join("")}COMMIT\n`;
    })
    .join("");
}
