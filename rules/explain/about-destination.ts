// What an address is, where it is no frontend. In: Probe, Objects. Out: DestinationReason[], and what they lead to expect.
import { endpointsOf } from "../model/endpoints.ts";
import type { Model } from "../model/model.ts";
import { isLoopback } from "../net/ip.ts";
import { get } from "../radix/radix.ts";
import { endpointOf, findHealthPort, frontendsAt } from "./lookup.ts";
import { isNodeIp, modelOf, type ExplainContext, type Objects } from "./context.ts";
import type { Probe } from "./probes.ts";
import type { DestinationReason } from "./reason/destination-reason.ts";

/** What is known of the address, from the objects. */
export function aboutDestination(probe: Probe, context: ExplainContext, objects: Objects): DestinationReason[] {
  const { ip, port, protocol } = probe.destination;
  const model = modelOf(objects, probe.family);
  if (model === undefined) return [];
  const services = endpointOf(objects, ip, port);
  if (services.length > 0) return [{ code: "endpoint-itself", ip, port, services }];
  if (isNodeIp(context, ip) || probe.destination.standsForNode) {
    const health = findHealthPort(model, probe.destination);
    if (health !== undefined) return [healthReason(health.service, port, model)];
  }
  const there = frontendsAt(model, ip);
  if (there.length > 0) {
    const ports = there.map((frontend) => `${frontend.port}/${frontend.protocol} (${frontend.service})`);
    return [{ code: "port-not-of-address", ip, port: `${port}/${protocol.toUpperCase()}`, ports }];
  }
  if (isNodeIp(context, ip) || probe.destination.standsForNode || isLoopback(ip)) {
    const other = frontendsAt(model, undefined).find((frontend) => frontend.port === port);
    const named = `${port}/${protocol.toUpperCase()}`;
    return [{ code: "node-port-of-nobody", port: named, other: other?.service }];
  }
  return [{ code: "address-of-nobody", ip }];
}

/** Source: kube-proxy's service health server: 200 with at least one ready local endpoint; addresses count, not ports. */
function healthReason(service: string, port: number, model: Model): DestinationReason {
  const held = get(model.cluster, service);
  const endpoints = (held?.service?.ports ?? []).flatMap((spec) => endpointsOf(held?.slices ?? [], spec, model.view));
  const local = new Set(endpoints.filter((each) => each.local && each.ready).map(({ ip }) => ip)).size;
  return { code: "health-check-port", port, service, local, answer: local > 0 ? 200 : 503 };
}
