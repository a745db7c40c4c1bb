// A packet filter in memory. In: rules of others. Out: a Kernel that keeps chains as text and refuses what the real one refuses.
import type { Family } from "../../rules/index.ts";
import type { Kernel, Restored, Variant } from "./kernel.ts";

/** What is there from the start, and what goes wrong. */
export type FakeOptions = {
  readonly variant?: Variant;
  /** iptables-save text of rules that are there already, of others or of ours. */
  readonly rules?: Readonly<Partial<Record<Family, string>>>;
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Refuses a script for reasons of the test's own: the message, or undefined to let it pass. */
  readonly refuse?: (family: Family, script: string) => string | undefined;
};

/** The fake, with what was done to it. */
export type FakeKernel = Kernel & {
  readonly restored: readonly { readonly family: Family; readonly script: string }[];
};

/**
 * A kernel that keeps to `iptables-restore --noflush`: sections one after the other, each taken whole or not at all; a chain
 * line empties or makes its chain; jumps to missing chains, deletions of chains in use and of rules that are not there,
 * loops, long names and lines that make no sense are refused, with the line's number. Rules are kept word for word, so what
 * is written must be in the form in which iptables-save prints it. Source: iptables-restore.c.
 */
export function createFakeKernel(options: FakeOptions = {}): FakeKernel {
  const { variant = "nft", refuse } = options;
  const sysctls = new Map(Object.entries(options.sysctls ?? {}));
  const restored: { family: Family; script: string }[] = [];
  const filters: Record<Family, Filter> = { 4: new Map(), 6: new Map() };
  for (const family of [4, 6] as const) {
    const loaded = feed(filters[family], options.rules?.[family] ?? "", { variant, family, tested: false });
    if (!loaded.ok) throw new Error(`bug: the rules given to the fake are refused: ${loaded.message}`);
  }
  return {
    variant,
    restored,
    readRules: (family) => Promise.resolve(print(filters[family], family)),
    scanRules: (family, take) => {
      take(print(filters[family], family));
      return Promise.resolve();
    },
    watchRules: () => () => undefined,
    readSets: () => Promise.resolve(""),
    restore: (family, script) => {
      const message = refuse?.(family, script);
      if (message !== undefined) return Promise.resolve({ ok: false, message, line: undefined });
      const result = feed(filters[family], script, { variant, family, tested: false });
      if (result.ok) restored.push({ family, script });
      return Promise.resolve(result);
    },
    check: (family, script) => Promise.resolve(feed(copy(filters[family]), script, { variant, family, tested: true })),
    readSysctl: (name) => Promise.resolve(sysctls.get(name)),
    writeSysctl: (name, value) => {
      sysctls.set(name, value);
      return Promise.resolve();
    },
  };
}

/** Tables by name, once they were used. */
type Filter = Map<string, Chains>;

/** Rules by chain, each the text after `-A CHAIN `. */
type Chains = Map<string, string[]>;

type Feeding = { readonly variant: Variant; readonly family: Family; readonly tested: boolean };

const builtIn: Readonly<Record<string, readonly string[]>> = {
  raw: ["PREROUTING", "OUTPUT"],
  mangle: ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"],
  nat: ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
  filter: ["INPUT", "FORWARD", "OUTPUT"],
};

/** Targets that are no chains, and the tables they may stand in. `DROP` is refused in nat by both tools. */
const targets: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    ACCEPT: Object.keys(builtIn),
    RETURN: Object.keys(builtIn),
    MARK: Object.keys(builtIn),
    CONNMARK: Object.keys(builtIn),
    LOG: Object.keys(builtIn),
    NFLOG: Object.keys(builtIn),
    TCPMSS: Object.keys(builtIn),
    DROP: ["raw", "mangle", "filter"],
    REJECT: ["filter"],
    CT: ["raw"],
    DNAT: ["nat"],
    SNAT: ["nat"],
    MASQUERADE: ["nat"],
    REDIRECT: ["nat"],
  }),
);

const longestName = 28;

/** Why a line was not taken. `late`: found by the kernel, not by the tool, and so not by `--test`. */
class Refused extends Error {
  readonly late: boolean;
  constructor(message: string, late: "late" | "early" = "early") {
    super(message);
    this.late = late === "late";
  }
}

function feed(filter: Filter, script: string, feeding: Feeding): Restored {
  let table: { readonly name: string; readonly chains: Chains } | undefined;
  let number = 0;
  try {
    for (const line of script.split("\n")) {
      number++;
      if (line === "" || line.startsWith("#")) continue;
      if (line.startsWith("*")) {
        if (table !== undefined) throw new Refused("a table inside a table");
        table = openTable(filter, line.slice(1));
      } else if (table === undefined) throw new Refused(`no command specified`);
      else if (line === "COMMIT") {
        refuseLoops(table.chains);
        filter.set(table.name, table.chains);
        table = undefined;
      } else obey(table, line, feeding);
    }
    // Without its COMMIT a section is forgotten, and the tool says so.
    if (table !== undefined) throw new Refused("COMMIT expected at line");
    return { ok: true };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { ok: false, message: sentence(error, number, feeding), line: number };
  }
}

function sentence({ message, late }: Refused, line: number, { variant, family }: Feeding): string {
  const tool = `${family === 4 ? "iptables" : "ip6tables"}-${variant}-restore`;
  if (late) return variant === "nft" ? `${tool}: line ${line}: ${message}` : `${tool}: line ${line} failed: ${message}`;
  const version = variant === "nft" ? "v1.8.9 (nf_tables)" : "v1.8.9 (legacy)";
  return `${tool} ${version}: ${message}\nError occurred at line: ${line}`;
}

function openTable(filter: Filter, name: string): { name: string; chains: Chains } {
  const names = builtIn[name];
  if (names === undefined) throw new Refused(`can't initialize table '${name}'`);
  return { name, chains: copyChains(filter.get(name) ?? new Map(names.map((chain) => [chain, []]))) };
}

function obey(table: { readonly name: string; readonly chains: Chains }, line: string, feeding: Feeding): void {
  if (line.startsWith(":")) {
    declare(table, line);
    return;
  }
  const found = /^(-[AIDXFN]) (\S+)(?: (.*))?$/.exec(line);
  if (found === null) throw new Refused(`unknown line: ${line}`);
  const [, command = "", name = "", rest = ""] = found;
  const rules = table.chains.get(name);
  if (command === "-N") {
    if (rules !== undefined) throw new Refused("Chain already exists.", "late");
    table.chains.set(checkedName(name), []);
    return;
  }
  if (rules === undefined) throw new Refused(`Chain '${name}' does not exist`);
  const [, at, rule] = /^(?:(\d+)(?: |$))?(.*)$/.exec(rest) ?? [];
  const place = at === undefined ? undefined : Number(at) - 1;
  switch (command) {
    case "-F":
      rules.length = 0;
      return;
    case "-X":
      if (feeding.tested) return;
      deleteChain(table, name);
      return;
    case "-D": {
      const which = place ?? rules.indexOf(rest);
      if (which < 0 || which >= rules.length)
        throw new Refused("RULE_DELETE failed (No such file or directory)", "late");
      rules.splice(which, 1);
      return;
    }
    case "-I":
      checkRule(table, rule ?? "");
      if ((place ?? 0) > rules.length) throw new Refused("RULE_INSERT failed (Index of insertion too big)", "late");
      rules.splice(place ?? 0, 0, rule ?? "");
      return;
    default:
      checkRule(table, rest);
      rules.push(rest);
  }
}

function declare({ name: table, chains }: { readonly name: string; readonly chains: Chains }, line: string): void {
  const found = /^:(\S+) (-|ACCEPT|DROP)(?: \[\d+:\d+\])?$/.exec(line);
  const [, name = "", policy] = found ?? [];
  if (found === null) throw new Refused(`Bad chain line: ${line}`);
  const isBuiltIn = builtIn[table]?.includes(name) === true;
  if (isBuiltIn !== (policy !== "-")) throw new Refused(`Can't set policy \`${String(policy)}' on \`${name}'`);
  // A built-in chain is not emptied.
  if (!isBuiltIn) chains.set(checkedName(name), []);
}

function checkedName(name: string): string {
  if (name.length > longestName) throw new Refused(`Invalid chain name \`${name}' (${longestName} chars max)`);
  if (name.startsWith("-") || name.startsWith("!") || targets.has(name))
    throw new Refused(`Invalid chain name \`${name}'`);
  return name;
}

function deleteChain({ name: table, chains }: { readonly name: string; readonly chains: Chains }, name: string): void {
  const used = [...chains.values()].some((rules) => rules.some((rule) => targetOf(rule) === name));
  const filled = (chains.get(name)?.length ?? 0) > 0;
  if (builtIn[table]?.includes(name) === true || used || filled)
    throw new Refused(`CHAIN_DEL failed (Device or resource busy): chain ${name}`, "late");
  chains.delete(name);
}

function checkRule({ name: table, chains }: { readonly name: string; readonly chains: Chains }, rule: string): void {
  const words = split(rule);
  if (words === undefined) throw new Refused("unbalanced quotes in rule");
  const [first] = words;
  if (first !== undefined && !/^(-|!)/.test(first.text)) throw new Refused(`Bad argument \`${first.text}'`);
  const target = targetOf(rule);
  if (target === undefined || chains.has(target)) return;
  const tables = targets.get(target);
  if (tables === undefined) throw new Refused(`Chain '${target}' does not exist`);
  if (!tables.includes(table)) throw new Refused(`The "${table}" table is not intended for ${target}`);
}

/** What a rule leads to: the word after the `-j` or `-g` that is not itself quoted. */
function targetOf(rule: string): string | undefined {
  const words = split(rule) ?? [];
  const at = words.findIndex(({ text, quoted }) => !quoted && (text === "-j" || text === "-g"));
  return at < 0 ? undefined : words[at + 1]?.text;
}

function split(rule: string): { text: string; quoted: boolean }[] | undefined {
  const words: { text: string; quoted: boolean }[] = [];
  let rest = rule;
  while (rest !== "") {
    const found = /^(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))(?:\s+|$)/.exec(rest);
    if (found === null) return undefined;
    words.push({ text: found[1] ?? found[2] ?? "", quoted: found[1] !== undefined });
    rest = rest.slice(found[0].length);
  }
  return words;
}

function refuseLoops(chains: Chains): void {
  const done = new Set<string>();
  const visit = (name: string, above: ReadonlySet<string>): void => {
    if (above.has(name))
      throw new Refused(`RULE_APPEND failed (Too many levels of symbolic links): chain ${name}`, "late");
    if (done.has(name)) return;
    const path = new Set([...above, name]);
    for (const rule of chains.get(name) ?? []) {
      const target = targetOf(rule);
      if (target !== undefined && chains.has(target)) visit(target, path);
    }
    done.add(name);
  };
  for (const name of chains.keys()) visit(name, new Set());
}

function print(filter: Filter, family: Family): string {
  const tool = family === 4 ? "iptables-save" : "ip6tables-save";
  return Object.keys(builtIn)
    .map((table) => {
      const chains = filter.get(table);
      const fixed = builtIn[table] ?? [];
      if (chains === undefined) return "";
      const own = [...chains.keys()].filter((name) => !fixed.includes(name)).sort();
      const declared = [...fixed.map((name) => `:${name} ACCEPT [0:0]`), ...own.map((name) => `:${name} - [0:0]`)];
      const rules = [...fixed, ...own].flatMap((name) =>
        (chains.get(name) ?? []).map((rule) => (rule === "" ? `-A ${name}` : `-A ${name} ${rule}`)),
      );
      return [`# Generated by ${tool} v1.8.9`, `*${table}`, ...declared, ...rules, "COMMIT", ""].join("\n");
    })
    .join("");
}

function copy(filter: Filter): Filter {
  return new Map([...filter].map(([name, chains]) => [name, copyChains(chains)]));
}

function copyChains(chains: Chains): Chains {
  return new Map([...chains].map(([name, rules]) => [name, [...rules]]));
}
