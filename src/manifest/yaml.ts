// Reads YAML as kubectl does. In: text of one document. Out: its value and where its fields stand, or what is wrong and where.
import {
  CORE_SCHEMA,
  NOT_RESOLVED,
  YAMLException,
  boolYaml11Tag,
  constructFromEvents,
  intYaml11Tag,
  mergeTag,
  parseEvents,
} from "js-yaml";
import { yamlOffsets } from "./yaml-offsets.ts";
import type { Path } from "./json-offsets.ts";

/** A document (no value: an empty one), or an error at an offset. */
export type YamlResult =
  | { readonly kind: "document"; readonly value: unknown; readonly offsetOf: (path: Path) => number }
  | { readonly kind: "error"; readonly reason: string; readonly offset: number };

/** Parses one document. Never throws. The offsets are found by parsing anew, and only when the first is asked for. */
export function parseYaml(text: string): YamlResult {
  try {
    const [value] = constructFromEvents(parseEvents(text, { maxDepth }), {
      source: text,
      schema: kubernetesSchema,
      maxAliases,
    });
    let offsets: ((path: Path) => number) | undefined;
    const offsetOf = (path: Path) => (offsets ??= yamlOffsets(text, parseEvents(text, { maxDepth })))(path);
    return { kind: "document", value, offsetOf };
  } catch (error) {
    if (error instanceof YAMLException)
      return { kind: "error", reason: error.reason, offset: Math.min(error.mark?.position ?? 0, text.length) };
    return { kind: "error", reason: error instanceof Error ? error.message : String(error), offset: 0 };
  }
}

/** Deeper than any API object (the schemas in CustomResourceDefinitions reach about 60), and far from the end of the stack. */
const maxDepth = 200;

/** Bounds what aliases inside aliases can multiply to: no decoder reads lists more than three deep. */
const maxAliases = 1000;

/**
 * What sigs.k8s.io/yaml (go-yaml v2) reads: `yes`, `on` and `y` are booleans, 0644 is octal, `<<` merges, dates are strings.
 * Unlike YAML 1.1, 12:30:45 is no number there, and 1:2:3:4:5:6:7:8 must stay the address it is.
 */
export const kubernetesSchema = CORE_SCHEMA.withTags([
  boolYaml11Tag,
  {
    ...intYaml11Tag,
    resolve: (source, isExplicit, tagName) =>
      source.includes(":") ? NOT_RESOLVED : intYaml11Tag.resolve(source, isExplicit, tagName),
  },
  mergeTag,
]);
