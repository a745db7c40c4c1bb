// Takes a List apart before it is read. In: JSON text. Out: where each of its items stands, and the list without them.
import { skipSpace, skipString, skipValue } from "./json-scan.ts";

/** A List in JSON: its kind and apiVersion, and where its items begin and end. */
export type JsonList = {
  readonly kind: string;
  readonly apiVersion: unknown;
  readonly items: readonly { readonly start: number; readonly end: number }[];
};

/**
 * The items of a List, so that each can be read and let go by itself: a whole cluster read at once takes several times the
 * memory. Undefined for text that is no JSON object whose kind ends in `List`; it may still be one that is spelled otherwise.
 */
export function splitJsonList(text: string): JsonList | undefined {
  let at = skipSpace(text, 0);
  if (text[at] !== "{") return undefined;
  at = skipSpace(text, at + 1);
  let found: { readonly open: number; readonly end: number; readonly items: JsonList["items"] } | undefined;
  while (text[at] === '"') {
    const keyEnd = skipString(text, at);
    const isItems = text.slice(at, keyEnd) === '"items"';
    at = skipSpace(text, skipSpace(text, keyEnd) + 1);
    if (isItems && found !== undefined) return undefined;
    if (isItems && text[at] === "[") {
      found = scanItems(text, at);
      at = found.end;
    } else at = skipValue(text, at);
    at = skipSpace(text, at);
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return found === undefined ? undefined : withHead(text, found);
}

function scanItems(text: string, open: number): { open: number; end: number; items: { start: number; end: number }[] } {
  const items: { start: number; end: number }[] = [];
  let at = skipSpace(text, open + 1);
  while (at < text.length && text[at] !== "]") {
    const end = skipValue(text, at);
    items.push({ start: at, end });
    at = skipSpace(text, end);
    if (text[at] === ",") at = skipSpace(text, at + 1);
    else if (end === items.at(-1)?.start) break;
  }
  return { open, end: at + 1, items };
}

type Scanned = { readonly open: number; readonly end: number; readonly items: JsonList["items"] };

function withHead(text: string, { open, end, items }: Scanned): JsonList | undefined {
  try {
    const head: unknown = JSON.parse(`${text.slice(0, open)}[]${text.slice(end)}`);
    if (typeof head !== "object" || head === null || !("kind" in head)) return undefined;
    const { kind } = head;
    if (typeof kind !== "string" || !kind.endsWith("List")) return undefined;
    return { kind, apiVersion: "apiVersion" in head ? head.apiVersion : undefined, items };
  } catch {
    return undefined;
  }
}
