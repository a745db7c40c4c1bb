// What this API server serves, and since which version. In: a path, or an object's apiVersion and kind. Out: a Resource.

/** One resource of one API group. */
export type Resource = {
  /** "" for the core group. */
  readonly group: string;
  readonly version: string;
  /** As in paths and RBAC rules, e.g. `endpointslices`. */
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** First minor version of Kubernetes 1.x that serves it. */
  readonly sinceMinor: number;
  /** `written`: clients may create, update and patch it. `asked`: what is posted is answered and not stored. */
  readonly use: "read" | "written" | "asked";
  /** What a zero object of the Go type holds besides its metadata: the body of a bookmark. */
  readonly zero: object;
};

/**
 * Group version of ServiceCIDR: beta in 1.31 under v1beta1, v1 since 1.33.
 * Source: https://kubernetes.io/docs/reference/using-api/deprecation-guide/.
 */
const resources: readonly Resource[] = [
  core("services", "Service", { zero: { spec: {}, status: { loadBalancer: {} } } }),
  core("nodes", "Node", {
    namespaced: false,
    zero: { spec: {}, status: { daemonEndpoints: { kubeletEndpoint: { Port: 0 } }, nodeInfo: { machineID: "" } } },
  }),
  core("events", "Event", { use: "written", zero: { involvedObject: {}, source: {}, eventTime: null } }),
  {
    ...core("endpointslices", "EndpointSlice", { zero: { addressType: "", endpoints: null, ports: null } }),
    group: "discovery.k8s.io",
  },
  {
    ...core("servicecidrs", "ServiceCIDR", { namespaced: false, sinceMinor: 33, zero: { spec: {}, status: {} } }),
    group: "networking.k8s.io",
  },
  { ...core("events", "Event", { use: "written", zero: { eventTime: null } }), group: "events.k8s.io" },
  { ...core("tokenreviews", "TokenReview", { namespaced: false, use: "asked" }), group: "authentication.k8s.io" },
  {
    ...core("subjectaccessreviews", "SubjectAccessReview", { namespaced: false, use: "asked" }),
    group: "authorization.k8s.io",
  },
];

/** All that a server of `minor` serves. */
export function servedBy(minor: number): readonly Resource[] {
  return resources.filter((resource) => resource.sinceMinor <= minor);
}

/** `v1` or `group/version`. */
export function apiVersionOf({ group, version }: Resource): string {
  return group === "" ? version : `${group}/${version}`;
}

/** The name that messages and RBAC use: `services`, `endpointslices.discovery.k8s.io`. */
export function qualifiedName({ group, plural }: Resource): string {
  return group === "" ? plural : `${plural}.${group}`;
}

/** The resources of one kind. Events have two, one in each of their groups. */
export function resourcesOfKind(kind: string): readonly Resource[] {
  const found = resources.filter((resource) => resource.kind === kind);
  if (found.length === 0) throw new Error(`fake API: it has no kind ${kind}`);
  return found;
}

/** The resource that an object belongs to. Throws where there is none: a test's mistake. */
export function resourceOf(object: { readonly apiVersion?: unknown; readonly kind?: unknown }): Resource {
  const found = resources.find(
    (resource) => resource.kind === object.kind && apiVersionOf(resource) === object.apiVersion,
  );
  if (found === undefined) throw new Error(`fake API: it has no ${String(object.apiVersion)} ${String(object.kind)}`);
  return found;
}

/** What a path names: a collection (no `name`), in all namespaces (no `namespace`) or one, or an object. */
export type Target = { readonly resource: Resource; readonly namespace?: string; readonly name?: string };

/** Reads a path without its query. undefined: nothing that this version serves. */
export function parsePath(path: string, minor: number): Target | undefined {
  const match = /^\/(?:api|apis\/([^/]+))\/([^/]+)\/(?:namespaces\/([^/]+)\/)?([^/]+)(?:\/([^/]+))?$/.exec(path);
  if (match === null) return undefined;
  const [, group = "", version, namespace, plural, name] = match.map((part) => part && decodeURIComponent(part));
  const resource = servedBy(minor).find(
    (one) => one.group === group && one.version === version && one.plural === plural,
  );
  if (resource === undefined || (namespace !== undefined && !resource.namespaced)) return undefined;
  if (name !== undefined && resource.namespaced && namespace === undefined) return undefined;
  return { resource, ...(namespace === undefined ? {} : { namespace }), ...(name === undefined ? {} : { name }) };
}

function core(plural: string, kind: string, rest: Partial<Resource>): Resource {
  return { group: "", version: "v1", plural, kind, namespaced: true, sinceMinor: 0, use: "read", zero: {}, ...rest };
}
