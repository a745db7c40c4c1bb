// Lists one kind of objects once. In: Api, Resource. Out: its items in groups, page by page; an ApiError that says what is needed.
import { ApiError, networkError } from "../watch/api-error.ts";
import type { Api } from "../watch/api.ts";
import { readListHead } from "../watch/incoming.ts";
import { listQuery, withoutRefused, type Abilities } from "../watch/requests.ts";
import type { Resource } from "../watch/resources.ts";
import { splitItems } from "../watch/split-items.ts";

/**
 * All items, as JSON says them, of one state of the cluster; nothing where the server does not have the kind and need not. Nothing is tried
 * again but a list whose selector an older server refuses. Throws an ApiError that names the request, and for 403 the right that is missing.
 */
export async function* listOnce(
  api: Api,
  resource: Resource<unknown>,
): AsyncGenerator<readonly unknown[], void, undefined> {
  const query = (abilities: Abilities, next?: string) =>
    listQuery({ resource, abilities }, { kind: "newest", paged: true }, next);
  let abilities: Abilities = { refusable: true, streaming: false };
  let next: string | undefined;
  for (;;) {
    let body: AsyncIterable<Buffer>;
    try {
      ({ body } = await api.get(resource.path, { query: query(abilities, next) }));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 404 && resource.mayBeAbsent === true) return;
      const left = error.status === 400 ? withoutRefused({ resource, abilities }, 400, "list") : undefined;
      if (left === undefined) throw withAdvice(error, resource);
      abilities = left;
      continue;
    }
    next = yield* readPage(body, resource);
    if (next === undefined) return;
  }
}

/** The items of one answer; then the token of the next page. */
async function* readPage(
  body: AsyncIterable<Buffer>,
  { path }: Resource<unknown>,
): AsyncGenerator<readonly unknown[], string | undefined> {
  let end: unknown;
  try {
    end = yield* splitItems(body);
  } catch (error) {
    throw networkError(error, `GET ${path}`);
  }
  const head = readListHead(end);
  if (head === undefined)
    throw new ApiError(`GET ${path}: the server sent something that is no list`, {
      status: undefined,
      reason: "NotOfTheApi",
    });
  return head.next;
}

function withAdvice(error: ApiError, { name, path }: Resource<unknown>): ApiError {
  if (error.status !== 403) return error;
  const group = /^\/apis\/([^/]+)\//.exec(path)?.[1] ?? "";
  const { status, reason } = error;
  return new ApiError(
    `${error.message}; needed is a ClusterRole with apiGroups ["${group}"], resources ["${name}"], verbs ["list"]`,
    { status, reason, cause: error },
  );
}
