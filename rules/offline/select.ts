// Finds what a selector selects. In: objects with namespace and labels. Out: a lookup by namespace and selector.

/** What can be selected. */
export type Labelled = { readonly namespace: string; readonly labels: Readonly<Record<string, string>> };

/** The objects of a namespace that carry every label of a selector, in their given order; an empty selector selects none. */
export type Select<T> = (namespace: string, selector: Readonly<Record<string, string>>) => readonly T[];

/** Indexes by label, since Services times Pods is too many comparisons in a large cluster. */
export function selectorIndex<T extends Labelled>(objects: readonly T[]): Select<T> {
  const byLabel = new Map<string, T[]>();
  for (const object of objects) {
    for (const [label, value] of Object.entries(object.labels)) {
      const key = labelKey(object.namespace, label, value);
      const held = byLabel.get(key);
      if (held === undefined) byLabel.set(key, [object]);
      else held.push(object);
    }
  }
  return (namespace, selector) => {
    const wanted = Object.entries(selector);
    const candidates = wanted.map(([label, value]) => byLabel.get(labelKey(namespace, label, value)) ?? []);
    const fewest = candidates.reduce<readonly T[] | undefined>(
      (best, each) => (best === undefined || each.length < best.length ? each : best),
      undefined,
    );
    return (fewest ?? []).filter(({ labels }) =>
      wanted.every(([label, value]) => Object.hasOwn(labels, label) && labels[label] === value),
    );
  };
}

function labelKey(namespace: string, label: string, value: string): string {
  return JSON.stringify([namespace, label, value]);
}
