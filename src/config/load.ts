// Reads the configuration file's text. In: YAML or JSON. Out: Configuration, and every problem with its line and column.
import type { Problem } from "../../rules/problem.ts";
import { renderLocated } from "../manifest/located.ts";
import { findConfiguration, positionInFile } from "./find.ts";
import { configurationKind, decodeConfiguration, type Configuration } from "./schema.ts";
import { placeAt, type Position } from "./yaml.ts";

/** A problem and where in the file it is. Line and column count from 1. */
export type LocatedProblem = { readonly problem: Problem; readonly line: number; readonly column: number };

/** The configuration, absent where a problem is an error. Problems are in the order of the file. */
export type Loaded = { readonly config?: Configuration; readonly problems: readonly LocatedProblem[] };

/**
 * Loads a KubeProxyConfiguration from the text of a file: the object itself, one document among others, or a ConfigMap that holds it.
 * A field is located at its name, a list's item at its start, a missing field at the mapping it is missing from. Never throws.
 * `edit` may change the document before it is decoded; a field that it adds is located like a missing one.
 */
export function loadConfiguration(text: string, edit: (raw: unknown) => unknown = same): Loaded {
  const found = findConfiguration(text);
  if (!("document" in found)) {
    const { code, path, position } = found;
    return {
      problems: [located({ code, severity: "error", object: configurationKind, path, text: found.text }, position)],
    };
  }
  const { value, place, duplicates } = found.document;
  const decoded = decodeConfiguration(edit(value));
  const problems = [
    ...duplicates.map(({ path, position }) => located(duplicateField(path), positionInFile(found, position))),
    ...decoded.problems.map((problem) =>
      located(problem, positionInFile(found, placeAt(place, problem.path).position)),
    ),
  ].sort((a, b) => a.line - b.line || a.column - b.column);
  return decoded.value === undefined ? { problems } : { config: decoded.value, problems };
}

/** `config.yaml:12:5: KubeProxyConfiguration iptables.masqueradeBit: is 40, must be 0 to 31`. */
export function renderLocatedProblem(file: string, { problem, line, column }: LocatedProblem): string {
  return renderLocated({ problem, source: { file, line, column } });
}

/** kube-proxy's strict decoding refuses it, its lenient decoding then takes the last one. */
function duplicateField(path: Problem["path"]): Problem {
  const text = "is written more than once, and the last one counts";
  return { code: "duplicate-field", severity: "warning", object: configurationKind, path, text };
}

function same<T>(value: T): T {
  return value;
}

function located(problem: Problem, { line, column }: Position): LocatedProblem {
  return { problem, line, column };
}
