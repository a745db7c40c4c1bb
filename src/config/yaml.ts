// YAML, and so JSON, that remembers where each field stands. In: text. Out: its documents, or the one syntax error.
import {
  constructFromEvents,
  EVENT_ID,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE,
  YAMLException,
  type Event,
  type ScalarEvent,
} from "js-yaml";
import { lineFinder } from "../manifest/lines.ts";
import { kubernetesSchema } from "../manifest/yaml.ts";

/** Line and column, both from 1; the column counts UTF-16 units. */
export type Position = { readonly line: number; readonly column: number };

export type Path = readonly (string | number)[];

/** All documents of a text, or, where `error` is present, none. */
export type YamlText = {
  readonly documents: readonly YamlDocument[];
  readonly error?: { readonly text: string; readonly position: Position };
};

/** One document. Of a field written twice the last one counts, as in kube-proxy's lenient decoding. */
export type YamlDocument = {
  readonly value: unknown;
  readonly place: Place;
  /** Every later writing of a field that the same mapping already holds, in the order of the text. */
  readonly duplicates: readonly { readonly path: Path; readonly position: Position }[];
};

/** Where a value is: at its field's name in a mapping, at its own start elsewhere. */
export type Place = {
  readonly position: Position;
  readonly fields: ReadonlyMap<string, Place>;
  readonly items: readonly Place[];
  /** For a literal block (`|`): where its own line 1, column 1 is. */
  readonly block: Position | undefined;
};

/**
 * Parses a text of one or more documents. Never throws. Scalars are read as go-yaml v2 reads them (`yes` is true, 0644 octal, dates
 * are strings). Refused besides what is no YAML: nesting over 100, more than 10 aliases (they multiply), an alias inside its own anchor.
 */
export function parseYaml(text: string): YamlText {
  try {
    const events = parseEvents(text, { maxDepth: 100 });
    const places = readPlaces(text, events);
    const values = constructFromEvents(events, { source: text, schema: kubernetesSchema, json: true, maxAliases: 10 });
    return { documents: places.map((place, index) => ({ ...place, value: values[index] })) };
  } catch (error) {
    const position = error instanceof YAMLException && error.mark !== undefined ? error.mark : { line: 0, column: 0 };
    const reason = error instanceof YAMLException ? error.reason : String(error);
    return {
      documents: [],
      error: { text: reason, position: { line: position.line + 1, column: position.column + 1 } },
    };
  }
}

/** The place at the end of a path, or as far along it as the text goes (an absent field is reported at its mapping). */
export function placeAt(root: Place, path: Path): Place {
  let place = root;
  for (const step of path) {
    const next = typeof step === "number" ? place.items[step] : place.fields.get(step);
    if (next === undefined) return place;
    place = next;
  }
  return place;
}

/** What the reading of one text's events shares; `at` and `duplicates` move on with it. */
type Reader = {
  readonly text: string;
  readonly events: readonly Event[];
  readonly positionOf: (offset: number) => Position;
  at: number;
  duplicates: { path: Path; position: Position }[];
  /** Anchors whose collection is not closed yet: an alias to one would make a value that contains itself. */
  readonly open: string[];
};

function readPlaces(text: string, events: readonly Event[]): Omit<YamlDocument, "value">[] {
  const reader: Reader = { text, events, positionOf: lineFinder(text), at: 0, duplicates: [], open: [] };
  const documents: Omit<YamlDocument, "value">[] = [];
  while (reader.at < events.length) {
    reader.at++; // the document's own event
    reader.duplicates = [];
    const place = readPlace(reader, [], { line: 1, column: 1 });
    documents.push({ place, duplicates: reader.duplicates });
    reader.at++; // its end
  }
  return documents;
}

/** Reads one node. `fallback` is its position where the text itself shows nothing (an empty value). */
function readPlace(reader: Reader, path: Path, fallback: Position): Place {
  const event = reader.events[reader.at++];
  const fields = new Map<string, Place>();
  const items: Place[] = [];
  if (event === undefined) return { position: fallback, fields, items, block: undefined };
  const position = startOf(reader, event) ?? fallback;
  let block: Position | undefined;
  if (event.type === EVENT_ID.ALIAS) refuseOpenAlias(reader, event.anchorStart, event.anchorEnd);
  if (event.type === EVENT_ID.SCALAR) block = blockStart(reader, event);
  if (event.type === EVENT_ID.MAPPING || event.type === EVENT_ID.SEQUENCE) {
    reader.open.push(event.anchorStart < 0 ? "" : reader.text.slice(event.anchorStart, event.anchorEnd));
    if (event.type === EVENT_ID.MAPPING) readFields(reader, path, { fields, position });
    else while (!atEnd(reader)) items.push(readPlace(reader, [...path, items.length], position));
    reader.at++; // the collection's end
    reader.open.pop();
  }
  return { position, fields, items, block };
}

type Mapping = { readonly fields: Map<string, Place>; readonly position: Position };

function readFields(reader: Reader, path: Path, { fields, position: mapping }: Mapping): void {
  while (!atEnd(reader)) {
    const key = reader.events[reader.at];
    const { position } = readPlace(reader, path, mapping);
    const name = key?.type === EVENT_ID.SCALAR ? getScalarValue(reader.text, key) : undefined;
    const value = readPlace(reader, name === undefined ? path : [...path, name], position);
    if (name === undefined) continue;
    if (fields.has(name) && name !== "<<") reader.duplicates.push({ path: [...path, name], position });
    fields.set(name, { ...value, position });
  }
}

function atEnd(reader: Reader): boolean {
  const event = reader.events[reader.at];
  return event === undefined || event.type === EVENT_ID.POP;
}

function refuseOpenAlias(reader: Reader, start: number, end: number): void {
  const name = reader.text.slice(start, end);
  if (reader.open.includes(name)) YAMLException.throwAt(reader.text, start, `alias "${name}" inside its own anchor`);
}

function startOf(reader: Reader, event: Event): Position | undefined {
  switch (event.type) {
    case EVENT_ID.MAPPING:
    case EVENT_ID.SEQUENCE:
      return reader.positionOf(event.start);
    case EVENT_ID.ALIAS:
      return reader.positionOf(event.anchorStart - 1);
    case EVENT_ID.SCALAR: {
      const quote = event.style === SCALAR_STYLE.SINGLE_QUOTED || event.style === SCALAR_STYLE.DOUBLE_QUOTED ? 1 : 0;
      return event.valueStart < 0 ? undefined : reader.positionOf(event.valueStart - quote);
    }
    default:
      return undefined;
  }
}

function blockStart(reader: Reader, event: ScalarEvent): Position | undefined {
  if (event.style !== SCALAR_STYLE.LITERAL_BLOCK || event.valueStart < 0) return undefined;
  return { line: reader.positionOf(event.valueStart).line, column: Math.max(event.indent, 0) + 1 };
}
