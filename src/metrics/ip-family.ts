// What an address family is called in metrics and health answers. In: 4 or 6. Out: the API's name for it.
import type { Family } from "../../rules/index.ts";

/** Source: core/v1 IPFamily, which kube-proxy writes into the label `ip_family`. */
export type IpFamilyName = "IPv4" | "IPv6";

/** `IPv4` or `IPv6`. */
export function ipFamilyName(family: Family): IpFamilyName {
  return family === 4 ? "IPv4" : "IPv6";
}
