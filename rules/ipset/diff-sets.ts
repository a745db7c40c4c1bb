// What turns the kernel's sets into those wanted. In: observed and desired SetTable. Out: additions, and removals for when nothing needs them.
import { changes, entries } from "../radix/radix.ts";
import { maxElemFor, type KeptSet, type SetTable } from "./set-table.ts";

/** One step; `service` is the Service port that an entry is there for, empty where it is there for all or is not known. */
export type SetChange =
  /** Its entries come as changes of their own. */
  | { readonly kind: "create-set"; readonly set: KeptSet }
  /** Made anew with more room, filled with `entries`, then swapped for the old one, which rules go on naming. */
  | { readonly kind: "grow-set"; readonly set: KeptSet; readonly entries: readonly string[] }
  | EntryChange<"add-entry">
  | EntryChange<"delete-entry">
  | { readonly kind: "destroy-set"; readonly set: KeptSet };

type EntryChange<Kind extends string> = {
  readonly kind: Kind;
  readonly set: string;
  readonly entry: string;
  readonly service: string;
};

/** Additions go before the rules that look into the sets, removals after all else. */
export type SetChanges = { readonly additions: readonly SetChange[]; readonly removals: readonly SetChange[] };

/** Entries that are no longer wanted and stay all the same, while connections still need what they stand for. */
export type StillNeeded = (set: string, entry: string) => boolean;

/**
 * The changes from `observed` to `desired`, by set name, then entry. Sets are compared by their entries alone. Parts that are the same
 * object are not looked into.
 */
export function diffSets(observed: SetTable, desired: SetTable, needed: StillNeeded = () => false): SetChanges {
  const additions: SetChange[] = [];
  const removals: SetChange[] = [];
  const names = [...new Set([...Object.keys(observed.sets), ...Object.keys(desired.sets)])].sort();
  for (const name of names) {
    const before = observed.sets[name];
    const after = desired.sets[name];
    if (before === after) continue;
    if (after === undefined) {
      if (before !== undefined) removals.push({ kind: "destroy-set", set: before });
      continue;
    }
    if (before === undefined) additions.push({ kind: "create-set", set: after });
    const turn = diffEntries(before, after, needed);
    removals.push(...turn.gone);
    const size = after.entries.size + turn.staying.length + turn.gone.length;
    if (before !== undefined && isTooSmall(before, size)) {
      const all = [
        ...[...entries(after.entries)].map(({ key }) => key),
        ...turn.staying,
        ...turn.gone.map(({ entry }) => entry),
      ];
      additions.push({ kind: "grow-set", set: after, entries: all });
    } else additions.push(...turn.added);
  }
  return { additions, removals };
}

type Turn = {
  readonly added: readonly EntryChange<"add-entry">[];
  readonly gone: readonly EntryChange<"delete-entry">[];
  /** Not wanted, but needed still. */
  readonly staying: readonly string[];
};

function diffEntries(before: KeptSet | undefined, after: KeptSet, needed: StillNeeded): Turn {
  const added: EntryChange<"add-entry">[] = [];
  const gone: EntryChange<"delete-entry">[] = [];
  const staying: string[] = [];
  const set = after.name;
  if (before === undefined) {
    for (const { key, value } of entries(after.entries))
      added.push({ kind: "add-entry", set, entry: key, service: value });
    return { added, gone, staying };
  }
  for (const { key, before: was, after: is } of changes(before.entries, after.entries)) {
    if (was === undefined) added.push({ kind: "add-entry", set, entry: key, service: is ?? "" });
    else if (is === undefined && needed(set, key)) staying.push(key);
    else if (is === undefined) gone.push({ kind: "delete-entry", set, entry: key, service: was });
  }
  return { added, gone, staying };
}

/**
 * A wanted set that stands in for the kernel's, as the state of the build before does, says no limit. Its limit is a power of two then,
 * so it is made anew where the size that a new set would have grows: never too late, and only now and then too early.
 */
function isTooSmall({ type, mostEntries, entries: held }: KeptSet, size: number): boolean {
  if (type === "bitmap:port") return false;
  return mostEntries === undefined ? maxElemFor(size) > maxElemFor(held.size) : size > mostEntries;
}
