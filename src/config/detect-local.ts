// How local traffic is told from other traffic. In: three fields of the file. Out: DetectLocal, or what is amiss.
import type * as z from "zod";
import { optional, parsed } from "../../rules/decode/fields.ts";
import type { DetectLocal } from "../../rules/model/settings.ts";
import { cidrFamily, parseCidr, type Cidr } from "../../rules/net/cidr.ts";
import { never } from "../../rules/never.ts";
import { isInterfaceName } from "./fields.ts";

/** The fields of the file that DetectLocal is built from. */
export type DetectLocalFields = {
  readonly detectLocalMode: DetectLocal["mode"];
  readonly detectLocal: { readonly bridgeInterface: string; readonly interfaceNamePrefix: string };
  readonly clusterCIDR: readonly Cidr[];
};

/** One block, or two of different families with a comma between them; "" is none. */
export const clusterCidrs: z.ZodType<Cidr[]> = optional(
  parsed(
    (value) => (value === "" ? [] : parseClusterCidrs(value.split(","))),
    "not-a-cidr",
    "must be one CIDR, or an IPv4 and an IPv6 CIDR with a comma and no space between them",
  ),
  [],
);

/** Only the fields of the chosen mode are looked at, as in kube-proxy. */
export function buildDetectLocal(fields: DetectLocalFields, context: z.core.$RefinementCtx): DetectLocal {
  const { bridgeInterface, interfaceNamePrefix } = fields.detectLocal;
  const mode = fields.detectLocalMode;
  switch (mode) {
    case "ClusterCIDR":
      return { mode, cidrs: fields.clusterCIDR };
    case "NodeCIDR":
      return { mode };
    case "BridgeInterface":
      refuseName("bridgeInterface", bridgeInterface, { mode, longest: 15, context });
      return { mode, bridgeInterface };
    case "InterfaceNamePrefix":
      // iptables counts the `+` that is put behind a prefix as part of the name, and takes 15 characters.
      refuseName("interfaceNamePrefix", interfaceNamePrefix, { mode, longest: 14, context });
      return { mode, interfaceNamePrefix };
    default:
      return never(mode);
  }
}

function refuseName(
  field: string,
  name: string,
  { mode, longest, context }: { mode: string; longest: number; context: z.core.$RefinementCtx },
): void {
  if (isInterfaceName(name) && name.length <= longest) return;
  const message = `must be 1 to ${longest} letters, digits, '.', '_', '@' or '-' in mode ${mode}`;
  context.addIssue({
    code: "custom",
    path: ["detectLocal", field],
    message,
    params: { code: "not-an-interface-name" },
  });
}

function parseClusterCidrs(texts: readonly string[]): Cidr[] | undefined {
  const cidrs = texts.map(parseCidr).filter((cidr) => cidr !== undefined);
  const families = new Set(cidrs.map(cidrFamily));
  return cidrs.length === texts.length && families.size === cidrs.length ? cidrs : undefined;
}
