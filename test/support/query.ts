// What a list or watch asks for. In: a query, the resource, the server's features. Out: a Query, or the refusal that a real server gives.
import { parseFieldSelector, parseLabelSelector, type Predicate } from "./selectors.ts";
import { invalid, refuse, type Refusal } from "./status.ts";
import type { Resource } from "./resources.ts";
import type { Features } from "./versions.ts";

/** A list or watch, understood. */
export type Query = {
  readonly keep: Predicate;
  /** Whether selectors leave objects out: then pages say nothing about how many items remain. */
  readonly selects: boolean;
  /** undefined: not given, which means the latest. 0: any. */
  readonly revision: number | undefined;
  readonly exact: boolean;
  /** 0: everything at once. */
  readonly limit: number;
  readonly continue: string | undefined;
  readonly watch: boolean;
  readonly bookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
  /** undefined: not said. */
  readonly initialEvents: boolean | undefined;
};

type Texts = Readonly<Record<string, string>>;

/** Source of what is refused: k8s.io/apimachinery ListOptions and its validation; kubernetes#123905 for the fields of Services. */
export function parseQuery(query: Texts, resource: Resource, features: Features): Query | Refusal {
  const { labelSelector = "", fieldSelector = "", resourceVersion = "" } = query;
  const labels = parseLabelSelector(labelSelector);
  if (labels === undefined) return refuse(400, `unable to parse requirement: ${JSON.stringify(labelSelector)}`);
  const fields = parseFieldSelector(fieldSelector);
  if (fields === undefined) return refuse(400, `invalid selector: ${JSON.stringify(fieldSelector)}`);
  const unknown = fields.fields.find((field) => !knownFields(resource, features).includes(field));
  if (unknown !== undefined) return refuse(400, unknownField(resource, unknown, features));
  if (!/^\d*$/.test(resourceVersion)) return refuse(400, `Invalid value: ${JSON.stringify(resourceVersion)}`);
  if (query["continue"] !== undefined && !["", "0"].includes(resourceVersion))
    return refuse(400, "specifying resource version is not allowed when using continue");
  const watch = isTrue(query["watch"]);
  const initialEvents = query["sendInitialEvents"] === undefined ? undefined : isTrue(query["sendInitialEvents"]);
  const match = query["resourceVersionMatch"] ?? "";
  const problem = checkOptions({ watch, initialEvents, match, resourceVersion }, features);
  if (problem !== undefined) return invalid({ kind: "ListOptions", group: "meta.k8s.io", name: "" }, ...problem);
  return {
    keep: (object) => labels(object) && fields.keep(object),
    selects: labelSelector !== "" || fieldSelector !== "",
    revision: resourceVersion === "" ? undefined : Number(resourceVersion),
    exact: match === "Exact",
    limit: Number(query["limit"] ?? 0),
    continue: query["continue"] === "" ? undefined : query["continue"],
    watch,
    bookmarks: isTrue(query["allowWatchBookmarks"]),
    timeoutSeconds: query["timeoutSeconds"] === undefined ? undefined : Number(query["timeoutSeconds"]),
    initialEvents,
  };
}

/** As Go's conversion of a query parameter to bool: everything but these is true, `watch=` included. */
export function isTrue(text: string | undefined): boolean {
  return text !== undefined && !["false", "0"].includes(text.toLowerCase());
}

type Options = {
  readonly watch: boolean;
  readonly initialEvents: boolean | undefined;
  readonly match: string;
  readonly resourceVersion: string;
};

function checkOptions(options: Options, features: Features): [field: string, problem: string] | undefined {
  const { watch, initialEvents, match, resourceVersion } = options;
  const asked = initialEvents !== undefined;
  if (!watch && asked) return ["sendInitialEvents", "Forbidden: sendInitialEvents is forbidden for list"];
  if (!watch && match !== "" && resourceVersion === "")
    return ["resourceVersionMatch", "Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"];
  if (!watch) return undefined;
  if (asked && !features.watchList)
    return [
      "sendInitialEvents",
      "Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled",
    ];
  if (asked && match !== "NotOlderThan")
    return [
      "resourceVersionMatch",
      "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
    ];
  if (!asked && match !== "")
    return [
      "resourceVersionMatch",
      "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
    ];
  return undefined;
}

const metadataFields = ["metadata.name", "metadata.namespace"];

function knownFields(resource: Resource, features: Features): readonly string[] {
  const more = resource.plural === "services" && features.serviceFields ? ["spec.clusterIP", "spec.type"] : [];
  return [...metadataFields, ...more];
}

/** Resources with a list of fields of their own word it differently from those that have only the two of all objects. */
function unknownField(resource: Resource, field: string, features: Features): string {
  const own = resource.plural === "nodes" || knownFields(resource, features).length > 2;
  return own
    ? `field label not supported: ${field}`
    : `"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`;
}
