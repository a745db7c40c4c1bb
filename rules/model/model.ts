// The service model of one node and family. In: Cluster, View, the model before. Out: Model, whose unchanged Services stay the same objects.
import { changes, emptyRadix, get, remove, set, values, type Radix } from "../radix/radix.ts";
import { claim, noClaims, release, type Claim, type Claims } from "../radix/claims.ts";
import type { Cluster, ClusterService } from "./cluster.ts";
import { buildServicePorts, frontendKey, type Frontend, type ServicePort } from "./service-port.ts";
import type { View } from "./view.ts";

/** What this node must do with packets to Services, in one family. */
export type Model = {
  readonly view: View;
  readonly cluster: Cluster;
  /** By `namespace/name`; only Services that give rules. */
  readonly services: Radix<ServiceModel>;
  /** Frontends with an address, by `frontendKey`; where several Services claim one, the winner. */
  readonly vips: Claims<Frontend>;
  /** Node ports, by `frontendKey`. */
  readonly nodePorts: Claims<Frontend>;
  /** Health-check node ports (TCP), by four hexadecimal digits; the value is the Service. */
  readonly healthPorts: Claims<HealthCheckPort>;
};

/** A Service as this node serves it. */
export type ServiceModel = {
  readonly key: string;
  readonly ports: readonly ServicePort[];
  readonly healthCheckPort: HealthCheckPort | undefined;
};

/** The port on which a load balancer asks whether this node has local endpoints of a Service. */
export type HealthCheckPort = { readonly service: string; readonly port: number };

/**
 * Builds the model of `cluster`. With `before`, a model of the same View object, only Services that differ from its cluster are
 * built anew; the result is the same as without.
 */
export function buildModel(cluster: Cluster, view: View, before?: Model): Model {
  let model = before?.view === view ? before : emptyModel(view);
  for (const { key, after } of changes(model.cluster, cluster)) {
    model = replaceService(model, key, after === undefined ? undefined : buildService(key, after, view));
  }
  return { ...model, cluster };
}

/** Every Service port that gives rules, in order of Service. */
export function servicePorts(model: Model): ServicePort[] {
  return values(model.services).flatMap((service) => service.ports);
}

/** Whether the frontend is the one that its address and port lead to (several Services may claim one). */
export function isServed(model: Model, frontend: Frontend): boolean {
  const claims = frontend.ip === undefined ? model.nodePorts : model.vips;
  return get(claims.winners, frontendKey(frontend)) === frontend;
}

function emptyModel(view: View): Model {
  return {
    view,
    cluster: emptyRadix(),
    services: emptyRadix(),
    vips: noClaims(),
    nodePorts: noClaims(),
    healthPorts: noClaims(),
  };
}

function buildService(key: string, held: ClusterService, view: View): ServiceModel | undefined {
  const ports = buildServicePorts(held, view);
  if (ports.length === 0 || held.service === undefined) return undefined;
  const { type, externalTrafficPolicy, healthCheckNodePort: port } = held.service;
  const checked = type === "LoadBalancer" && externalTrafficPolicy === "Local" && port !== undefined;
  return { key, ports, healthCheckPort: checked ? { service: key, port } : undefined };
}

function replaceService(model: Model, key: string, after: ServiceModel | undefined): Model {
  const before = get(model.services, key);
  let { vips, nodePorts, healthPorts } = model;
  for (const frontend of frontendsOf(before)) {
    if (frontend.ip === undefined) nodePorts = release(nodePorts, claimOf(frontend));
    else vips = release(vips, claimOf(frontend));
  }
  for (const frontend of frontendsOf(after)) {
    if (frontend.ip === undefined) nodePorts = claim(nodePorts, claimOf(frontend), frontend);
    else vips = claim(vips, claimOf(frontend), frontend);
  }
  const [old, now] = [before?.healthCheckPort, after?.healthCheckPort];
  if (old !== undefined) healthPorts = release(healthPorts, healthClaimOf(old));
  if (now !== undefined) healthPorts = claim(healthPorts, healthClaimOf(now), now);
  const services = after === undefined ? remove(model.services, key) : set(model.services, key, after);
  return { ...model, services, vips, nodePorts, healthPorts };
}

function frontendsOf(service: ServiceModel | undefined): Frontend[] {
  return service?.ports.flatMap((port) => port.frontends) ?? [];
}

/** A cluster IP wins over another Service's external IP, which anybody who may create Services can set (CVE-2020-8554). */
function claimOf(frontend: Frontend): Claim {
  const precedence = { "cluster-ip": 0, "external-ip": 1, "load-balancer-ip": 2, "node-port": 3 }[frontend.kind];
  return { key: frontendKey(frontend), claimant: `${precedence} ${frontend.service}` };
}

function healthClaimOf({ port, service }: HealthCheckPort): Claim {
  return { key: port.toString(16).padStart(4, "0"), claimant: service };
}
