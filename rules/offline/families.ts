// Which address families a Service has. In: the Service and the cluster's service ranges. Out: families, the primary one first.
import { cidrFamily, type Cidr } from "../net/cidr.ts";
import { familyOf, type Family } from "../net/ip.ts";
import type { Service } from "../decode/service.ts";

/**
 * What the API server would write into `ipFamilies`: cluster IPs and `ipFamilies` as given, then by `ipFamilyPolicy`. A family
 * that RequireDualStack asks for is listed even where no range has it, so that its absence is reported; one that
 * PreferDualStack asks for is not. Empty where nothing at all says. Source: kubernetes pkg/registry/core/service/storage.
 */
export function familiesOf(service: Service, serviceCidrs: readonly Cidr[]): readonly Family[] {
  const ranges = unique(serviceCidrs.map(cidrFamily));
  const clusterIps = service.clusterIps === "none" ? [] : service.clusterIps.map(familyOf);
  if (clusterIps.length > 0) return unique(clusterIps);
  const given = unique(service.ipFamilies.map((name) => (name === "IPv4" ? 4 : 6)));
  const primary = given.length > 0 ? given : ranges.slice(0, 1);
  switch (service.ipFamilyPolicy) {
    case "RequireDualStack":
      return primary.length === 0 ? [4, 6] : unique([...primary, 4, 6]);
    case "PreferDualStack":
      return unique([...primary, ...ranges]);
    default:
      return primary;
  }
}

function unique(families: readonly Family[]): readonly Family[] {
  return [...new Set(families)];
}
