// Events, and what of them the API server takes. In: an Event, a time, a count. Out: JSON objects for events.k8s.io/v1.
import { printable } from "../../rules/problem.ts";

/** Something that happened to an object of the cluster. */
export type Event = {
  readonly regarding: ObjectReference;
  readonly type: "Normal" | "Warning";
  /** Why, in one word that machines know. See `occasions`. */
  readonly reason: string;
  /** What, for people. Cut at 1024 bytes; what is not printable ASCII becomes `?`. */
  readonly note: string;
  /** What was being done. */
  readonly action: string;
};

/** An object that an event is about. */
export type ObjectReference = {
  readonly apiVersion: string;
  readonly kind: string;
  /** Absent for objects without, such as Nodes; their events live in `default`. */
  readonly namespace?: string;
  readonly name: string;
  /** `kubectl describe` shows events only where it fits the object's. */
  readonly uid?: string;
};

/** Who tells. */
export type Reporter = { readonly controller: string; readonly nodeName: string };

/** When an event was first and last seen, and how often. Times are milliseconds since 1970. */
export type Series = { readonly firstAt: number; readonly lastAt: number; readonly count: number };

/** A Node. Its events carry its name as uid, which is how kubelet and kube-proxy do it, and where `kubectl describe` looks. */
export function nodeReference(name: string): ObjectReference {
  return { apiVersion: "v1", kind: "Node", name, uid: name };
}

/** A Service, from `namespace/name`. */
export function serviceReference(key: string, uid?: string): ObjectReference {
  const [namespace = "", name = ""] = key.split("/");
  return { apiVersion: "v1", kind: "Service", namespace, name, ...(uid === undefined ? {} : { uid }) };
}

/**
 * Reasons, and the type and action that go with each. Those of kube-proxy are spelled as there, since people have alerts on them.
 * Source: kube-proxy's server.go, server_linux.go, healthcheck/service_health.go.
 */
export const occasions = {
  Starting: { type: "Normal", reason: "Starting", action: "StartKubeProxy" },
  FailedToStartProxierHealthcheck: {
    type: "Warning",
    reason: "FailedToStartProxierHealthcheck",
    action: "StartKubeProxy",
  },
  FailedToStartMetricServer: { type: "Warning", reason: "FailedToStartMetricServer", action: "StartKubeProxy" },
  readOnlySysFS: { type: "Warning", reason: "readOnlySysFS", action: "StartKubeProxy" },
  FailedToStartServiceHealthcheck: { type: "Warning", reason: "FailedToStartServiceHealthcheck", action: "Listen" },
  /** The kernel's tools refuse a Service's rules; its last good ones stay. */
  RulesRefused: { type: "Warning", reason: "RulesRefused", action: "WriteRules" },
  /** They take them again. */
  RulesAccepted: { type: "Normal", reason: "RulesAccepted", action: "WriteRules" },
  /** No rules could be written at all. */
  SyncFailed: { type: "Warning", reason: "SyncFailed", action: "WriteRules" },
  /** IPVS mode was asked for and cannot be served. */
  FellBackToIptables: { type: "Warning", reason: "FellBackToIptables", action: "StartKubeProxy" },
  /** Somebody else changed our rules. */
  RulesDrifted: { type: "Warning", reason: "RulesDrifted", action: "CheckRules" },
  RulesRepaired: { type: "Normal", reason: "RulesRepaired", action: "RepairRules" },
} as const satisfies Readonly<Record<string, Pick<Event, "type" | "reason" | "action">>>;

/** The namespace in which an event about an object lives. */
export function namespaceOf(regarding: ObjectReference): string {
  return regarding.namespace ?? "default";
}

/** Equal for events that are one, seen again. */
export function eventKey({ regarding, type, reason, note, action }: Event): string {
  return JSON.stringify([objectKey(regarding), type, reason, action, note]);
}

/** Equal for events about one object. */
export function objectKey({ kind, namespace = "", name, uid = "" }: ObjectReference): string {
  return `${kind}/${namespace}/${name}/${uid}`;
}

/** The object to POST. `name` must be new. Source: events.k8s.io/v1; limits in pkg/apis/core/validation/events.go. */
export function buildEvent(
  event: Event,
  series: Series,
  { name, reporter }: { name: string; reporter: Reporter },
): object {
  const { regarding, type, reason, note, action } = event;
  return {
    apiVersion: "events.k8s.io/v1",
    kind: "Event",
    metadata: { name, namespace: namespaceOf(regarding) },
    eventTime: microTime(series.firstAt),
    reportingController: reporter.controller,
    reportingInstance: `${reporter.controller}-${reporter.nodeName}`.slice(0, 128),
    action: action.slice(0, 128),
    reason: reason.slice(0, 128),
    type,
    regarding,
    note: cutNote(note),
    ...(series.count > 1 ? buildPatch(series) : {}),
  };
}

/** The merge patch that says that an event was seen again. `count` must be 2 at least: the server wants it so. */
export function buildPatch({ count, lastAt }: Series): object {
  return { series: { count, lastObservedTime: microTime(lastAt) } };
}

/** A name for an event: that of the object it is about, a dot, `unique`; at most 253 characters, as names are. */
export function eventName({ name }: ObjectReference, unique: string): string {
  return `${name.slice(0, 252 - unique.length).replace(/[.-]+$/, "")}.${unique}`;
}

/** At most 1024 bytes, all printable. */
export function cutNote(note: string): string {
  const text = printable(note);
  return text.length > 1024 ? `${text.slice(0, 1021)}...` : text;
}

/** As metav1.MicroTime wants it: exactly six digits behind the point. */
function microTime(at: number): string {
  return new Date(at).toISOString().replace("Z", "000Z");
}
