// Workload objects: what makes Pods. In: unknown. Out: Workload, only the fields that endpoints depend on.
import * as z from "zod";
import { label, object, optional, stringMap, subdomain, wholeNumber } from "./fields.ts";
import { decodeWith } from "./decode.ts";
import type { Decoded } from "./decoded.ts";
import { controller, podSpec } from "./pod-spec.ts";
import type { Controller, PodSpec } from "./pod-types.ts";

/** The kinds whose Pods stand behind Services. Jobs are left out: their Pods end. */
export const workloadKinds = ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController"] as const;

/** One of `workloadKinds`. */
export type WorkloadKind = (typeof workloadKinds)[number];

/** A workload and the Pods that it asks for. */
export type Workload = {
  readonly kind: WorkloadKind;
  readonly namespace: string;
  readonly name: string;
  readonly controller: Controller | undefined;
  /** 1 where none is given, and in a DaemonSet, whose number hangs on the Nodes. */
  readonly replicas: number;
  /** Of a StatefulSet: the Service below whose name its Pods have their names in DNS. Only compared, never written. */
  readonly serviceName: string | undefined;
  /** Of a StatefulSet: the number of its first Pod, `spec.ordinals.start`. */
  readonly firstOrdinal: number;
  /** Labels of the Pods, from the template. */
  readonly labels: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
};

/** Decodes a workload of a known kind (apps/v1; v1 for ReplicationController). */
export function decodeWorkload(input: unknown, kind: WorkloadKind): Decoded<Workload> {
  const { value, problems } = decodeWith(schema, input, kind);
  return value === undefined ? { problems } : { value: { kind, ...value }, problems };
}

const schema: z.ZodType<Omit<Workload, "kind">> = object({
  metadata: object({ name: subdomain, namespace: optional(label, "default"), ownerReferences: controller }),
  spec: object({
    replicas: optional(wholeNumber(0, 2147483647), 1),
    serviceName: optional(z.string("must be a string"), undefined),
    ordinals: optional(object({ start: optional(wholeNumber(0, 2147483647), 0) }), undefined),
    template: object({ metadata: optional(object({ labels: stringMap }), { labels: {} }), spec: podSpec }),
  }),
}).transform(({ metadata, spec: { replicas, serviceName, ordinals, template } }) => ({
  namespace: metadata.namespace,
  name: metadata.name,
  controller: metadata.ownerReferences,
  replicas,
  serviceName,
  firstOrdinal: ordinals?.start ?? 0,
  labels: template.metadata.labels,
  spec: template.spec,
}));
