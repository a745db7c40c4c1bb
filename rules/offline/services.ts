// Completes Services as a cluster would. In: a Service, its families, pools. Out: the Service with cluster IPs and node ports.
import { noRange } from "./problems.ts";
import type { AddressPool, NodePortPool, Placeholder } from "./placeholder.ts";
import type { Service } from "../decode/service.ts";
import type { Family, Ip } from "../net/ip.ts";
import type { Problem } from "../problem.ts";

/** A Service with what was made up for it, and what could not be; the same object where nothing was missing. */
export type Completed = {
  readonly service: Service;
  readonly placeholders: readonly Placeholder[];
  readonly problems: readonly Problem[];
};

/**
 * One cluster IP for each family where none is given. Headless and ExternalName Services have none; what is left to others
 * stays as it is. A family that no range has is reported, the others are still served.
 */
export function completeClusterIps(service: Service, families: readonly Family[], take: AddressPool): Completed {
  const { clusterIps, type } = service;
  if (clusterIps === "none" || clusterIps.length > 0 || type === "ExternalName" || service.leftToOthers)
    return { service, placeholders: [], problems: [] };
  const ips: Ip[] = [];
  const placeholders: Placeholder[] = [];
  const problems: Problem[] = [];
  for (const family of families) {
    const taken = take(`${service.namespace}/${service.name}`, family);
    if (taken === undefined) {
      problems.push(noRange(service, ["spec", "clusterIP"], `cluster IP of IPv${family}`));
      continue;
    }
    const field = ips.length === 0 ? "spec.clusterIP" : `spec.clusterIPs[${ips.length}]`;
    placeholders.push({ object: nameOf(service), field, ...taken });
    ips.push(taken.value);
  }
  if (families.length === 0) problems.push(noRange(service, ["spec", "clusterIP"], "cluster IP"));
  if (ips.length === 0) return { service, placeholders, problems };
  return { service: { ...service, clusterIps: ips, clusterIpsArePlaceholders: true }, placeholders, problems };
}

/**
 * A node port for each port of a NodePort or LoadBalancer Service that has none, unless `allocateLoadBalancerNodePorts: false`
 * asks for none. A health-check node port is never made up: without one there is no health check to serve.
 */
export function completeNodePorts(service: Service, take: NodePortPool): Completed {
  const placeholders: Placeholder[] = [];
  const problems: Problem[] = [];
  const wanted = service.type === "NodePort" || (service.type === "LoadBalancer" && service.allocateNodePorts);
  if (!wanted || service.leftToOthers) return { service, placeholders, problems };
  const ports = service.ports.map((port, index) => {
    if (port.nodePort !== undefined) return port;
    const taken = take(`${service.namespace}/${service.name}:${port.port}/${port.protocol}/nodePort`);
    if (taken === undefined) {
      problems.push(noRange(service, ["spec", "ports", index, "nodePort"], "node port"));
      return port;
    }
    const field = `spec.ports[${index}].nodePort`;
    placeholders.push({ object: nameOf(service), field, value: String(taken.value), from: taken.from });
    return { ...port, nodePort: taken.value, nodePortIsPlaceholder: true as const };
  });
  return { service: placeholders.length === 0 ? service : { ...service, ports }, placeholders, problems };
}

function nameOf(service: Service): string {
  return `Service ${service.namespace}/${service.name}`;
}
