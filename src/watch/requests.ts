// What to ask the API server for. In: Resource, what the server takes, where we are. Out: query parameters.
import type { Resource } from "./resources.ts";
import type { Version } from "./version.ts";

/** What the server is taken to know until it refuses it; each is tried once. */
export type Abilities = {
  /** The selectors that older servers refuse. */
  readonly refusable: boolean;
  /** A watch that begins with everything there is (KEP-3157): on by default in some servers from 1.32 on. */
  readonly streaming: boolean;
};

/** How fresh a list must be. */
export type ListFrom =
  /** As the server's cache has it. This is what a start asks for, so that all nodes together do not reach etcd. */
  | { readonly kind: "cache" }
  /** From the cache too, but not older than what we have seen: time does not go back. */
  | { readonly kind: "not-older"; readonly version: Version }
  /** From etcd; in pages, or whole where the pages did not come before they were out of date. */
  | { readonly kind: "newest"; readonly paged: boolean };

type Query = Readonly<Record<string, string>>;
type Subject = { readonly resource: Resource<unknown>; readonly abilities: Abilities };

/** A page of a list; `next` is the token that the page before it gave. */
export function listQuery(subject: Subject, from: ListFrom, next: string | undefined): Query {
  const selectors = selectorsOf(subject);
  if (next !== undefined) return { ...selectors, limit: pageSize, continue: next };
  switch (from.kind) {
    case "cache":
      // Servers answer from the cache in one response and do not look at the limit; those without a cache do.
      return { ...selectors, limit: pageSize, resourceVersion: "0" };
    case "not-older":
      // With a limit some servers would go to etcd.
      return { ...selectors, resourceVersion: String(from.version), resourceVersionMatch: "NotOlderThan" };
    default:
      return from.paged ? { ...selectors, limit: pageSize } : selectors;
  }
}

/** Asks for one object only: what counts is the version of the list. It comes from etcd. */
export function probeQuery(subject: Subject): Query {
  return { ...selectorsOf(subject), limit: "1" };
}

/** Follows what happens after `from`; or, where that is undefined, sends everything there is and then follows. */
export function watchQuery(subject: Subject, from: Version | undefined, timeoutSeconds: number): Query {
  return {
    ...selectorsOf(subject),
    watch: "true",
    allowWatchBookmarks: "true",
    timeoutSeconds: String(timeoutSeconds),
    ...(from === undefined
      ? { sendInitialEvents: "true", resourceVersionMatch: "NotOlderThan" }
      : { resourceVersion: String(from) }),
  };
}

/**
 * What is left to try after a 400 or 422, or undefined where nothing was tried that could be to blame. Servers refuse the field
 * selector with 400, the streaming list with 422. Measured with 1.28.
 */
export function withoutRefused(
  { resource, abilities }: Subject,
  status: number,
  asked: "list" | "page" | "streaming" | "watch",
): Abilities | undefined {
  const selectorsTried = abilities.refusable && resource.refusable !== undefined;
  if (status === 400 && selectorsTried) return { ...abilities, refusable: false };
  if (asked === "streaming") return { ...abilities, streaming: false };
  return selectorsTried ? { ...abilities, refusable: false } : undefined;
}

/** How to list after a list that could not be had in this way: 410, 504 and the like ask for a newer one. */
export function afterRefusedList(from: ListFrom, isLaterPage: boolean): ListFrom {
  return { kind: "newest", paged: from.kind !== "newest" && !isLaterPage };
}

function selectorsOf({ resource, abilities }: Subject): Query {
  return abilities.refusable ? { ...resource.selectors, ...resource.refusable } : resource.selectors;
}

const pageSize = "500";
