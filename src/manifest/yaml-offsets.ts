// Where values stand in a YAML text. In: the events of one text, path. Out: offset of the field or its nearest ancestor.
import { EVENT_ID, SCALAR_STYLE, getScalarValue, type Event, type ScalarEvent } from "js-yaml";
import type { Path } from "./json-offsets.ts";

/**
 * Finds the offset of a field (its key) or a list item of the text's first document; where it is missing, of the nearest
 * ancestor that is there. Aliases are followed; a field that only a merge key (`<<`) brings in counts as missing.
 */
export function yamlOffsets(text: string, events: readonly Event[]): (path: Path) => number {
  const { ends, targets } = links(text, events);
  const scanned = new Map<number, Children>();
  const root = { at: Math.max(0, offsetOf(events[1])), node: 1 };
  return (path) => {
    let found = root;
    for (const step of path) {
      const node = targets.get(found.node) ?? found.node;
      let children = scanned.get(node);
      if (children === undefined) scanned.set(node, (children = scanChildren(text, { events, ends, node })));
      const next = children.get(step);
      if (next === undefined) break;
      found = { at: next.at < 0 ? found.at : next.at, node: next.node };
    }
    return found.at;
  };
}

type Children = ReadonlyMap<string | number, { readonly at: number; readonly node: number }>;
type Links = { readonly ends: Int32Array; readonly targets: ReadonlyMap<number, number> };

/** For each event the index after its node; for each alias the index of what it stands for. */
function links(text: string, events: readonly Event[]): Links {
  const ends = new Int32Array(events.length);
  const open: number[] = [];
  const anchors = new Map<string, number>();
  const targets = new Map<number, number>();
  for (const [index, event] of events.entries()) {
    if (event.type === EVENT_ID.POP) {
      ends[open.pop() ?? 0] = index + 1;
      continue;
    }
    if (event.type === EVENT_ID.SCALAR || event.type === EVENT_ID.ALIAS) ends[index] = index + 1;
    else open.push(index);
    if (event.type === EVENT_ID.DOCUMENT || event.anchorStart < 0) continue;
    const name = text.slice(event.anchorStart, event.anchorEnd);
    const target = anchors.get(name);
    if (event.type !== EVENT_ID.ALIAS) anchors.set(name, index);
    else if (target !== undefined) targets.set(index, target);
  }
  return { ends, targets };
}

function scanChildren(
  text: string,
  { events, ends, node }: { readonly events: readonly Event[]; readonly ends: Int32Array; readonly node: number },
): Children {
  const children = new Map<string | number, { at: number; node: number }>();
  const type = events[node]?.type;
  if (type !== EVENT_ID.MAPPING && type !== EVENT_ID.SEQUENCE) return children;
  const next = (index: number) => ends[index] ?? events.length;
  const last = next(node) - 1;
  let at = node + 1;
  for (let index = 0; at < last; index++) {
    const event = events[at];
    const key = type === EVENT_ID.SEQUENCE ? index : keyText(text, event);
    const value = type === EVENT_ID.SEQUENCE ? at : next(at);
    if (key !== undefined) children.set(key, { at: offsetOf(event), node: value });
    at = next(value);
  }
  return children;
}

function keyText(text: string, event: Event | undefined): string | undefined {
  return event?.type === EVENT_ID.SCALAR ? getScalarValue(text, event) : undefined;
}

/** -1 for a scalar that is not written at all (`key:` and nothing more). */
function offsetOf(event: Event | undefined): number {
  switch (event?.type) {
    case EVENT_ID.SCALAR:
      return scalarStart(event);
    case EVENT_ID.MAPPING:
    case EVENT_ID.SEQUENCE:
      return event.start;
    case EVENT_ID.ALIAS:
      return event.anchorStart - 1;
    default:
      return -1;
  }
}

/** The value of a quoted scalar begins after its quote. */
function scalarStart(event: ScalarEvent): number {
  const quoted = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED;
  return quoted ? event.valueStart - 1 : event.valueStart;
}
