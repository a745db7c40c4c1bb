// Loads manifests. In: sources. Out: decoded objects, problems with their places, and a way to place later problems.
import { flattenDocuments, type Item } from "./flatten.ts";
import { isKnownKind, readingOf, type Member } from "./kinds.ts";
import { renderPosition, type LocatedProblem, type SourcePosition } from "./located.ts";
import { readDocuments, type Document, type Source } from "./parse.ts";
import { objectName } from "../../rules/decode/decode.ts";
import type { OfflineObjects } from "../../rules/offline/objects.ts";
import { never } from "../../rules/never.ts";
import { quoted, type Problem } from "../../rules/problem.ts";

/** What the sources hold. */
export type Loaded = {
  readonly objects: OfflineObjects;
  readonly problems: readonly LocatedProblem[];
  /** How many objects of each kind were not looked at, since no rule depends on them; sorted by kind. */
  readonly skipped: ReadonlyMap<string, number>;
  /** Where the field of a problem of a later stage stands; without a place where no source holds the object. */
  readonly locate: (problem: Problem) => LocatedProblem;
};

/** Loads all objects. An object that stands twice (kind, namespace, name) counts as it stands first. Never throws. */
export function loadSources(sources: readonly Source[]): Loaded {
  const problems: LocatedProblem[] = [];
  const skipped = new Map<string, number>();
  const places = new Map<string, Stand>();
  const members: Member[] = [];
  for (const item of readItems(sources, problems)) {
    const reading = readingOf(item.kind, item.apiVersion);
    switch (reading.kind) {
      case "foreign": {
        const name = foreignName(item);
        skipped.set(name, (skipped.get(name) ?? 0) + 1);
        break;
      }
      case "wrong-version":
        problems.push(locateIn(item, wrongVersion(item, reading.allowed)));
        break;
      case "known": {
        const decoded = reading.decode(item.value);
        for (const problem of decoded.problems) problems.push(locateIn(item, problem));
        if (decoded.member === undefined) break;
        const name = memberName(item.kind, decoded.member);
        const first = places.get(name);
        if (first !== undefined) problems.push(locateIn(item, duplicate(name, placeOf(first, []))));
        else {
          // Not the value: with it the whole cluster as JSON would stay in memory.
          places.set(name, { positionOf: item.document.positionOf, base: item.base });
          members.push(decoded.member);
        }
        break;
      }
      default:
        return never(reading);
    }
  }
  return {
    objects: group(members),
    problems,
    skipped: new Map([...skipped].sort(([a], [b]) => (a < b ? -1 : 1))),
    locate: (problem) => {
      const stand = places.get(problem.object);
      return { problem, source: stand === undefined ? undefined : placeOf(stand, problem.path) };
    },
  };
}

function group(members: readonly Member[]): OfflineObjects {
  return {
    services: members.flatMap((member) => (member.list === "services" ? [member.object] : [])),
    slices: members.flatMap((member) => (member.list === "slices" ? [member.object] : [])),
    endpoints: members.flatMap((member) => (member.list === "endpoints" ? [member.object] : [])),
    nodes: members.flatMap((member) => (member.list === "nodes" ? [member.object] : [])),
    pods: members.flatMap((member) => (member.list === "pods" ? [member.object] : [])),
    workloads: members.flatMap((member) => (member.list === "workloads" ? [member.object] : [])),
  };
}

/** The name that problems of every stage give the object. */
function memberName(kind: string, { object }: Member): string {
  return "namespace" in object ? `${kind} ${object.namespace}/${object.name}` : `${kind} ${object.name}`;
}

/** `ConfigMap`, or `Service.serving.knative.dev` where the kind alone would mislead. */
function foreignName({ kind, apiVersion }: Item): string {
  const group = apiVersion?.includes("/") === true ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  const name = isKnownKind(kind) ? `${kind}.${group}` : kind;
  return /^[A-Za-z0-9.-]{1,253}$/.test(name) ? name : quoted(name);
}

/** Where an object stands. */
type Stand = { readonly positionOf: Document["positionOf"]; readonly base: Item["base"] };

/** The objects of all sources; what stands in the way of one goes to `problems`. */
function* readItems(sources: readonly Source[], problems: LocatedProblem[]): Generator<Item, void, undefined> {
  for (const source of sources) {
    for (const found of readDocuments(source)) {
      if ("problem" in found) {
        problems.push(found);
        continue;
      }
      const flattened = flattenDocuments([found]);
      problems.push(...flattened.problems);
      yield* flattened.items;
    }
  }
}

function locateIn({ document, base }: Item, problem: Problem): LocatedProblem {
  return { problem, source: placeOf({ positionOf: document.positionOf, base }, problem.path) };
}

function placeOf({ positionOf, base }: Stand, path: Problem["path"]): SourcePosition {
  return positionOf([...base, ...path]);
}

function wrongVersion(item: Item, allowed: string): Problem {
  return {
    code: "wrong-api-version",
    severity: "error",
    object: objectName(item.kind, item.value),
    path: ["apiVersion"],
    text: `is ${item.apiVersion === undefined ? "missing" : quoted(item.apiVersion)}, must be ${allowed}`,
  };
}

function duplicate(name: string, first: SourcePosition): Problem {
  const text = `stands more than once, this one is left out; the first is at ${renderPosition(first)}`;
  return { code: "duplicate-object", severity: "error", object: name, path: [], text };
}
