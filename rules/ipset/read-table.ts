// Our own sets from what ipset save says. In: its text, the names and types that are ours. Out: SetTable, problems by line.
import { parseIp, type Family } from "../net/ip.ts";
import { parseCidr } from "../net/cidr.ts";
import { quoted } from "../problem.ts";
import { radixOf } from "../radix/radix.ts";
import { blockPart } from "./key.ts";
import type { SetProblem } from "./parse.ts";
import type { KeptSet, KeptType, SetTable } from "./set-table.ts";

/** What is ours: the type of each set by name. */
export type OwnSets = { readonly family: Family; readonly types: Readonly<Record<string, KeptType>> };

/**
 * Reads the sets whose names are ours; lines of others are passed over, so that no diff can touch them. A set of our name with another
 * type or family is a problem and is left out, and so is an entry that is not in the kernel's own spelling.
 * Source: ipset(8), save; read back from ipset 7.17.
 */
export function parseSetTable(
  text: string,
  own: OwnSets,
): { readonly table: SetTable; readonly problems: readonly SetProblem[] } {
  const drafts = new Map<string, Draft>();
  const problems: SetProblem[] = [];
  for (const [at, line] of text.split("\n").entries()) {
    const wrong = readLine(line, drafts, own);
    if (wrong !== undefined) problems.push({ ...wrong, line: at + 1 });
  }
  const sets = [...drafts].flatMap(([name, draft]) =>
    draft === "other" ? [] : [[name, finish(name, draft)] as const],
  );
  return { table: { family: own.family, sets: Object.fromEntries(sets) }, problems };
}

/** `other`: of our name, but not as ours are. */
type Draft = Open | "other";
type Open = { readonly type: KeptType; readonly mostEntries: number | undefined; readonly entries: Set<string> };
type Wrong = Omit<SetProblem, "line">;

function readLine(line: string, drafts: Map<string, Draft>, own: OwnSets): Wrong | undefined {
  const [verb, name = "", subject = "", ...options] = line.trimEnd().split(" ");
  const wanted = Object.hasOwn(own.types, name) ? own.types[name] : undefined;
  if (wanted === undefined || (verb !== "create" && verb !== "add")) return undefined;
  const known = drafts.get(name);
  if (verb === "create") {
    if (known !== undefined) return { code: "duplicate-set", text: `the set ${quoted(name)} is created twice` };
    const draft = open(subject, options, { family: own.family, type: wanted });
    drafts.set(name, draft);
    return draft === "other"
      ? { code: "set-of-others", text: `the set ${quoted(name)} is no ${wanted} of IPv${own.family}: destroy it` }
      : undefined;
  }
  if (known === undefined)
    return { code: "set-not-created", text: `the set ${quoted(name)} has an entry, but no create line before it` };
  if (known === "other") return undefined;
  const entry = readEntry(subject, known.type);
  if (entry === undefined) return { code: "not-an-entry", text: `${quoted(subject)} is no entry of a ${known.type}` };
  known.entries.add(entry);
  return undefined;
}

function open(type: string, options: readonly string[], wanted: { family: Family; type: KeptType }): Draft {
  if (type !== wanted.type) return "other";
  const value = (name: string) => options[options.indexOf(name) + 1];
  if (type === "bitmap:port")
    return value("range") === "0-65535" ? { type: wanted.type, mostEntries: undefined, entries: new Set() } : "other";
  const most = Number(value("maxelem"));
  const ofFamily = value("family") === (wanted.family === 4 ? "inet" : "inet6");
  return ofFamily && most > 0 ? { type: wanted.type, mostEntries: most, entries: new Set() } : "other";
}

/** The entry in our spelling, which is the kernel's but for what other versions of ipset may print otherwise (a block of one address). */
function readEntry(text: string, type: KeptType): string | undefined {
  if (type === "bitmap:port") return isPort(text) ? text : undefined;
  const [address = "", port, source, ...rest] = text.split(",");
  const ip = parseIp(address);
  const parts = type.split(",").length;
  if (ip === undefined || rest.length > 0 || text.split(",").length !== parts) return undefined;
  if (port === undefined) return ip;
  if (!/^(tcp|udp|sctp):/.test(port) || !isPort(port.slice(port.indexOf(":") + 1))) return undefined;
  if (source === undefined) return `${ip},${port}`;
  const block = parseCidr(source);
  const from = block === undefined ? parseIp(source) : blockPart(block);
  return from === undefined ? undefined : `${ip},${port},${from}`;
}

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65535;
}

function finish(name: string, { type, mostEntries, entries }: Open): KeptSet {
  return { name, type, mostEntries, entries: radixOf([...entries].map((key) => ({ key, value: "" }))) };
}
