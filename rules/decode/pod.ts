// Pod objects. In: unknown. Out: Pod, only the fields that endpoints depend on.
import * as z from "zod";
import { label, list, object, optional, routableIp, stringMap, subdomain } from "./fields.ts";
import { decodeWith } from "./decode.ts";
import type { Decoded } from "./decoded.ts";
import { controller, podSpec } from "./pod-spec.ts";
import type { Controller, PodSpec } from "./pod-types.ts";
import type { Ip } from "../net/ip.ts";

/** A Pod, as a manifest writes it or as a cluster gives it. */
export type Pod = {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly controller: Controller | undefined;
  readonly spec: PodSpec;
  /** Undefined in a plain manifest: no status, or one that says nothing (`status: {}`, as generators write it). */
  readonly status: PodStatus | undefined;
  /** Has a deletionTimestamp: shutting down. */
  readonly deleting: boolean;
};

/** What the kubelet reported. */
export type PodStatus = {
  readonly phase: string | undefined;
  /** `podIPs`, or `podIP` where only that is given; empty before the pod's network is set up. */
  readonly ips: readonly Ip[];
  /** Condition `Ready` is `True`. */
  readonly ready: boolean;
};

/** Decodes a Pod (v1). */
export function decodePod(input: unknown): Decoded<Pod> {
  return decodeWith(schema, input, "Pod");
}

const podIp = optional(z.union([z.literal(""), routableIp], "must be an IP address"), "" as const);

const status = object({
  phase: optional(z.string("must be a string"), undefined),
  podIP: podIp,
  podIPs: list(object({ ip: podIp })),
  conditions: list(object({ type: z.string("must be a string"), status: z.string("must be a string") })),
});

const schema: z.ZodType<Pod> = object({
  metadata: object({
    name: subdomain,
    namespace: optional(label, "default"),
    labels: stringMap,
    ownerReferences: controller,
    deletionTimestamp: z.unknown().optional(),
  }),
  spec: podSpec,
  status: optional(status, undefined),
}).transform(({ metadata, spec, status: given }) => ({
  namespace: metadata.namespace,
  name: metadata.name,
  labels: metadata.labels,
  controller: metadata.ownerReferences,
  spec,
  status: given === undefined ? undefined : podStatus(given),
  deleting: metadata.deletionTimestamp !== undefined && metadata.deletionTimestamp !== null,
}));

function podStatus(given: z.infer<typeof status>): PodStatus | undefined {
  const several = given.podIPs.map((entry) => entry.ip);
  const ips = (several.length > 0 ? several : [given.podIP]).filter((ip): ip is Ip => ip !== "");
  if (given.phase === undefined && ips.length === 0 && given.conditions.length === 0) return undefined;
  const ready = given.conditions.some((condition) => condition.type === "Ready" && condition.status === "True");
  return { phase: phases.find((phase) => phase === given.phase), ips, ready };
}

const phases = ["Pending", "Running", "Succeeded", "Failed", "Unknown"];
