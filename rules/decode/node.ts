// Node objects. In: unknown. Out: Node, only the fields that rules depend on.
import * as z from "zod";
import { cidr, list, object, optional, stringMap, subdomain } from "./fields.ts";
import { decodeWith } from "./decode.ts";
import type { Decoded } from "./decoded.ts";
import { parseIp, type Ip } from "../net/ip.ts";
import type { Cidr } from "../net/cidr.ts";

/** A Node as the rules see it. */
export type Node = {
  readonly name: string;
  /** Label `topology.kubernetes.io/zone`. */
  readonly zone: string | undefined;
  readonly podCidrs: readonly Cidr[];
  /** Addresses of type InternalIP, then ExternalIP, each in the object's order; the first of a family is its primary one. */
  readonly addresses: readonly Ip[];
  /** True while it is being deleted. */
  readonly deleting?: true;
  /** Keys of `spec.taints`; absent where there are none. */
  readonly taints?: readonly string[];
};

/** Decodes a Node. */
export function decodeNode(input: unknown): Decoded<Node> {
  return decodeWith(schema, input, "Node");
}

const address = object({ type: z.string("must be a string"), address: z.string("must be a string") });

const schema: z.ZodType<Node> = object({
  metadata: object({
    name: subdomain,
    labels: stringMap,
    deletionTimestamp: optional(z.string("must be a time"), undefined),
  }),
  spec: optional(
    object({
      taints: list(object({ key: z.string("must be a string") })),
      podCIDR: optional(z.union([z.literal(""), cidr], "must be ADDRESS/LENGTH"), undefined),
      podCIDRs: list(cidr),
    }),
    undefined,
  ),
  status: optional(object({ addresses: list(address) }), undefined),
}).transform(({ metadata, spec, status }) => ({
  name: metadata.name,
  zone: metadata.labels["topology.kubernetes.io/zone"],
  podCidrs: podCidrs(spec?.podCIDR, spec?.podCIDRs ?? []),
  addresses: ["InternalIP", "ExternalIP"].flatMap((type) =>
    (status?.addresses ?? []).filter((entry) => entry.type === type).flatMap((entry) => parseIp(entry.address) ?? []),
  ),
  ...(metadata.deletionTimestamp === undefined ? {} : { deleting: true as const }),
  ...(spec === undefined || spec.taints.length === 0 ? {} : { taints: spec.taints.map(({ key }) => key) }),
}));

function podCidrs(one: Cidr | "" | undefined, several: readonly Cidr[]): readonly Cidr[] {
  if (several.length > 0) return several;
  return one === undefined || one === "" ? [] : [one];
}
