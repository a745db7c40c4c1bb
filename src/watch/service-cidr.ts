// ServiceCIDR objects. In: unknown. Out: the blocks from which Services get their addresses.
import type * as z from "zod";
import { decodeWith } from "../../rules/decode/decode.ts";
import type { Decoded } from "../../rules/decode/decoded.ts";
import { cidr, list, object, subdomain } from "../../rules/decode/fields.ts";
import type { Cidr } from "../../rules/net/cidr.ts";

/** A ServiceCIDR (networking.k8s.io/v1, from Kubernetes 1.33). */
export type ServiceCidr = { readonly name: string; readonly cidrs: readonly Cidr[] };

/** Decodes a ServiceCIDR. */
export function decodeServiceCidr(input: unknown): Decoded<ServiceCidr> {
  return decodeWith(schema, input, "ServiceCIDR");
}

const schema: z.ZodType<ServiceCidr> = object({
  metadata: object({ name: subdomain }),
  spec: object({ cidrs: list(cidr) }),
}).transform(({ metadata, spec }) => ({ name: metadata.name, cidrs: spec.cidrs }));
