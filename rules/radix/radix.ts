// A persistent map over text keys, shaped as a radix tree. In: entries. Out: trees that share every part that did not change.

/**
 * A map from keys to values, or part of one. The shape is a pure function of the set of keys, whatever the history: up to
 * `leafSize` entries are one leaf; more are a branch at the first character in which they differ. The iptables dispatch
 * chains are drawn after this shape, and `changes` stops where two maps share a node.
 */
export type Radix<T> = Leaf<T> | Branch<T>;

/** At most `leafSize` entries, in key order. The empty map is the leaf without entries. */
export type Leaf<T> = { readonly kind: "leaf"; readonly size: number; readonly entries: readonly Entry<T>[] };

/** More than `leafSize` entries that share their first `depth` characters and differ in the next one. */
export type Branch<T> = {
  readonly kind: "branch";
  readonly size: number;
  readonly depth: number;
  /** The `depth` characters that all keys below begin with. */
  readonly prefix: string;
  /** In order of `digit`, the character at `depth` ("" for a key that ends there). Never empty, never a single one. */
  readonly children: readonly Child<T>[];
};

export type Child<T> = { readonly digit: string; readonly node: Radix<T> };
export type Entry<T> = { readonly key: string; readonly value: T };

/** One key whose value differs between two maps. `before` or `after` is absent where the key is. */
export type RadixChange<T> = { readonly key: string; readonly before?: T; readonly after?: T };

/** Most entries a leaf holds: the longest a dispatch chain may be; longer ones the kernel walks rule by rule. */
export const leafSize = 16;

const empty: Leaf<never> = { kind: "leaf", size: 0, entries: [] };

/** The map without entries. */
export function emptyRadix<T>(): Radix<T> {
  return empty;
}

/** A map of `entries`, in any order. Of entries with equal keys the last counts. */
export function radixOf<T>(entries: Iterable<Entry<T>>): Radix<T> {
  const last = new Map<string, Entry<T>>();
  for (const entry of entries) last.set(entry.key, entry);
  const sorted = [...last.values()].sort(byKey);
  return fromSorted(sorted, 0, sorted.length);
}

/** The value at `key`. */
export function get<T>(node: Radix<T>, key: string): T | undefined {
  let at = node;
  while (at.kind === "branch") {
    const child = at.children.find(({ digit }) => digit === digitAt(key, (at as Branch<T>).depth));
    if (child === undefined) return undefined;
    at = child.node;
  }
  return at.entries.find((entry) => entry.key === key)?.value;
}

/** The map with `value` at `key`; the same map where that is its value already. */
export function set<T>(node: Radix<T>, key: string, value: T): Radix<T> {
  if (node.kind === "leaf") return setInLeaf(node, { key, value });
  if (!key.startsWith(node.prefix)) {
    const depth = commonLength(node.prefix, key);
    const children = [
      { digit: digitAt(node.prefix, depth), node },
      { digit: digitAt(key, depth), node: leaf([{ key, value }]) },
    ];
    return branch(depth, key.slice(0, depth), children.sort(byDigit));
  }
  const digit = digitAt(key, node.depth);
  const child = node.children.find((other) => other.digit === digit);
  const grown = child === undefined ? leaf([{ key, value }]) : set(child.node, key, value);
  if (grown === child?.node) return node;
  const others = node.children.filter((other) => other !== child);
  return branch(node.depth, node.prefix, [...others, { digit, node: grown }].sort(byDigit));
}

/** The map without `key`; the same map where it is absent already. */
export function remove<T>(node: Radix<T>, key: string): Radix<T> {
  if (node.kind === "leaf") {
    const entries = node.entries.filter((entry) => entry.key !== key);
    return entries.length === node.entries.length ? node : leaf(entries);
  }
  if (!key.startsWith(node.prefix)) return node;
  const digit = digitAt(key, node.depth);
  const child = node.children.find((other) => other.digit === digit);
  if (child === undefined) return node;
  const shrunk = remove(child.node, key);
  if (shrunk === child.node) return node;
  if (node.size - 1 <= leafSize) return leaf([...entries(node)].filter((entry) => entry.key !== key));
  const children = node.children.map((other) => (other === child ? { digit, node: shrunk } : other));
  const full = children.filter((other) => other.node.size > 0);
  const [only] = full;
  return full.length === 1 && only !== undefined ? only.node : branch(node.depth, node.prefix, full);
}

/** One key to set, or, without a value, to remove. */
export type Edit<T> = { readonly key: string; readonly value?: T };

/** The map after `edits`, of which no two have the same key. Faster than one by one where the map was empty. */
export function edit<T>(node: Radix<T>, edits: readonly Edit<T>[]): Radix<T> {
  if (node.size === 0) {
    const entries: Entry<T>[] = [];
    for (const { key, value } of edits) if (value !== undefined) entries.push({ key, value });
    return fromSorted(entries.sort(byKey), 0, entries.length);
  }
  return edits.reduce((map, { key, value }) => (value === undefined ? remove(map, key) : set(map, key, value)), node);
}

/** All entries, in key order. */
export function* entries<T>(node: Radix<T>): Generator<Entry<T>, void, undefined> {
  if (node.kind === "leaf") yield* node.entries;
  else for (const child of node.children) yield* entries(child.node);
}

/** All values, in key order. */
export function values<T>(node: Radix<T>): T[] {
  const found: T[] = [];
  collect(node, found);
  return found;
}

/** The first entry, in key order, whose key begins with `prefix`. */
export function firstUnder<T>(node: Radix<T>, prefix: string): Entry<T> | undefined {
  let at = node;
  while (at.kind === "branch") {
    if (at.prefix.startsWith(prefix)) [{ node: at }] = at.children as [Child<T>];
    else {
      const digit = digitAt(prefix, at.depth);
      const child = prefix.startsWith(at.prefix) ? at.children.find((other) => other.digit === digit) : undefined;
      if (child === undefined) return undefined;
      at = child.node;
    }
  }
  return at.entries.find((entry) => entry.key.startsWith(prefix));
}

/** Every key whose value is not the same object in both maps, in key order. Does not look into parts the maps share. */
export function changes<T>(before: Radix<T>, after: Radix<T>): RadixChange<T>[] {
  const found: RadixChange<T>[] = [];
  compare(before, after, found);
  return found;
}

function compare<T>(before: Radix<T>, after: Radix<T>, found: RadixChange<T>[]): void {
  if (before === after) return;
  if (before.kind === "leaf" || after.kind === "leaf") {
    compareEntries(before, after, found);
  } else if (before.prefix === after.prefix) {
    compareChildren(before.children, after.children, found);
  } else if (before.depth > after.depth && before.prefix.startsWith(after.prefix)) {
    compareChildren([{ digit: digitAt(before.prefix, after.depth), node: before }], after.children, found);
  } else if (after.depth > before.depth && after.prefix.startsWith(before.prefix)) {
    compareChildren(before.children, [{ digit: digitAt(after.prefix, before.depth), node: after }], found);
  } else {
    compareEntries(before, after, found);
  }
}

function compareChildren<T>(before: readonly Child<T>[], after: readonly Child<T>[], found: RadixChange<T>[]): void {
  const digits = [...new Set([...before, ...after].map(({ digit }) => digit))].sort();
  for (const digit of digits) {
    const old = before.find((child) => child.digit === digit)?.node ?? empty;
    const now = after.find((child) => child.digit === digit)?.node ?? empty;
    compare<T>(old, now, found);
  }
}

function compareEntries<T>(before: Radix<T>, after: Radix<T>, found: RadixChange<T>[]): void {
  const old = [...entries(before)];
  const now = [...entries(after)];
  let [left, right] = [0, 0];
  while (left < old.length || right < now.length) {
    const a = old[left];
    const b = now[right];
    if (a !== undefined && (b === undefined || a.key < b.key)) {
      found.push({ key: a.key, before: a.value });
      left++;
    } else if (b !== undefined && (a === undefined || b.key < a.key)) {
      found.push({ key: b.key, after: b.value });
      right++;
    } else if (a !== undefined && b !== undefined) {
      if (a.value !== b.value) found.push({ key: a.key, before: a.value, after: b.value });
      left++;
      right++;
    }
  }
}

function collect<T>(node: Radix<T>, found: T[]): void {
  if (node.kind === "leaf") for (const entry of node.entries) found.push(entry.value);
  else for (const child of node.children) collect(child.node, found);
}

/** The tree of `sorted[start]` to `sorted[end - 1]`. */
function fromSorted<T>(sorted: readonly Entry<T>[], start: number, end: number): Radix<T> {
  const first = sorted[start];
  const last = sorted[end - 1];
  if (first === undefined || last === undefined || end - start <= leafSize) return leaf(sorted.slice(start, end));
  const depth = commonLength(first.key, last.key);
  const children: Child<T>[] = [];
  for (let from = start; from < end;) {
    const digit = digitAt(sorted[from]?.key ?? "", depth);
    let to = from + 1;
    while (to < end && digitAt(sorted[to]?.key ?? "", depth) === digit) to++;
    children.push({ digit, node: fromSorted(sorted, from, to) });
    from = to;
  }
  return branch(depth, first.key.slice(0, depth), children);
}

function setInLeaf<T>(node: Leaf<T>, entry: Entry<T>): Radix<T> {
  const at = node.entries.findIndex((other) => other.key >= entry.key);
  const there = at < 0 ? undefined : node.entries[at];
  if (there?.key === entry.key) return there.value === entry.value ? node : leaf(node.entries.with(at, entry));
  return fromSorted(node.entries.toSpliced(at < 0 ? node.size : at, 0, entry), 0, node.size + 1);
}

function leaf<T>(list: readonly Entry<T>[]): Leaf<T> {
  return list.length === 0 ? empty : { kind: "leaf", size: list.length, entries: list };
}

function branch<T>(depth: number, prefix: string, children: readonly Child<T>[]): Branch<T> {
  return { kind: "branch", size: children.reduce((sum, child) => sum + child.node.size, 0), depth, prefix, children };
}

function byKey<T>(a: Entry<T>, b: Entry<T>): number {
  return a.key < b.key ? -1 : 1;
}

function byDigit<T>(a: Child<T>, b: Child<T>): number {
  return a.digit < b.digit ? -1 : 1;
}

function digitAt(key: string, depth: number): string {
  return key.charAt(depth);
}

function commonLength(a: string, b: string): number {
  let length = 0;
  while (length < a.length && length < b.length && a.charCodeAt(length) === b.charCodeAt(length)) length++;
  return length;
}
