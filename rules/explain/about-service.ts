// What holds of a Service, whoever asks. In: a Service with its slices, Objects. Out: ServiceReason[].
import { dnsRecords } from "../dns/records.ts";
import { familyOf, type Ip } from "../net/ip.ts";
import type { Objects } from "./context.ts";
import type { HeldService } from "./lookup.ts";
import type { ServiceReason } from "./reason/service-reason.ts";

/** Why it has no rules at all, or none in a family that it seems to be meant for; ports that nothing answers for. */
export function aboutService(held: HeldService, objects: Objects): ServiceReason[] {
  const { service } = held;
  const name = `${service.namespace}/${service.name}`;
  const ports = unresolvedPorts(held, objects);
  if (service.type === "ExternalName") return [{ code: "external-name", service: name, alias: service.externalName }];
  if (service.leftToOthers) return [{ code: "left-to-others", service: name }];
  if (service.clusterIps === "none") return [{ code: "headless", service: name, ips: namedIps(held) }, ...ports];
  if (service.clusterIps.length === 0) return [{ code: "no-cluster-ip", service: name }];
  return [...missingFamilies(held, objects), ...unbalanced(held), ...ports];
}

/** Families in which it has some other address, and yet no rules; all of them, where it has rules in none. */
function missingFamilies({ service }: HeldService, { models }: Objects): ServiceReason[] {
  const clusterIps = service.clusterIps === "none" ? [] : service.clusterIps;
  const others = [...service.externalIps, ...service.loadBalancerIps];
  const isNowhere = !models.some(({ view }) => clusterIps.some((ip) => familyOf(ip) === view.family));
  return models.flatMap(({ view: { family } }): ServiceReason[] => {
    const isMeant =
      isNowhere || others.some((ip) => familyOf(ip) === family) || service.ipFamilies.includes(`IPv${family}`);
    const isServed = clusterIps.some((ip) => familyOf(ip) === family);
    if (isServed || !isMeant) return [];
    return [{ code: "no-cluster-ip-in-family", service: `${service.namespace}/${service.name}`, family }];
  });
}

function unbalanced({ service }: HeldService): ServiceReason[] {
  if (service.type !== "LoadBalancer" || service.loadBalancerIps.length > 0) return [];
  const nodePorts = service.ports.flatMap(({ nodePort }) => nodePort ?? []);
  return [{ code: "balancer-without-address", service: `${service.namespace}/${service.name}`, nodePorts }];
}

/** Findings of resolution are told by their code and path: `spec.ports[index].targetPort`. */
function unresolvedPorts({ service }: HeldService, { problems }: Objects): ServiceReason[] {
  const name = `${service.namespace}/${service.name}`;
  return problems.flatMap(({ code, object, path }): ServiceReason[] => {
    const port =
      code === "named-port-not-found" && object === `Service ${name}` ? service.ports[Number(path[2])] : undefined;
    if (port === undefined) return [];
    return [{ code: "named-port-not-found", service: name, port: port.port, targetPort: String(port.targetPort) }];
  });
}

/** What the Service's own name resolves to. */
function namedIps(held: HeldService): Ip[] {
  const [first, ...more] = dnsRecords(held, "cluster.local");
  if (first === undefined) return [];
  return [first, ...more]
    .filter(({ name, type }) => name === first.name && (type === "A" || type === "AAAA"))
    .map(({ value }) => value as Ip);
}
