// Parses one manifest file. In: its name and text. Out: values that can say where each of their fields stands, and problems.
import { jsonOffsets, splitJsonValues, type Path } from "./json-offsets.ts";
import { splitJsonList } from "./json-list.ts";
import { lineFinder } from "./lines.ts";
import { splitYaml, type Range } from "./split-yaml.ts";
import { parseYaml } from "./yaml.ts";
import type { LocatedProblem, SourcePosition } from "./located.ts";
import { printable } from "../../rules/problem.ts";

/** One file, or what standard input gave. */
export type Source = { readonly name: string; readonly text: string };

/** One document of a file, or one item of a List that is a document; empty ones are left out. */
export type Document = {
  readonly value: unknown;
  /** The List that it is an item of; its items may leave kind and apiVersion to it. */
  readonly list?: { readonly kind: string; readonly apiVersion: unknown };
  /** Where a field stands, or its nearest ancestor where it is missing. Costs nothing until it is called, and does not hold `value`. */
  readonly positionOf: (path: Path) => SourcePosition;
};

/** The sound documents of a file in its order, and what is wrong with the others. */
export type Parsed = { readonly documents: readonly Document[]; readonly problems: readonly LocatedProblem[] };

/**
 * Reads JSON (one value, or several that follow one another), YAML, and YAML documents that are JSON. A document that cannot
 * be read loses no other. Never throws.
 */
export function parseSource(source: Source): Parsed {
  const documents: Document[] = [];
  const problems: LocatedProblem[] = [];
  for (const found of readDocuments(source)) {
    if ("problem" in found) problems.push(found);
    else documents.push(found);
  }
  return { documents, problems };
}

/** What `parseSource` gives, one by one: a large file's documents need not all be held at the same time. */
export function* readDocuments(source: Source): Generator<Document | LocatedProblem, void, undefined> {
  const text = source.text.startsWith("\uFEFF") ? source.text.slice(1) : source.text;
  const lineOf = lineFinder(text);
  const placeAt = (offset: number) => ({ file: source.name, ...lineOf(offset) });
  for (const part of readParts(text)) {
    if (part.kind === "error") yield syntaxProblem(part.reason, placeAt(part.offset));
    else if (part.value !== undefined && part.value !== null) {
      const { value, list, offsetOf } = part;
      const positionOf = (path: Path) => placeAt(offsetOf(path));
      yield list === undefined ? { value, positionOf } : { value, list, positionOf };
    }
  }
}

type Part =
  | {
      readonly kind: "document";
      readonly value: unknown;
      readonly list?: Document["list"];
      readonly offsetOf: (path: Path) => number;
    }
  | { readonly kind: "error"; readonly reason: string; readonly offset: number };

function* readParts(text: string): Generator<Part, void, undefined> {
  const list = splitJsonList(text);
  if (list !== undefined) {
    for (const range of list.items) {
      const part = parseJson(text, range) ?? yamlPart(text, range);
      yield part.kind === "error" ? part : { ...part, list };
    }
    return;
  }
  const json = parseJson(text, { start: 0, end: text.length });
  if (json !== undefined) yield json;
  else for (const range of splitYaml(text)) yield* parseDocument(text, range);
}

function parseDocument(text: string, range: Range): readonly Part[] {
  const json = parseJson(text, range);
  if (json !== undefined) return [json];
  const pieces = startsAsJson(text, range) ? splitJsonValues(text.slice(range.start, range.end)) : [];
  if (
    pieces.length > 1 &&
    pieces.every(({ start }) => startsAsJson(text, { start: range.start + start, end: range.end }))
  )
    return pieces.map(({ start, end }) => {
      const piece = { start: range.start + start, end: range.start + end };
      return parseJson(text, piece) ?? yamlPart(text, piece);
    });
  return [yamlPart(text, range)];
}

/** Undefined where the text is no JSON: it may still be YAML, whose flow style looks like JSON. */
function parseJson(text: string, range: Range): Part | undefined {
  if (!startsAsJson(text, range)) return undefined;
  const own = text.slice(range.start, range.end);
  try {
    const value: unknown = JSON.parse(own);
    return { kind: "document", value, offsetOf: offsetsIn(text, range) };
  } catch {
    return undefined;
  }
}

/** Made apart from the value, so that who keeps the offsets does not keep the value with them. */
function offsetsIn(text: string, { start, end }: Range): (path: Path) => number {
  let offsets: ((path: Path) => number) | undefined;
  return (path) => start + (offsets ??= jsonOffsets(text.slice(start, end)))(path);
}

function yamlPart(text: string, range: Range): Part {
  const result = parseYaml(text.slice(range.start, range.end));
  if (result.kind === "error") return { ...result, offset: range.start + result.offset };
  return { ...result, offsetOf: (path) => range.start + result.offsetOf(path) };
}

function startsAsJson(text: string, { start, end }: Range): boolean {
  let at = start;
  while (at < end && " \t\r\n".includes(text.charAt(at))) at++;
  return at < end && (text[at] === "{" || text[at] === "[");
}

function syntaxProblem(reason: string, source: SourcePosition): LocatedProblem {
  const text = printable(reason.length > 200 ? `${reason.slice(0, 197)}...` : reason);
  return { problem: { code: "not-yaml-or-json", severity: "error", object: "Document", path: [], text }, source };
}
