// The service model of one node and family. In: Cluster, View, the model before. Out: Model, whose unchanged Services stay the same objects.
import { changes, edit, emptyRadix, get, values, type Radix } from "../radix/radix.ts";
import { claim, noClaims, type Claim, type Claims } from "../radix/claims.ts";
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
  const from = before?.view === view ? before : emptyModel(view);
  const turns = changes(from.cluster, cluster).map(({ key, after }) => ({
    key,
    before: get(from.services, key),
    after: after === undefined ? undefined : buildService(key, after, view),
  }));
  const frontends = turns.flatMap((turn) => [
    ...released(frontendsOf(turn.before)),
    ...claimed(frontendsOf(turn.after)),
  ]);
  const ports = turns.flatMap((turn) => [
    ...healthClaim(turn.before, undefined),
    ...healthClaim(turn.after, turn.after),
  ]);
  return {
    view,
    cluster,
    services: edit(
      from.services,
      turns.map(({ key, after }) => (after === undefined ? { key } : { key, value: after })),
    ),
    vips: claim(
      from.vips,
      frontends.filter(({ ip }) => ip !== undefined),
    ),
    nodePorts: claim(
      from.nodePorts,
      frontends.filter(({ ip }) => ip === undefined),
    ),
    healthPorts: claim(from.healthPorts, ports),
  };
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

function frontendsOf(service: ServiceModel | undefined): Frontend[] {
  return service?.ports.flatMap((port) => port.frontends) ?? [];
}

type FrontendClaim = Claim<Frontend> & Pick<Frontend, "ip">;

function claimed(frontends: readonly Frontend[]): FrontendClaim[] {
  return frontends.map((frontend) => ({ ...claimOf(frontend), value: frontend }));
}

function released(frontends: readonly Frontend[]): FrontendClaim[] {
  return frontends.map(claimOf);
}

/** A cluster IP wins over another Service's external IP, which anybody who may create Services can set (CVE-2020-8554). */
function claimOf(frontend: Frontend): FrontendClaim {
  const precedence = { "cluster-ip": 0, "external-ip": 1, "load-balancer-ip": 2, "node-port": 3 }[frontend.kind];
  return { key: frontendKey(frontend), claimant: `${precedence} ${frontend.service}`, ip: frontend.ip };
}

function healthClaim(service: ServiceModel | undefined, value: ServiceModel | undefined): Claim<HealthCheckPort>[] {
  const port = service?.healthCheckPort;
  if (port === undefined) return [];
  const claim = { key: port.port.toString(16).padStart(4, "0"), claimant: port.service };
  return [value?.healthCheckPort === undefined ? claim : { ...claim, value: value.healthCheckPort }];
}
