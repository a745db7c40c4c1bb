// The walks of all branches as one tree. In: Branch[]. Out: WalkStep[]: what they share once, and where they fork.
import type { Branch } from "../trace/trace.ts";
import { isCertain, plus, toNumber, type Fraction } from "../trace/fraction.ts";
import type { Condition, Hop } from "../trace/traveller.ts";
import type { End } from "../trace/end.ts";

export type WalkStep =
  | { readonly kind: "hop"; readonly hop: Hop }
  /** `ways` are at most `mostWays`; `more` tells of the others. */
  | { readonly kind: "fork"; readonly ways: readonly Way[]; readonly more: More | undefined };

export type Way = {
  /** How often, of those that come to the fork; undefined where that hangs on conditions. */
  readonly chance: Fraction | undefined;
  /** What this way takes for granted and others do not. */
  readonly when: readonly Condition[];
  readonly steps: readonly WalkStep[];
  /** The one end that it has, where it has one only and other ways have others. */
  readonly end: End | undefined;
};

/** Ways that are not told. `each`: how often one of them is taken, where all are taken as often (but for the rounding of chances). */
type More = { readonly ways: number; readonly each: Fraction | undefined };

export const mostWays = 8;

/** Beginnings and ends that all branches share stand once, before and after the forks between them. */
export function buildWalk(branches: readonly Branch[]): WalkStep[] {
  return layOut(branches.map((branch) => ({ branch, hops: branch.hops })));
}

/** A branch, and those of its hops that are still to be laid out. */
type Path = { readonly branch: Branch; readonly hops: readonly Hop[] };

function layOut(paths: readonly Path[]): WalkStep[] {
  const [first, ...others] = paths;
  if (first === undefined) return [];
  const shortest = Math.min(...paths.map(({ hops }) => hops.length));
  const isShared = (at: (hops: readonly Hop[]) => Hop | undefined) =>
    others.every(({ hops }) => isSame(at(hops), at(first.hops)));
  let before = 0;
  while (before < shortest && isShared((hops) => hops[before])) before++;
  let after = 0;
  while (after < shortest - before && isShared((hops) => hops.at(-1 - after))) after++;
  const middles = paths.map(({ branch, hops }) => ({ branch, hops: hops.slice(before, hops.length - after) }));
  return [
    ...steps(first.hops.slice(0, before)),
    ...fork(middles),
    ...steps(first.hops.slice(first.hops.length - after)),
  ];
}

function steps(hops: readonly Hop[]): WalkStep[] {
  return hops.map((hop) => ({ kind: "hop", hop }));
}

/** Paths that differ at once. Those that begin with the same rule are one way. */
function fork(paths: readonly Path[]): WalkStep[] {
  const shared = conditionsOf(paths);
  // Ways to many endpoints are told one by one: a tree of groups would be larger than what it tells.
  const isFlat = paths.length > mostWays && paths.every(({ branch }) => branch.conditions.length === shared.length);
  const members = isFlat ? paths.map((path) => [path]) : grouped(paths);
  if (members.length < 2) return [];
  const ways = members.slice(0, mostWays).map((group): Way => ({
    chance: chanceOf(group, shared),
    when: conditionsOf(group).filter(({ on, holds }) => !shared.some((each) => each.on === on && each.holds === holds)),
    steps: layOut(group),
    end: oneEnd(group),
  }));
  const rest = members.slice(mostWays);
  const more = rest.length === 0 ? undefined : { ways: rest.length, each: eachOf(rest, shared) };
  return [{ kind: "fork", ways, more }];
}

function grouped(paths: readonly Path[]): Path[][] {
  const groups = new Map<string, Path[]>();
  for (const path of paths) {
    const [first] = path.hops;
    const key = first === undefined ? "" : hopKey(first);
    const same = groups.get(key);
    if (same === undefined) groups.set(key, [path]);
    else same.push(path);
  }
  return [...groups.values()];
}

function eachOf(groups: readonly (readonly Path[])[], shared: readonly Condition[]): Fraction | undefined {
  const chances = groups.map((group) => chanceOf(group, shared));
  const [first] = chances;
  if (first === undefined) return undefined;
  const isAlike = (chance: Fraction | undefined) =>
    chance !== undefined && Math.abs(toNumber(chance) / toNumber(first) - 1) < 1e-3;
  return chances.every(isAlike) ? first : undefined;
}

/** What all of them take for granted. */
function conditionsOf(paths: readonly Path[]): readonly Condition[] {
  const [first, ...others] = paths;
  return (first?.branch.conditions ?? []).filter((condition) =>
    others.every(({ branch }) =>
      branch.conditions.some(({ on, holds }) => on === condition.on && holds === condition.holds),
    ),
  );
}

/** Added up only where all branches take the same for granted: else they are not parts of one whole. */
function chanceOf(paths: readonly Path[], shared: readonly Condition[]): Fraction | undefined {
  const [first, ...others] = paths;
  if (first === undefined || paths.some(({ branch }) => branch.conditions.length > shared.length)) return undefined;
  const sum = others.reduce((total, { branch }) => plus(total, branch.chance), first.branch.chance);
  return isCertain(sum) ? undefined : sum;
}

function oneEnd(paths: readonly Path[]): End | undefined {
  const ends = new Map(paths.map(({ branch: { end } }) => [JSON.stringify(end), end]));
  return ends.size === 1 ? [...ends.values()][0] : undefined;
}

function isSame(one: Hop | undefined, other: Hop | undefined): boolean {
  return one !== undefined && other !== undefined && hopKey(one) === hopKey(other);
}

function hopKey({ table, chain, line }: Hop): string {
  return `${table} ${chain} ${line ?? "policy"}`;
}
