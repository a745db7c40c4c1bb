// Who a client is and what it may do. In: an Authorization header, a verb and a resource. Out: a refusal, or undefined.
import type { Resource } from "./resources.ts";
import { forbidden, forbiddenPath, unauthorized, type Refusal } from "./status.ts";

/** One permission; `*` stands for everything. */
export type Rule = { readonly verb: string; readonly group: string; readonly resource: string };

/** Tests may change each of these at run time. */
export type Access = {
  /** Bearer tokens that are accepted, all as one service account. undefined: nobody is asked for one. */
  readonly tokens?: readonly string[] | undefined;
  /** What is allowed. undefined: everything. */
  readonly rbac?: readonly Rule[] | undefined;
  /** By token, whom TokenReview and SubjectAccessReview know, e.g. `{ name: "prometheus", may: ["get /metrics"] }`. */
  readonly reviewed?: Readonly<Record<string, Reviewed>> | undefined;
};

/** `may`: a verb and a path. */
export type Reviewed = { readonly name: string; readonly may: readonly string[] };

const account = "system:serviceaccount:kube-system:rulewright";
const anonymous = "system:anonymous";

/** A wrong token is 401. None at all is somebody: `system:anonymous`, who may do nothing here, which is 403. */
export function authenticate(access: Access, authorization: string | undefined): { user: string } | Refusal {
  if (access.tokens === undefined) return { user: account };
  if (authorization === undefined) return { user: anonymous };
  const token = /^Bearer (.+)$/.exec(authorization)?.[1] ?? "";
  return access.tokens.includes(token) ? { user: account } : unauthorized();
}

/** Checks a request for a resource. */
export function authorize(
  access: Access,
  user: string,
  asked: { verb: string; resource: Resource },
): Refusal | undefined {
  const { verb, resource } = asked;
  const matches = (rule: string, value: string) => rule === "*" || rule === value;
  const allowed = (access.rbac ?? [{ verb: "*", group: "*", resource: "*" }]).some(
    (rule) =>
      matches(rule.verb, verb) && matches(rule.group, resource.group) && matches(rule.resource, resource.plural),
  );
  return user !== anonymous && allowed ? undefined : forbidden(user, verb, resource);
}

/** Checks a request for any other path: those that tell health and version are for everybody. */
export function authorizePath(user: string, path: string): Refusal | undefined {
  const open = /^\/(version|healthz|livez|readyz)\/?$/.test(path);
  return open || user !== anonymous ? undefined : forbiddenPath(user, "get", path);
}
