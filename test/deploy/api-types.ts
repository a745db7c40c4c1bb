// Checks objects against the API's own types. In: an object, the name of its type. Out: what is amiss, by path.
import * as client from "@kubernetes/client-node";

type Attribute = { readonly baseName: string; readonly type: string; readonly format: string };
type Typed = { readonly getAttributeTypeMap: () => readonly Attribute[] };

/** The kinds that deploy/ has. Source of their fields: @kubernetes/client-node, generated from the API's OpenAPI document. */
const typeOfKind: Readonly<Record<string, string>> = {
  "v1 ServiceAccount": "V1ServiceAccount",
  "v1 ConfigMap": "V1ConfigMap",
  "apps/v1 DaemonSet": "V1DaemonSet",
  "rbac.authorization.k8s.io/v1 ClusterRole": "V1ClusterRole",
  "rbac.authorization.k8s.io/v1 ClusterRoleBinding": "V1ClusterRoleBinding",
};

/** Unknown fields, and values of another type; empty where there are none. undefined for a kind that is none of the API's own. */
export function apiProblems(object: { readonly apiVersion: string; readonly kind: string }): string[] | undefined {
  const type = typeOfKind[`${object.apiVersion} ${object.kind}`];
  return type === undefined ? undefined : [...problemsOf(object, type, object.kind)];
}

function* problemsOf(value: unknown, type: string, at: string): Generator<string> {
  const item = /^Array<(.*)>$/.exec(type)?.[1];
  const entry = /^\{ \[key: string\]: (.*); \}$/.exec(type)?.[1];
  if (item !== undefined) {
    if (!Array.isArray(value)) yield `${at}: must be a list`;
    else for (const [index, each] of value.entries()) yield* problemsOf(each, item, `${at}[${index}]`);
  } else if (entry !== undefined) {
    if (!isObject(value)) yield `${at}: must be a map`;
    else for (const [name, each] of Object.entries(value)) yield* problemsOf(each, entry, `${at}.${name}`);
  } else if (type === "IntOrString") {
    if (typeof value !== "string" && typeof value !== "number") yield `${at}: must be a number or text`;
  } else if (type === "string" || type === "number" || type === "boolean") {
    if (typeof value !== type) yield `${at}: must be a ${type}`;
  } else yield* fieldProblems(value, type, at);
}

function* fieldProblems(value: unknown, type: string, at: string): Generator<string> {
  const known = (client as unknown as Record<string, Typed | undefined>)[type];
  if (known === undefined) throw new Error(`bug: ${at}: client-node has no ${type}`);
  if (!isObject(value)) {
    yield `${at}: must be an object`;
    return;
  }
  const attributes = known.getAttributeTypeMap();
  for (const [name, each] of Object.entries(value)) {
    const attribute = attributes.find(({ baseName }) => baseName === name);
    if (attribute === undefined) yield `${at}.${name}: is no field of ${type}`;
    else yield* problemsOf(each, attribute.type, `${at}.${name}`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
