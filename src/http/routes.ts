// Finds who answers a request. In: a table of paths, a guard. Out: a Handler that only reads.
import { textAnswer, type Handler } from "./answer.ts";
import type { Guard } from "./authorization.ts";

export type Route = {
  /** The whole path; one that ends in `/` also stands for all below it that have no route of their own. */
  readonly path: string;
  readonly answer: Handler;
};

/**
 * Serves GET and HEAD; other methods are 405, other paths 404. All below `/debug/` passes `guard` first, whether there is such a route or
 * not, so that a new route cannot be left open. Throws where two routes have the same path.
 */
export function routeHandler(routes: readonly Route[], guard: Guard): Handler {
  const byPath = new Map(routes.map((route) => [route.path, route]));
  if (byPath.size !== routes.length) throw new Error("bug: two routes have the same path");
  return async (request) => {
    const { method, path } = request;
    if (method !== "GET" && method !== "HEAD") return textAnswer(405, "only GET and HEAD\n", { Allow: "GET, HEAD" });
    const refusal = isGuarded(path) ? await guard(request) : undefined;
    if (refusal !== undefined) return refusal;
    const route = findRoute(byPath, path);
    return route === undefined ? textAnswer(404, "404 page not found\n") : route.answer(request);
  };
}

function isGuarded(path: string): boolean {
  return path === "/debug" || path.startsWith("/debug/");
}

function findRoute(byPath: ReadonlyMap<string, Route>, path: string): Route | undefined {
  const exact = byPath.get(path);
  if (exact !== undefined) return exact;
  for (let end = path.lastIndexOf("/"); end >= 0; end = end === 0 ? -1 : path.lastIndexOf("/", end - 1)) {
    const above = byPath.get(path.slice(0, end + 1));
    if (above !== undefined) return above;
  }
  return undefined;
}
