// Runs a schema over one API object. In: unknown. Out: the decoded object, or every problem that it has.
import type * as z from "zod";
import type { Decoded } from "./decoded.ts";
import { quoted, type Problem } from "../problem.ts";

/**
 * Decodes `input` with `schema`. Every issue becomes one Problem: the value found, then what the schema's own message allows
 * (`is 70000, must be 1 to 65535`). Never throws, whatever the input is.
 */
export function decodeWith<T>(schema: z.ZodType<T>, input: unknown, kind: string): Decoded<T> {
  const result = schema.safeParse(input);
  if (result.success) return { value: result.data, problems: [] };
  const object = objectName(kind, input);
  return { problems: result.error.issues.map((issue) => issueProblem(issue, input, object)) };
}

/** What a check of more than one field finds: at `path`, `allowed` says what must be. */
export type Finding = { readonly path: readonly (string | number)[]; readonly code: string; readonly allowed: string };

/**
 * The same with a check over the raw input for what one field alone does not show. It runs whatever the schema says, so that all
 * problems come out at once, and must bear any input.
 */
export function decodeAndCheck<T>(schema: z.ZodType<T>, input: unknown, { kind, check }: Checked): Decoded<T> {
  const decoded = decodeWith(schema, input, kind);
  const known = new Set(decoded.problems.map(({ path }) => JSON.stringify(path)));
  const findings = check(input).filter(({ path }) => !known.has(JSON.stringify(path)));
  if (findings.length === 0) return decoded;
  const object = objectName(kind, input);
  return { problems: [...decoded.problems, ...findings.map((finding) => findingProblem(finding, input, object))] };
}

type Checked = { readonly kind: string; readonly check: (input: unknown) => readonly Finding[] };

/** `Service default/web`, from whatever the input holds; parts that are no names are quoted. Only Nodes have no namespace. */
export function objectName(kind: string, input: unknown): string {
  const metadata = at(input, ["metadata"]);
  const name = at(metadata, ["name"]);
  const namespace = at(metadata, ["namespace"]) ?? "default";
  return `${kind} ${kind === "Node" ? "" : `${nameText(namespace)}/`}${name === undefined ? "(no name)" : nameText(name)}`;
}

/** The value at a path, or undefined where the path leads nowhere. */
export function at(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const step of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Object.hasOwn(value, step) ? (value as Record<PropertyKey, unknown>)[step] : undefined;
  }
  return value;
}

function nameText(name: unknown): string {
  return typeof name === "string" && /^[A-Za-z0-9._-]{1,253}$/.test(name) ? name : shown(name);
}

/** JSON.stringify fails on deep or circular values and never ends on aliases of aliases, so only scalars are quoted. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : quoted(value);
}

function issueProblem(issue: z.core.$ZodIssue, input: unknown, object: string): Problem {
  const path = issue.path.map((step) => (typeof step === "symbol" ? String(step) : step));
  const code =
    issue.code === "custom" && typeof issue.params?.["code"] === "string" ? issue.params["code"] : issueCode(issue);
  return findingProblem({ path, code, allowed: issue.message }, input, object);
}

function findingProblem({ path, code, allowed }: Finding, input: unknown, object: string): Problem {
  const found = at(input, path);
  return {
    code,
    severity: "error",
    object,
    path,
    text: `${found === undefined ? "is missing" : `is ${shown(found)}`}, ${allowed}`,
  };
}

function issueCode(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return "wrong-type";
    case "too_big":
    case "too_small":
      return "out-of-range";
    default:
      return "invalid-value";
  }
}
