// Takes lists apart. In: documents. Out: single objects of the API with their kinds, and what is none.
import type { Document } from "./parse.ts";
import type { Path } from "./json-offsets.ts";
import type { LocatedProblem } from "./located.ts";
import { at, objectName } from "../../rules/decode/decode.ts";
import { quoted, type Problem } from "../../rules/problem.ts";

/** One object, and where it stands: `base` leads to it inside its document. */
export type Item = {
  readonly value: unknown;
  readonly kind: string;
  readonly apiVersion: string | undefined;
  readonly document: Document;
  readonly base: Path;
};

/** The objects of the documents in their order. */
export type Flattened = { readonly items: readonly Item[]; readonly problems: readonly LocatedProblem[] };

/**
 * A value whose kind ends in `List` and that has `items` stands for its items. In a typed list (ServiceList) items may lack
 * kind and apiVersion. A list in a list is taken apart too; a list that a YAML alias repeats counts once, so that no file can
 * stand for more objects than it holds.
 */
export function flattenDocuments(documents: readonly Document[]): Flattened {
  const items: Item[] = [];
  const problems: LocatedProblem[] = [];
  const seen = new Set<unknown>();
  const open: Place[] = documents
    .map((document) => ({ document, value: document.value, base: [], typed: typeOf(document) }))
    .reverse();
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const found = asItem(place);
    if ("problem" in found) {
      problems.push(found);
      continue;
    }
    const inside = found.kind.endsWith("List") ? at(found.value, ["items"]) : undefined;
    if (inside === undefined) items.push(found);
    else if (found.base.length > 2 * maxDepth)
      problems.push(problemAt(found, [], { code: "lists-too-deep", text: "is a list too deep inside other lists" }));
    else if (Array.isArray(inside) && !seen.has(inside)) {
      seen.add(inside);
      for (let index = inside.length - 1; index >= 0; index--) open.push(member(found, inside[index], index));
    } else if (inside !== null && !Array.isArray(inside)) {
      problems.push(problemAt(found, ["items"], { code: "wrong-type", text: "is no list, must be a list of objects" }));
    }
  }
  return { items, problems };
}

/** Lists in lists in lists: kubectl itself writes none. The limit keeps paths short, and so the time they cost. */
const maxDepth = 10;

type Place = {
  readonly document: Document;
  readonly value: unknown;
  readonly base: Path;
  readonly typed?: Typed | undefined;
};

/** What a list says of its items where they do not say it themselves. */
type Typed = { readonly kind: string; readonly apiVersion: unknown };

function typeOf({ list }: Document): Typed | undefined {
  return list?.kind === "List" ? undefined : list;
}

function member(list: Item, value: unknown, index: number): Place {
  const place = { document: list.document, value, base: [...list.base, "items", index] };
  return list.kind === "List" ? place : { ...place, typed: list };
}

function asItem(place: Place): Item | LocatedProblem {
  const { document, value, base, typed } = place;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const found = Array.isArray(value) ? "a list" : quoted(value);
    return problemAt(place, [], {
      code: "not-an-object",
      text: `is ${found}, must be an object with apiVersion and kind`,
    });
  }
  const kind = at(value, ["kind"]) ?? typed?.kind.replace(/List$/, "");
  const apiVersion = at(value, ["apiVersion"]) ?? typed?.apiVersion;
  if (typeof kind !== "string" || kind === "")
    return problemAt(place, [], { code: "no-kind", text: "has no kind, must be an object with apiVersion and kind" });
  return { value, kind, apiVersion: typeof apiVersion === "string" ? apiVersion : undefined, document, base };
}

function problemAt(place: Place, path: Path, { code, text }: Pick<Problem, "code" | "text">): LocatedProblem {
  const object = at(place.value, ["metadata", "name"]) === undefined ? "Object" : objectName("Object", place.value);
  const problem: Problem = { code, severity: "error", object, path, text };
  return { problem, source: place.document.positionOf([...place.base, ...path]) };
}
