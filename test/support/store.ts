// All objects and their latest changes. In: objects as tests write them. Out: stored JSON, in order, and what changed since when.
import { managedFieldsOf } from "./managed-fields.ts";
import { qualifiedName, resourceOf, type Resource } from "./resources.ts";
import type { Selectable } from "./selectors.ts";

/** An object of the API: `apiVersion`, `kind`, `metadata.name`, and whatever its kind has. */
export type ApiObject = Readonly<Record<string, unknown>>;

/** One object at one revision. */
export type Stored = Selectable & {
  /** `namespace/name`, or `/name`: etcd's order. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
  /** Without `kind` and `apiVersion`, as list items are. Made once: lists and events are put together from it. */
  readonly json: string;
};

/** `before` is missing of a creation, `after` of a deletion. */
export type Change = {
  readonly revision: number;
  readonly resource: Resource;
  readonly before?: Stored;
  readonly after?: Stored;
};

export type Store = {
  /** Of the last change. All resources count together, as in etcd. */
  readonly revision: () => number;
  /** The revision from which on all changes are kept: a watch from an earlier one is too old. */
  readonly oldest: () => number;
  /** Creates or replaces. What changes nothing makes no change, as in a real server. */
  readonly put: (object: ApiObject) => Stored;
  readonly remove: (resource: Resource, namespace: string, name: string) => boolean;
  readonly get: (resource: Resource, namespace: string, name: string) => Stored | undefined;
  /** By key. The array never changes, so it also serves as a snapshot. */
  readonly list: (resource: Resource) => readonly Stored[];
  readonly since: (resource: Resource, revision: number) => readonly Change[];
  /** Forgets which changes there were. The objects stay. */
  readonly loseHistory: () => void;
  /** Undoes the last changes, their revisions included, as a backup of etcd does that is played back. The history is lost. */
  readonly undo: (changes: number) => void;
  readonly subscribe: (listener: (change: Change) => void) => void;
};

export type StoreOptions = {
  /** Changes to keep. Default 100,000. */
  readonly historyLimit?: number;
  /** Gives each object `managedFields`, as most objects of real clusters have. Default no. */
  readonly managedFields?: boolean;
};

export function createStore({ historyLimit = 100_000, managedFields = false }: StoreOptions): Store {
  const tables = new Map<string, Map<string, Stored>>();
  const lists = new Map<string, readonly Stored[]>();
  const listeners: ((change: Change) => void)[] = [];
  let changes: Change[] = [];
  let revision = 1;
  let oldest = 1;
  let uids = 0;

  const table = (resource: Resource) => {
    const name = qualifiedName(resource);
    const found = tables.get(name) ?? new Map<string, Stored>();
    tables.set(name, found);
    return found;
  };
  const write = (resource: Resource, key: string, stored: Stored | undefined) => {
    if (stored === undefined) table(resource).delete(key);
    else table(resource).set(key, stored);
    lists.delete(qualifiedName(resource));
  };
  const commit = (change: Change) => {
    revision = change.revision;
    write(change.resource, (change.after ?? change.before)?.key ?? "", change.after);
    changes.push(change);
    if (changes.length > historyLimit * 1.1) {
      changes = changes.slice(-historyLimit);
      oldest = (changes[0]?.revision ?? 1) - 1;
    }
    for (const listener of listeners) listener(change);
  };
  const loseHistory = () => {
    changes = [];
    oldest = revision;
  };
  return {
    revision: () => revision,
    oldest: () => oldest,
    put: (object) => {
      const resource = resourceOf(object);
      const { key } = identityOf(resource, object);
      const before = table(resource).get(key);
      const birth = before === undefined ? newborn((uids += 1)) : birthOf(before);
      const full = managedFields
        ? { ...object, metadata: { ...asObject(object["metadata"]), ...managedFieldsOf(object) } }
        : object;
      if (before !== undefined && render(resource, full, birth, before.revision).json === before.json) return before;
      const after = render(resource, full, birth, revision + 1);
      commit({ revision: revision + 1, resource, ...(before === undefined ? {} : { before }), after });
      return after;
    },
    remove: (resource, namespace, name) => {
      const before = table(resource).get(`${namespace}/${name}`);
      if (before !== undefined) commit({ revision: revision + 1, resource, before });
      return before !== undefined;
    },
    get: (resource, namespace, name) => table(resource).get(`${namespace}/${name}`),
    list: (resource) => {
      const name = qualifiedName(resource);
      const list = lists.get(name) ?? [...table(resource).values()].sort((a, b) => (a.key < b.key ? -1 : 1));
      lists.set(name, list);
      return list;
    },
    since: (resource, from) => changes.filter((change) => change.resource === resource && change.revision > from),
    loseHistory,
    undo: (count) => {
      if (count > changes.length)
        throw new Error(`fake API: asked to undo ${count} changes, ${changes.length} are kept`);
      const undone = changes.splice(changes.length - count).reverse();
      for (const { resource, before, after } of undone) write(resource, (before ?? after)?.key ?? "", before);
      revision = (undone.at(-1)?.revision ?? revision + 1) - 1;
      loseHistory();
    },
    subscribe: (listener) => void listeners.push(listener),
  };
}

/** The whole object, as GET answers it. */
export function objectText(resource: Resource, json: string): string {
  const { group, version, kind } = resource;
  const apiVersion = group === "" ? version : `${group}/${version}`;
  return `{"kind":"${kind}","apiVersion":"${apiVersion}",${json.slice(1)}`;
}

/** The same object at another revision, as events of deletions have it. */
export function atRevision(stored: Stored, revision: number): string {
  const object = JSON.parse(stored.json) as { metadata: object };
  return JSON.stringify({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } });
}

type Birth = { readonly uid: string; readonly creationTimestamp: string };

function newborn(number: number): Birth {
  const uid = `0000feed-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;
  return { uid, creationTimestamp: new Date().toISOString().replace(/\.\d+/, "") };
}

function birthOf(stored: Stored): Birth {
  const { metadata } = JSON.parse(stored.json) as { metadata: Birth };
  return { uid: metadata.uid, creationTimestamp: metadata.creationTimestamp };
}

function identityOf(resource: Resource, object: ApiObject): { key: string; namespace: string; name: string } {
  const { name, namespace: given } = asObject(object["metadata"]);
  if (typeof name !== "string" || name === "") throw new Error(`fake API: a ${resource.kind} without metadata.name`);
  const namespace = !resource.namespaced ? "" : typeof given === "string" ? given : "default";
  return { key: `${namespace}/${name}`, namespace, name };
}

function render(resource: Resource, object: ApiObject, birth: Birth, revision: number): Stored {
  const identity = identityOf(resource, object);
  const { name, namespace } = identity;
  const given = object["metadata"];
  const labels = asObject(asObject(given)["labels"]) as Record<string, string>;
  const metadata = {
    ...asObject(given),
    ...(resource.namespaced ? { namespace } : {}),
    ...birth,
    resourceVersion: String(revision),
  };
  const json = JSON.stringify({ ...object, kind: undefined, apiVersion: undefined, metadata });
  return { ...identity, revision, json, labels, fields: fieldsOf(object["spec"], { name, namespace }) };
}

function fieldsOf(spec: unknown, { name, namespace }: { name: string; namespace: string }): Stored["fields"] {
  const { clusterIP = "", type = "" } = asObject(spec) as { clusterIP?: string; type?: string };
  return { "metadata.name": name, "metadata.namespace": namespace, "spec.clusterIP": clusterIP, "spec.type": type };
}

function asObject(value: unknown): ApiObject {
  return typeof value === "object" && value !== null ? (value as ApiObject) : {};
}
