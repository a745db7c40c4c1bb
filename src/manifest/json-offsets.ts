// Where values stand in a JSON text. In: text that JSON.parse takes, path. Out: offset of the field or its nearest ancestor.
import { skipSpace, skipString, skipValue } from "./json-scan.ts";

/** A path inside a value, outermost step first. */
export type Path = readonly (string | number)[];

/**
 * Finds the offset of a field (its key) or a list item; where it is missing, of the nearest ancestor that is there. Each
 * object and list is scanned once, when a path first leads through it, so that many problems in one long list cost one scan.
 */
export function jsonOffsets(text: string): (path: Path) => number {
  const start = skipSpace(text, 0);
  const scanned = new Map<number, Children>();
  return (path) => {
    let found = { at: start, value: start };
    for (const step of path) {
      let children = scanned.get(found.value);
      if (children === undefined) scanned.set(found.value, (children = scanChildren(text, found.value)));
      const next = children.get(step);
      if (next === undefined) return found.at;
      found = next;
    }
    return found.at;
  };
}

/** The offsets at which the values of a JSON text begin and end: one, or several where values follow one another. */
export function splitJsonValues(text: string): readonly { readonly start: number; readonly end: number }[] {
  const pieces: { start: number; end: number }[] = [];
  let at = skipSpace(text, 0);
  while (at < text.length) {
    const end = text[at] === "{" || text[at] === "[" ? skipValue(text, at) : text.length;
    pieces.push({ start: at, end });
    at = skipSpace(text, end);
  }
  return pieces;
}

type Children = ReadonlyMap<string | number, { readonly at: number; readonly value: number }>;

/** Of a key that stands twice the last counts, as for JSON.parse. */
function scanChildren(text: string, open: number): Children {
  const children = new Map<string | number, { at: number; value: number }>();
  const isObject = text[open] === "{";
  if (!isObject && text[open] !== "[") return children;
  let at = skipSpace(text, open + 1);
  for (let index = 0; at < text.length && text[at] !== "}" && text[at] !== "]"; index++) {
    const start = at;
    let key: string | number = index;
    if (isObject) {
      const end = skipString(text, at);
      key = JSON.parse(text.slice(at, end)) as string;
      at = skipSpace(text, skipSpace(text, end) + 1);
    }
    children.set(key, { at: start, value: at });
    at = skipSpace(text, skipValue(text, at));
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return children;
}
