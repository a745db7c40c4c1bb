// What the API server answers instead of what was asked for. In: the facts. Out: Refusals with a metav1.Status, in real servers' words.
import { qualifiedName, type Resource } from "./resources.ts";

/** An answer that is no success: HTTP status, and the Status that is its body (and the object of an ERROR event). */
export type Refusal = {
  readonly code: number;
  readonly status: object;
  readonly retryAfterSeconds?: number;
};

type Details = Readonly<Record<string, unknown>>;

/** Reasons by code, for answers that a test orders. Source: k8s.io/apimachinery/pkg/api/errors. */
const reasons: Readonly<Record<number, string>> = {
  400: "BadRequest",
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  405: "MethodNotAllowed",
  406: "NotAcceptable",
  409: "Conflict",
  410: "Expired",
  422: "Invalid",
  429: "TooManyRequests",
  500: "InternalError",
  503: "ServiceUnavailable",
  504: "Timeout",
};

/** A refusal with the usual reason of its code. */
export function refuse(code: number, message: string, details?: Details): Refusal {
  return refuseBecause(code, reasons[code] ?? "Unknown", { message, ...(details === undefined ? {} : { details }) });
}

/** Neither no token nor the right one. */
export function unauthorized(): Refusal {
  return refuse(401, "Unauthorized");
}

export function forbidden(user: string, verb: string, resource: Resource): Refusal {
  const { group, plural } = resource;
  const message =
    `${qualifiedName(resource)} is forbidden: User ${JSON.stringify(user)} cannot ${verb} resource ` +
    `${JSON.stringify(plural)} in API group ${JSON.stringify(group)} at the cluster scope`;
  return refuse(403, message, { ...(group === "" ? {} : { group }), kind: plural });
}

export function forbiddenPath(user: string, verb: string, path: string): Refusal {
  return refuse(403, `forbidden: User ${JSON.stringify(user)} cannot ${verb} path ${JSON.stringify(path)}`, {});
}

export function notFound(resource: Resource, name: string): Refusal {
  return refuse(404, `${qualifiedName(resource)} ${JSON.stringify(name)} not found`, about(resource, name));
}

export function alreadyExists(resource: Resource, name: string): Refusal {
  const message = `${qualifiedName(resource)} ${JSON.stringify(name)} already exists`;
  return refuseBecause(409, "AlreadyExists", { message, details: about(resource, name) });
}

/** Validation of one field failed. `of` is the kind and group of what was validated, `name` its name ("" for query options). */
export function invalid(of: { kind: string; group: string; name: string }, field: string, problem: string): Refusal {
  const forbiddenField = problem.startsWith("Forbidden");
  const qualified = of.group === "" ? of.kind : `${of.kind}.${of.group}`;
  return refuse(422, `${qualified} ${JSON.stringify(of.name)} is invalid: ${field}: ${problem}`, {
    ...(of.name === "" ? {} : { name: of.name }),
    ...(of.group === "" ? {} : { group: of.group }),
    kind: of.kind,
    causes: [{ reason: forbiddenField ? "FieldValueForbidden" : "FieldValueInvalid", message: problem, field }],
  });
}

/** A watch from before the oldest change that is kept. Comes with code 410 inside a stream that has begun with HTTP 200. */
export function tooOld(asked: number, oldest: number): Refusal {
  return refuse(410, `too old resource version: ${asked} (${oldest})`);
}

/** A page of a list whose beginning is no longer kept. `next` continues from the present state. */
export function expiredContinue(next: string): Refusal {
  const message =
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without the " +
    "continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with " +
    "the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time " +
    "the first chunk was returned and now may show up in the list.";
  return refuseBecause(410, "Expired", { metadata: { continue: next }, message });
}

/** A list that is to be newer than anything the server has. Real servers wait 3 s before they say so, this one does not. */
export function tooNew(asked: number, current: number): Refusal {
  const causes = [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }];
  const message = `Timeout: Too large resource version: ${asked}, current: ${current}`;
  return { ...refuse(504, message, { causes, retryAfterSeconds: 1 }), retryAfterSeconds: 1 };
}

type Said = { readonly metadata?: object; readonly message: string; readonly details?: Details };

function refuseBecause(code: number, reason: string, { metadata = {}, message, details }: Said): Refusal {
  const rest = { ...(details === undefined ? {} : { details }), code };
  return { code, status: { kind: "Status", apiVersion: "v1", metadata, status: "Failure", message, reason, ...rest } };
}

function about({ group, plural }: Resource, name: string): Details {
  return { name, ...(group === "" ? {} : { group }), kind: plural };
}
