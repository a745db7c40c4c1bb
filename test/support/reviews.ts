// TokenReview and SubjectAccessReview. In: what was posted, whom the server knows. Out: the same object with its status.
import type { Access, Reviewed } from "./access.ts";
import type { ApiObject } from "./store.ts";

/** `authenticated` with the user's name, or not. */
export function reviewToken(access: Access, review: ApiObject): ApiObject {
  const { token = "" } = (review["spec"] ?? {}) as { token?: string };
  const known = access.reviewed?.[token];
  const groups = ["system:authenticated"];
  const status =
    known === undefined
      ? { user: {}, error: "[invalid bearer token, unknown]" }
      : { authenticated: true, user: { username: known.name, uid: known.name, groups } };
  return { ...review, status };
}

/** `allowed` where the user may do that to that path. */
export function reviewAccess(access: Access, review: ApiObject): ApiObject {
  const { user, nonResourceAttributes: asked } = (review["spec"] ?? {}) as {
    user?: string;
    nonResourceAttributes?: { path?: string; verb?: string };
  };
  const known: readonly Reviewed[] = Object.values(access.reviewed ?? {});
  const what = `${asked?.verb ?? ""} ${asked?.path ?? ""}`;
  const allowed = known.some(({ name, may }) => name === user && may.includes(what));
  return { ...review, status: allowed ? { allowed } : { allowed, reason: "" } };
}
