// What may have been meant by a name that is not there. In: the name, those that are there. Out: the nearest few.

/**
 * Up to `most` of `names` that differ from `name` in few characters (a third of its length, at most 3), contain it, are contained in it, or are the
 * same after the last slash (a Service of another namespace). The nearest first, then in order of the alphabet. Case does not matter.
 */
export function nearNames(name: string, names: readonly string[], most = 3): string[] {
  const wanted = name.toLowerCase();
  const nearest = Math.max(1, Math.min(3, Math.floor(wanted.length / 3)));
  return names
    .map((each) => ({ each, far: distance(wanted, each.toLowerCase(), nearest) }))
    .filter(({ far }) => far <= nearest)
    .sort((a, b) => a.far - b.far || (a.each < b.each ? -1 : 1))
    .slice(0, most)
    .map(({ each }) => each);
}

/** How many characters must be changed, added or removed (Levenshtein); at most `nearest` for names that are alike in another way. */
function distance(a: string, b: string, nearest: number): number {
  const edits = levenshtein(a, b);
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  const alike =
    (short.length >= 3 && long.includes(short)) || (a.includes("/") && a.split("/").at(-1) === b.split("/").at(-1));
  return alike ? Math.min(nearest, edits) : edits;
}

function levenshtein(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let at = 1; at <= a.length; at++) {
    const next = [at];
    for (let other = 1; other <= b.length; other++) {
      const replaced = (row[other - 1] ?? 0) + (a[at - 1] === b[other - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[other] ?? 0) + 1, (next[other - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
