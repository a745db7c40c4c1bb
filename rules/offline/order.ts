// The one order of offline objects. In: anything named. Out: sorted copies, so that no result hangs on the order of files.

/** By namespace, then name, in code units. */
export function byName(a: Named, b: Named): number {
  return compare(a.namespace ?? "", b.namespace ?? "") || compare(a.name, b.name);
}

/** Anything with a name; a Node has no namespace. */
export type Named = { readonly namespace?: string; readonly name: string };

/** By code units, not by locale: the same on every machine. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
