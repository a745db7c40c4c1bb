// Which health-check node ports this node serves. In: Models of both families. Out: for each port the Service, and how many local endpoints it has.
import { get, values } from "../../rules/radix/radix.ts";
import { endpointsOf } from "../../rules/model/endpoints.ts";
import type { Model } from "../../rules/model/model.ts";
import type { HealthPort } from "../health/port-answer.ts";

/**
 * Counted are unique addresses of endpoints on this node that are ready, in any port and family: terminating ones do not count, so that
 * the load balancer drains. Source: kube-proxy ServiceEndpoints LocalReadyEndpoints.
 */
export function healthPortsOf(models: readonly Model[]): Map<number, HealthPort> {
  const found = new Map<number, { service: string; ips: Set<string> }>();
  for (const model of models) {
    for (const { service, port } of values(model.healthPorts.winners)) {
      const known = found.get(port) ?? { service, ips: new Set<string>() };
      for (const ip of localReadyIps(model, service)) known.ips.add(ip);
      found.set(port, known);
    }
  }
  return new Map([...found].map(([port, { service, ips }]) => [port, { service, localEndpoints: ips.size }]));
}

function localReadyIps(model: Model, key: string): string[] {
  const held = get(model.cluster, key);
  return (held?.service?.ports ?? []).flatMap((port) =>
    endpointsOf(held?.slices ?? [], port, model.view)
      .filter(({ local, ready }) => local && ready)
      .map(({ ip }) => ip),
  );
}
