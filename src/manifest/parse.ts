// Parses one manifest file. In: its name and text. Out: values that can say where each of their fields stands, and problems.
import { jsonOffsets, splitJsonValues, type Path } from "./json-offsets.ts";
import { lineFinder } from "./lines.ts";
import { splitYaml, type Range } from "./split-yaml.ts";
import { parseYaml } from "./yaml.ts";
import type { LocatedProblem, SourcePosition } from "./located.ts";
import { printable } from "../../rules/problem.ts";

/** One file, or what standard input gave. */
export type Source = { readonly name: string; readonly text: string };

/** One document of a file; empty ones are left out. */
export type Document = {
  readonly value: unknown;
  /** Where a field stands, or its nearest ancestor where it is missing. Costs nothing until it is called. */
  readonly positionOf: (path: Path) => SourcePosition;
};

/** The sound documents of a file in its order, and what is wrong with the others. */
export type Parsed = { readonly documents: readonly Document[]; readonly problems: readonly LocatedProblem[] };

/**
 * Reads JSON (one value, or several that follow one another), YAML, and YAML documents that are JSON. A document that cannot
 * be read loses no other. Never throws.
 */
export function parseSource(source: Source): Parsed {
  const text = source.text.startsWith("\uFEFF") ? source.text.slice(1) : source.text;
  const lineOf = lineFinder(text);
  const placeAt = (offset: number) => ({ file: source.name, ...lineOf(offset) });
  const whole = { start: 0, end: text.length };
  const json = parseJson(text, whole);
  const parts = json === undefined ? splitYaml(text).flatMap((range) => parseDocument(text, range)) : [json];
  const documents: Document[] = [];
  const problems: LocatedProblem[] = [];
  for (const part of parts) {
    if (part.kind === "error") problems.push(syntaxProblem(part.reason, placeAt(part.offset)));
    else if (part.value !== undefined && part.value !== null)
      documents.push({ value: part.value, positionOf: (path) => placeAt(part.offsetOf(path)) });
  }
  return { documents, problems };
}

type Part =
  | { readonly kind: "document"; readonly value: unknown; readonly offsetOf: (path: Path) => number }
  | { readonly kind: "error"; readonly reason: string; readonly offset: number };

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
    let offsets: ((path: Path) => number) | undefined;
    const offsetOf = (path: Path) => range.start + (offsets ??= jsonOffsets(own))(path);
    return { kind: "document", value, offsetOf };
  } catch {
    return undefined;
  }
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
