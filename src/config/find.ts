// Finds the KubeProxyConfiguration in a file. In: YAML text. Out: its document and where that stands in the file, or why there is none.
import { at } from "../../rules/decode/decode.ts";
import { quoted } from "../../rules/problem.ts";
import { configurationKind } from "./schema.ts";
import { parseYaml, placeAt, type Path, type Place, type Position, type YamlDocument } from "./yaml.ts";

/** The one configuration of a file. */
export type Found = {
  readonly document: YamlDocument;
  /** The text that holds the document as a field of a ConfigMap; undefined where that is the file itself. */
  readonly inside: Place | undefined;
};

/** Why there is no configuration, and the field that shows it. */
export type NotFound = {
  readonly code: "not-yaml-or-json" | "no-configuration" | "wrong-kind" | "several-configurations";
  readonly text: string;
  readonly path: Path;
  readonly position: Position;
};

/**
 * Finds the configuration: the document of that kind, alone or among others (kubeadm's file), or the text of that kind in a ConfigMap's
 * `data` (kubeadm's has the key `config.conf`). Two are refused, since there is no telling which one was meant.
 */
export function findConfiguration(text: string): Found | NotFound {
  const { documents, error } = parseYaml(text);
  if (error !== undefined) return notYaml(error.text, error.position);
  const found = documents.flatMap((document) => (isConfigMap(document) ? inConfigMap(document) : inItself(document)));
  const [first, second] = found.filter((one) => "document" in one);
  if (second !== undefined) return severalConfigurations(positionOf(second));
  return first ?? found[0] ?? notFound(documents);
}

/** Where a position of the found document is in the file. In text that is not a literal block only the field that holds it is known. */
export function positionInFile({ inside }: Found, { line, column }: Position): Position {
  if (inside === undefined) return { line, column };
  if (inside.block === undefined) return inside.position;
  return { line: inside.block.line + line - 1, column: inside.block.column + column - 1 };
}

function inItself(document: YamlDocument): Found[] {
  return isConfiguration(document) ? [{ document, inside: undefined }] : [];
}

function inConfigMap(map: YamlDocument): (Found | NotFound)[] {
  const data = at(map.value, ["data"]);
  if (typeof data !== "object" || data === null) return [];
  return Object.entries(data).flatMap(([key, text]): (Found | NotFound)[] => {
    if (typeof text !== "string") return [];
    const inside = placeAt(map.place, ["data", key]);
    const { documents, error } = parseYaml(text);
    const found = documents.filter(isConfiguration).map((document) => ({ document, inside }));
    // Other keys may hold anything; this one is kubeadm's for the configuration.
    if (key !== "config.conf" || error === undefined) return found;
    return [notYaml(error.text, positionInFile({ document: map, inside }, error.position))];
  });
}

function notFound(documents: readonly YamlDocument[]): NotFound {
  const [document, ...others] = documents;
  const position = document?.place.position ?? { line: 1, column: 1 };
  if (document === undefined || others.length > 0 || isConfigMap(document) || !isMapping(document.value)) {
    const where = document !== undefined && isConfigMap(document) ? "in this ConfigMap's data" : "in this file";
    return { code: "no-configuration", text: `not found: no ${configurationKind} ${where}`, path: [], position };
  }
  const kind = at(document.value, ["kind"]);
  const text = `${kind === undefined ? "is missing" : `is ${quoted(kind)}`}, must be ${configurationKind}`;
  return { code: "wrong-kind", text, path: ["kind"], position: placeAt(document.place, ["kind"]).position };
}

function notYaml(reason: string, position: Position): NotFound {
  return { code: "not-yaml-or-json", text: `is neither YAML nor JSON: ${reason}`, path: [], position };
}

function severalConfigurations(position: Position): NotFound {
  return { code: "several-configurations", text: "is there a second time, must be there once", path: [], position };
}

function positionOf(found: Found): Position {
  return positionInFile(found, found.document.place.position);
}

function isConfiguration({ value }: YamlDocument): boolean {
  return at(value, ["kind"]) === configurationKind;
}

function isConfigMap({ value }: YamlDocument): boolean {
  return at(value, ["kind"]) === "ConfigMap";
}

function isMapping(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
