// Events that clients report. In: POST, PUT or PATCH of an Event. Out: it is stored, or refused as a real server refuses it.
import { resourceOf, type Target } from "./resources.ts";
import { alreadyExists, invalid, notFound, refuse, type Refusal } from "./status.ts";
import { objectText, type ApiObject, type Store } from "./store.ts";

/** One write, its body decoded. */
export type Write = { readonly verb: "create" | "update" | "patch"; readonly target: Target; readonly body: ApiObject };

type Meta = { readonly name?: string; readonly generateName?: string; readonly namespace?: string };

/** The text of the stored Event. Patches are merged as RFC 7396 says, which for Events is what a strategic merge does too. */
export function writeEvent(store: Store, write: Write): string | Refusal {
  const { target, body, verb } = write;
  const { resource, namespace = "default" } = target;
  const given = (body["metadata"] ?? {}) as Meta;
  const name = target.name ?? given.name ?? generated(given, store.revision());
  if (name === undefined)
    return invalid({ ...resource, name: "" }, "metadata.name", "Required value: name or generateName is required");
  const existing = store.get(resource, namespace, name);
  if (verb === "create" && existing !== undefined) return alreadyExists(resource, name);
  if (verb !== "create" && existing === undefined) return notFound(resource, name);
  if (given.namespace !== undefined && given.namespace !== namespace)
    return refuse(400, `the namespace of the provided object does not match the namespace sent on the request`);
  const old = existing === undefined ? {} : (JSON.parse(existing.json) as ApiObject);
  const merged = verb === "patch" ? (mergePatch(old, body) as ApiObject) : body;
  const { group, version, kind } = resource;
  const object: ApiObject = {
    ...merged,
    apiVersion: group === "" ? version : `${group}/${version}`,
    kind,
    metadata: { ...(merged["metadata"] as object), name, namespace },
  };
  const problem = checkEvent(object, namespace);
  if (problem !== undefined) return invalid({ kind, group: "", name }, ...problem);
  return objectText(resourceOf(object), store.put(object).json);
}

/** Source: pkg/apis/core/validation/events.go: legacy Events have one rule, those of events.k8s.io have these. */
function checkEvent(event: ApiObject, namespace: string): [field: string, problem: string] | undefined {
  const about = (event["involvedObject"] ?? event["regarding"] ?? {}) as { namespace?: string };
  // Events about nodes and other things without a namespace live in `default`.
  if ((about.namespace ?? "default") !== namespace)
    return [
      "involvedObject.namespace",
      `Invalid value: ${JSON.stringify(about.namespace ?? "")}: does not match event.namespace`,
    ];
  if (event["apiVersion"] === "v1") return undefined;
  const missing = ["eventTime", "reportingController", "reportingInstance", "action", "reason"].find(
    (field) => typeof event[field] !== "string" || event[field] === "",
  );
  if (missing !== undefined) return [missing, "Required value"];
  if (event["type"] !== "Normal" && event["type"] !== "Warning") return ["type", "Invalid value: has invalid value"];
  const { note = "" } = event as { note?: string };
  if (Buffer.byteLength(note) > 1024) return ["message", "Invalid value: can have at most 1024 bytes"];
  return undefined;
}

function generated({ generateName }: Meta, revision: number): string | undefined {
  return generateName === undefined ? undefined : `${generateName}${revision.toString(36).padStart(5, "0")}`;
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const merged: Record<string, unknown> = { ...(typeof target === "object" ? target : {}) };
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(merged, field);
    else merged[field] = mergePatch(merged[field], value);
  }
  return merged;
}
