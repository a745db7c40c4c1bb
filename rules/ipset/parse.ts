// What ipset save says. In: its lines with their numbers. Out: every set by name; problems by line.
import { familyOf, parseIp, type Family, type Ip } from "../net/ip.ts";
import { never } from "../never.ts";
import { quoted } from "../problem.ts";
import { parseEntry, type Entry, type EntryKey } from "./entry.ts";
import { maskOfLength } from "./key.ts";
import * as known from "./options.ts";
import { fault, isFault, parseOptions, type Fault } from "./options.ts";
import { describeType, type InterfaceEntry, type IpSet, type SetDimension, type SetEntries } from "./set.ts";

/** A line that cannot be what ipset save printed; nothing can be said of sets that are read in part. */
export type SetProblem = { readonly code: string; readonly line: number; readonly text: string };

export type SetLine = { readonly number: number; readonly text: string };

/**
 * Reads `create NAME TYPE options` and `add NAME ENTRY options`. Empty lines and comments are passed over; any other line is a problem,
 * and changes nothing. Sets of a type that is not known here are kept, and nothing is said of what is in them; so are sets whose
 * options cannot be read, besides the problem. Source: ipset(8), save and restore.
 */
export function parseSets(lines: Iterable<SetLine>): {
  sets: ReadonlyMap<string, IpSet>;
  problems: readonly SetProblem[];
} {
  const drafts = new Map<string, Draft>();
  const problems: SetProblem[] = [];
  const reader: Reader = { drafts, rangeKeysLeft: mostRangeKeys };
  for (const { number, text } of lines) {
    if (text.trim() === "" || text.startsWith("#")) continue;
    const wrong = readLine(reader, { number, text });
    if (wrong !== undefined) problems.push({ ...wrong.fault, line: number });
  }
  return { sets: new Map([...drafts].map(([name, draft]) => [name, finish(draft)])), problems };
}

/**
 * Ranges become several keys each. ipset save prints none in hash sets, where they could be many, so this bounds only what memory a text
 * that was made by hand may take.
 */
const mostRangeKeys = 500_000;

/** The one place where a set is changed: while its lines are read. */
type Draft = {
  readonly set: Omit<IpSet, "entries">;
  readonly kind: SetEntries["kind"];
  /** By lengths. */
  readonly keyGroups: Map<string, { readonly bits: readonly number[]; readonly keys: Map<string, "in" | "except"> }>;
  readonly netGroups: Map<number, Map<string, InterfaceEntry[]>>;
  readonly members: Set<string>;
};

type Reader = { readonly drafts: Map<string, Draft>; rangeKeysLeft: number };

function readLine(reader: Reader, { number, text }: SetLine): Fault | undefined {
  const [, verb, name = "", subject = "", rest = ""] =
    /^(create|add) (\S+) (\S+)(?:[ \t]([^]*))?$/.exec(text.trimEnd()) ?? [];
  if (verb === undefined) return fault("not-a-set-line", `${quoted(text)} is nothing that ipset save prints`);
  if (!isName(name))
    return fault("bad-set-name", `${quoted(name)} is no name of a set, must be 1 to 31 printable characters`);
  const draft = reader.drafts.get(name);
  if (verb === "add") {
    if (draft === undefined)
      return fault("set-not-created", `the set ${quoted(name)} has an entry, but no create line before it`);
    return draft.kind === "unknown" ? undefined : addEntry(reader, draft, { subject, rest });
  }
  if (draft !== undefined)
    return fault("duplicate-set", `the set ${quoted(name)} was created on line ${draft.set.line} already`);
  if (!isName(subject)) return fault("bad-set-type", `${quoted(subject)} is no type of a set`);
  const head = readHead(subject, rest);
  const { options, kind } = isFault(head) ? unreadable : head;
  const set = { name, type: subject, dimensions: describeType(subject).dimensions, line: number, ...options };
  reader.drafts.set(name, { set, kind, keyGroups: new Map(), netGroups: new Map(), members: new Set() });
  return isFault(head) ? head : undefined;
}

/** Source: Linux ip_set.h, IPSET_MAXNAMELEN is 32 with the end of the text, for names and types. */
function isName(text: string): boolean {
  return /^[\x21-\x7e]{1,31}$/.test(text);
}

type Head = {
  readonly options: Pick<IpSet, "family" | "addressMask" | "markMask">;
  readonly kind: SetEntries["kind"];
};

const unreadable: Head = {
  options: { family: undefined, addressMask: undefined, markMask: 0xffffffff },
  kind: "unknown",
};

function readHead(type: string, rest: string): Head | Fault {
  const { known: isKnown, dimensions } = describeType(type);
  if (!isKnown) return unreadable;
  const options = parseOptions(rest, known.createOptions);
  if (isFault(options)) return options;
  const hasAddresses = dimensions.includes("ip") || dimensions.includes("net");
  const family = !hasAddresses ? undefined : options.get("family") === "inet6" ? 6 : 4;
  const mask = family === undefined ? {} : readMask(options, family);
  if (isFault(mask)) return mask;
  const markMask = Number(options.get("markmask") ?? 0xffffffff);
  const kind = dimensions.includes("set") ? "members" : dimensions.includes("iface") ? "interfaces" : "keys";
  return { options: { family, addressMask: mask.mask, markMask }, kind };
}

function readMask(options: ReadonlyMap<string, string>, family: Family): { readonly mask?: Ip } | Fault {
  const [length, bits] = [options.get("netmask"), options.get("bitmask")];
  if (length !== undefined) {
    if (Number(length) > (family === 4 ? 32 : 128))
      return fault("bad-option", `netmask ${length} is longer than an address`);
    return { mask: maskOfLength(Number(length), family) };
  }
  if (bits === undefined) return {};
  const mask = parseIp(bits);
  if (mask === undefined || familyOf(mask) !== family)
    return fault("bad-option", `bitmask ${quoted(bits)} is no address of the set's family`);
  return { mask };
}

function addEntry(
  reader: Reader,
  draft: Draft,
  { subject, rest }: { subject: string; rest: string },
): Fault | undefined {
  const options = parseOptions(rest, optionsOf(draft.set.dimensions));
  if (isFault(options)) return options;
  if (draft.kind === "members") return addMember(draft, subject);
  const entry = parseEntry(subject, draft.set, reader.rangeKeysLeft);
  if (isFault(entry)) return entry;
  if (entry.keys.length > 1) reader.rangeKeysLeft -= entry.keys.length;
  const code = entry.interface === undefined ? addKeys(draft, entry, options) : addInterface(draft, entry, options);
  switch (code) {
    case undefined:
      return undefined;
    case "duplicate-entry":
      return fault(code, `${quoted(subject)} is in the set ${quoted(draft.set.name)} already`);
    case "too-many-interfaces":
      return fault(code, `${quoted(subject)} is one interface too many of its net, must be ${mostInterfaces} at most`);
    default:
      return never(code);
  }
}

function optionsOf(dimensions: readonly SetDimension[]): known.OptionForms {
  if (dimensions.includes("set")) return known.memberOptions;
  if (dimensions.includes("iface")) return known.interfaceOptions;
  return dimensions.includes("net") ? known.netOptions : known.addOptions;
}

function addMember({ members, set }: Draft, name: string): Fault | undefined {
  if (!isName(name))
    return fault("bad-set-name", `${quoted(name)} is no name of a set, must be 1 to 31 printable characters`);
  if (members.has(name)) return fault("duplicate-entry", `${quoted(name)} is in the set ${quoted(set.name)} already`);
  members.add(name);
  return undefined;
}

/** The kernel refuses what is there already. */
function addKeys(
  { keyGroups }: Draft,
  { keys }: Entry,
  options: ReadonlyMap<string, string>,
): "duplicate-entry" | undefined {
  const places = keys.map((key) => ({ key, group: keyGroup(keyGroups, key) }));
  if (places.some(({ key, group }) => group.has(key.text))) return "duplicate-entry";
  for (const { key, group } of places) group.set(key.text, meaning(options));
  return undefined;
}

function keyGroup(groups: Draft["keyGroups"], { bits }: EntryKey): Map<string, "in" | "except"> {
  const lengths = bits.join();
  const group = groups.get(lengths) ?? { bits, keys: new Map<string, "in" | "except">() };
  groups.set(lengths, group);
  return group.keys;
}

/** Source: ipset(8), hash:net,iface: "the same network prefix cannot be stored with more than 64 different interfaces". */
const mostInterfaces = 64;

function addInterface(
  { netGroups }: Draft,
  entry: Entry,
  options: ReadonlyMap<string, string>,
): "duplicate-entry" | "too-many-interfaces" | undefined {
  const { name = "", physdev = false } = entry.interface ?? {};
  const added: InterfaceEntry = { name, physdev, wildcard: options.has("wildcard"), means: meaning(options) };
  const places = entry.keys.map(({ bits, text }) => interfacesOf(netGroups, bits[0] ?? 0, text));
  if (places.some((net) => net.some((each) => each.name === name && each.physdev === physdev)))
    return "duplicate-entry";
  if (places.some((net) => net.length >= mostInterfaces)) return "too-many-interfaces";
  for (const net of places) net.push(added);
  return undefined;
}

function interfacesOf(groups: Draft["netGroups"], bits: number, net: string): InterfaceEntry[] {
  const group = groups.get(bits) ?? new Map<string, InterfaceEntry[]>();
  const interfaces = group.get(net) ?? [];
  groups.set(bits, group.set(net, interfaces));
  return interfaces;
}

function meaning(options: ReadonlyMap<string, string>): "in" | "except" {
  return options.has("nomatch") ? "except" : "in";
}

function finish({ set, kind, keyGroups, netGroups, members }: Draft): IpSet {
  switch (kind) {
    case "keys": {
      const nets = set.dimensions.flatMap((dimension, at) => (dimension === "net" ? [at] : []));
      return {
        ...set,
        entries: { kind, groups: [...keyGroups.values()].sort((a, b) => compareLengths(a.bits, b.bits, nets)) },
      };
    }
    case "interfaces": {
      const groups = [...netGroups].map(([bits, nets]) => ({ bits, nets })).sort((a, b) => b.bits - a.bits);
      return { ...set, entries: { kind, groups } };
    }
    case "members":
      return { ...set, entries: { kind, names: members } };
    case "unknown":
      return { ...set, entries: { kind } };
    default:
      return never(kind);
  }
}

/** Longer first; only nets decide, since an entry of any other length holds what is in it just the same. */
function compareLengths(a: readonly number[], b: readonly number[], nets: readonly number[]): number {
  for (const at of nets) {
    const difference = (b[at] ?? 0) - (a[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
