// What of an object is worth keeping in a test. In: an object as the API server sent it. Out: the same without what only that server cares for.

/** The kinds that are recorded. */
export type RecordedKind = "Node" | "ServiceCIDR" | "Service" | "EndpointSlice";

/**
 * Leaves out bookkeeping: `managedFields`, versions, ids, times, owners, the annotations that kubectl and controllers write for themselves,
 * and of `status` and a Node all but what rules can depend on. What is not of the expected type stays as it is, so that whoever decodes the
 * result finds the same value or the same problems.
 */
export function trimObject(kind: RecordedKind, input: unknown): unknown {
  if (!isObject(input)) return input;
  return mapFields(input, (value, field) => {
    switch (field) {
      case "metadata":
        return trimMetadata(kind, value);
      case "status":
        return filled(picked(value, statusFields[kind]));
      case "spec":
        return kind === "Node" ? picked(value, nodeSpecFields) : value;
      case "endpoints":
        return kind === "EndpointSlice" && Array.isArray(value) ? value.map(trimEndpoint) : value;
      default:
        return value;
    }
  });
}

type Fields = Readonly<Record<string, unknown>>;

const statusFields: Readonly<Record<RecordedKind, readonly string[]>> = {
  Node: ["addresses"],
  ServiceCIDR: [],
  Service: ["loadBalancer"],
  EndpointSlice: [],
};

const nodeSpecFields = ["podCIDR", "podCIDRs", "taints"];

const noise: ReadonlySet<string> = new Set([
  "managedFields",
  "resourceVersion",
  "uid",
  "creationTimestamp",
  "generation",
  "generateName",
  "selfLink",
  "ownerReferences",
]);

const noisyAnnotations: ReadonlySet<string> = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  "endpoints.kubernetes.io/last-change-trigger-time",
]);

/** A Node's annotations are its agents' notes, many of them times. */
function trimMetadata(kind: RecordedKind, metadata: unknown): unknown {
  if (!isObject(metadata)) return metadata;
  return mapFields(metadata, (value, field) => {
    if (noise.has(field) || (kind === "Node" && field === "annotations")) return undefined;
    if (field !== "annotations" || !isObject(value)) return value;
    return filled(mapFields(value, (text, name) => (noisyAnnotations.has(name) ? undefined : text)));
  });
}

/** The Pod behind an endpoint, by name alone. */
function trimEndpoint(endpoint: unknown): unknown {
  if (!isObject(endpoint)) return endpoint;
  return mapFields(endpoint, (value, field) =>
    field === "targetRef" && isObject(value)
      ? mapFields(value, (each, name) => (name === "uid" || name === "resourceVersion" ? undefined : each))
      : value,
  );
}

function picked(value: unknown, fields: readonly string[]): unknown {
  if (!isObject(value)) return value;
  return mapFields(value, (each, field) => {
    if (!fields.includes(field)) return undefined;
    // What every Service without a load balancer has.
    return field === "loadBalancer" ? filled(each) : each;
  });
}

/** Undefined for an object without fields. */
function filled(value: unknown): unknown {
  return isObject(value) && Object.keys(value).length === 0 ? undefined : value;
}

/** The same fields in the same order; those that become undefined are left out. */
function mapFields(fields: Fields, map: (value: unknown, field: string) => unknown): Fields {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([field, value]) => {
      const mapped = map(value, field);
      return mapped === undefined ? [] : [[field, mapped]];
    }),
  );
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
