// What the API server sends, read as far as a reflector needs. In: unknown JSON. Out: watch events, an object's name and version, a list's.
import * as z from "zod";
import { flat } from "../../rules/flat.ts";
import { parseVersion, type Version } from "./version.ts";

/** One event of a watch. `unknown` is one that is not of the API: it is reported and passed over. */
export type WatchEvent =
  | { readonly kind: "set"; readonly object: unknown }
  | { readonly kind: "gone"; readonly object: unknown }
  | { readonly kind: "bookmark"; readonly version: Version | undefined; readonly endsInitial: boolean }
  | { readonly kind: "error"; readonly status: unknown }
  | { readonly kind: "unknown" };

/** Reads a line of a watch. Source: meta/v1 WatchEvent; KEP-3157 for the annotation that ends the initial events. */
export function readEvent(input: unknown): WatchEvent {
  const event = eventSchema.safeParse(input).data;
  if (event === undefined) return { kind: "unknown" };
  const { type, object } = event;
  switch (type) {
    case "ADDED":
    case "MODIFIED":
      return { kind: "set", object };
    case "DELETED":
      return { kind: "gone", object };
    case "ERROR":
      return { kind: "error", status: object };
    case "BOOKMARK": {
      const metadata = bookmarkSchema.safeParse(object).data?.metadata;
      const version = parseVersion(metadata?.resourceVersion ?? "");
      return {
        kind: "bookmark",
        version,
        endsInitial: metadata?.annotations?.["k8s.io/initial-events-end"] === "true",
      };
    }
    default:
      return { kind: "unknown" };
  }
}

/** Which object it is, and which state of it. `triggeredAt`: milliseconds since 1970. */
export type Identity = {
  /** `namespace/name`, or `name` for what has no namespace. */
  readonly key: string;
  readonly version: Version | undefined;
  readonly triggeredAt: number | undefined;
  readonly uid: string | undefined;
};

/** Undefined for what is no object of the API. */
export function readIdentity(input: unknown): Identity | undefined {
  const metadata = objectSchema.safeParse(input).data?.metadata;
  if (metadata === undefined) return undefined;
  const { namespace, name, uid, resourceVersion, annotations } = metadata;
  const triggered = annotations?.["endpoints.kubernetes.io/last-change-trigger-time"];
  const time = typeof triggered === "string" ? Date.parse(triggered) : NaN;
  return {
    key: namespace === undefined || namespace === "" ? name : flat(namespace, "/", name),
    version: parseVersion(resourceVersion ?? ""),
    triggeredAt: Number.isNaN(time) ? undefined : time,
    uid: typeof uid === "string" && uid.length <= longestUid ? uid : undefined,
  };
}

/** What a list says of itself. `next` is the token of its next page. Undefined where it is no list. */
export type ListHead = { readonly version: Version | undefined; readonly next: string | undefined };

/** Reads a list without its items. */
export function readListHead(input: unknown): ListHead | undefined {
  const metadata = listSchema.safeParse(input).data?.metadata;
  if (metadata === undefined) return undefined;
  return {
    version: parseVersion(metadata.resourceVersion ?? ""),
    next: metadata.continue === "" ? undefined : metadata.continue,
  };
}

const annotations = z.record(z.string(), z.unknown()).nullish().catch(undefined);
const resourceVersion = z.string().optional();

/** The API's are UUIDs of 36 characters; it is kept for each Service, so it must not be just anything. */
const longestUid = 64;

const eventSchema = z.compile(z.object({ type: z.string(), object: z.unknown() }));
const bookmarkSchema = z.object({ metadata: z.object({ resourceVersion, annotations }) });
const objectSchema = z.compile(
  z.object({
    metadata: z.object({
      namespace: z.string().optional(),
      name: z.string().min(1),
      uid: z.unknown().optional(),
      resourceVersion,
      annotations,
    }),
  }),
);
const listSchema = z.object({ metadata: z.object({ resourceVersion, continue: z.string().optional() }) });
