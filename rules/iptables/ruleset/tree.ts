// Draws chains after a radix tree. In: the tree before and after, a Shape. Out: the chains of its inner nodes that come and go.
import type { Branch, Child, Radix } from "../../radix/radix.ts";
import { emptyRadix, remove, set } from "../../radix/radix.ts";
import type { Chain } from "./chain.ts";
import type { ChainName } from "./chain-name.ts";
import type { Rule } from "./rule.ts";

/**
 * How a tree becomes chains. A `cover` is the beginning of all keys that lie under a node, one character longer than what its
 * parent's keys share; it names the chain, so that a chain keeps its name while the tree around it changes.
 */
export type Shape<T> = {
  readonly name: (cover: string) => ChainName;
  /** The rules of a node: those of a leaf's entries, or one for each child of a branch. */
  readonly rules: (node: Radix<T>, cover: string) => readonly Rule[];
  readonly owner: string | undefined;
};

/** What a child of a branch contributes to its parent's chain: its only entry itself, or a way into its own chain. */
export type Part<T> =
  | { readonly kind: "entry"; readonly size: 1; readonly value: T }
  | { readonly kind: "chain"; readonly size: number; readonly cover: string };

/** The parts of a node's chain, in key order: at most 16 where the keys allow. */
export function partsOf<T>(node: Radix<T>): Part<T>[] {
  if (node.kind === "leaf") return node.entries.map(({ value }) => ({ kind: "entry", size: 1, value }));
  return node.children.map((child) => {
    const [only] = child.node.kind === "leaf" ? child.node.entries : [];
    return only !== undefined && child.node.size === 1
      ? { kind: "entry", size: 1, value: only.value }
      : { kind: "chain", size: child.node.size, cover: coverOf(node, child) };
  });
}

/**
 * `chains` with those below the root of `before` replaced by those below the root of `after`. Looks only where the trees
 * differ. The root's own rules are the caller's to place (`shape.rules(after, "")`).
 */
export function replaceTree<T>(
  chains: Radix<Chain>,
  trees: { before: Radix<T>; after: Radix<T> },
  shape: Shape<T>,
): Radix<Chain> {
  const turn: Turn<T> = { gone: new Set(), made: new Map(), shape };
  walk({ node: trees.before }, { node: trees.after }, turn);
  let result = chains;
  for (const name of turn.gone) if (!turn.made.has(name)) result = remove(result, name);
  for (const [name, chain] of turn.made) result = set(result, name, chain);
  return result;
}

type Turn<T> = { readonly gone: Set<ChainName>; readonly made: Map<ChainName, Chain>; readonly shape: Shape<T> };

/** A node, and what names its chain; no cover for a node that has no chain of its own under that name. */
type Place<T> = { readonly node: Radix<T>; readonly cover?: string };

function walk<T>(before: Place<T>, after: Place<T>, turn: Turn<T>): void {
  if (before.node === after.node && before.cover === after.cover) return;
  if (before.cover !== undefined && before.node.size > 1) turn.gone.add(turn.shape.name(before.cover));
  if (after.cover !== undefined && after.node.size > 1)
    turn.made.set(turn.shape.name(after.cover), makeChain(after.node, after.cover, turn.shape));
  // The same node under another cover: its children's covers are its own, so nothing below changes.
  if (before.node === after.node) return;
  for (const [old, now] of pairs(before.node, after.node)) walk(old, now, turn);
}

function makeChain<T>(node: Radix<T>, cover: string, shape: Shape<T>): Chain {
  return { name: shape.name(cover), rules: shape.rules(node, cover), owner: shape.owner };
}

/** Children that stand for the same keys. A tree that grew or lost levels at the top is matched by the level below. */
function pairs<T>(before: Radix<T>, after: Radix<T>): [Place<T>, Place<T>][] {
  const old = childrenOf(before);
  const now = childrenOf(after);
  if (before.kind === "branch" && after.kind === "branch") {
    if (isUnder(before, after)) return pairByCover([levelBelow(before, after.depth)], now);
    if (isUnder(after, before)) return pairByCover(old, [levelBelow(after, before.depth)]);
  }
  return pairByCover(old, now);
}

type Covered<T> = { readonly node: Radix<T>; readonly cover: string; readonly unnamed?: true };

function pairByCover<T>(before: readonly Covered<T>[], after: readonly Covered<T>[]): [Place<T>, Place<T>][] {
  const covers = [...new Set([...before, ...after].map(({ cover }) => cover))];
  return covers.map((cover) => [place(before, cover), place(after, cover)]);
}

function place<T>(list: readonly Covered<T>[], cover: string): Place<T> {
  const found = list.find((candidate) => candidate.cover === cover);
  if (found === undefined) return { node: emptyRadix() };
  return found.unnamed === true ? { node: found.node } : { node: found.node, cover };
}

function isUnder<T>(inner: Branch<T>, outer: Branch<T>): boolean {
  return inner.depth > outer.depth && inner.prefix.startsWith(outer.prefix);
}

/** The node as the child that it is, or would be, of a branch at `depth`; its own chain is dealt with already. */
function levelBelow<T>(node: Branch<T>, depth: number): Covered<T> {
  return { node, cover: node.prefix.slice(0, depth + 1), unnamed: true };
}

function childrenOf<T>(node: Radix<T>): Covered<T>[] {
  return node.kind === "leaf" ? [] : node.children.map((child) => ({ node: child.node, cover: coverOf(node, child) }));
}

function coverOf<T>(node: Branch<T>, child: Child<T>): string {
  return node.prefix + child.digit;
}
