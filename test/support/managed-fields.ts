// The bookkeeping of server-side apply that most objects of real clusters carry. In: an object. Out: its `managedFields`.

/** One manager that owns every field. Nobody reads it here: it is bulk, in the shape that real servers give it. */
export function managedFieldsOf(object: Readonly<Record<string, unknown>>): { readonly managedFields: object[] } {
  const { apiVersion, metadata } = object;
  const { labels, annotations } = (metadata ?? {}) as { labels?: unknown; annotations?: unknown };
  const fieldsV1 = owned({ ...object, apiVersion: undefined, kind: undefined, metadata: { labels, annotations } });
  const time = "2024-05-06T07:08:09Z";
  const manager = "kube-controller-manager";
  return { managedFields: [{ manager, operation: "Update", apiVersion, time, fieldsType: "FieldsV1", fieldsV1 }] };
}

function owned(value: unknown): object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(entries.map(([name, field]) => [`f:${name}`, owned(field)]));
}
