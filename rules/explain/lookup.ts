// Finds what is named in a question. In: Objects, names or addresses. Out: Services, pods, frontends, and names that are nearly it.
import type { SliceEndpoint } from "../decode/endpoint-slice.ts";
import type { Protocol } from "../decode/protocol.ts";
import type { Service, ServicePortSpec } from "../decode/service.ts";
import { serviceKey, type ClusterService } from "../model/cluster.ts";
import type { HealthCheckPort, Model } from "../model/model.ts";
import { frontendKey, servicePortName, type Frontend, type ServicePort } from "../model/service-port.ts";
import type { Ip } from "../net/ip.ts";
import { entries, get, values } from "../radix/radix.ts";
import type { Objects } from "./context.ts";
import type { Transport } from "./question.ts";

/** A Service that is there, with its slices. */
export type HeldService = ClusterService & { readonly service: Service };

export function findService(objects: Objects, namespace: string, name: string): HeldService | undefined {
  for (const { cluster } of objects.models) {
    const held = get(cluster, serviceKey(namespace, name));
    if (held?.service !== undefined) return { ...held, service: held.service };
  }
  return undefined;
}

/** `namespace/name` of every Service. */
export function serviceNames(objects: Objects): string[] {
  const [model] = objects.models;
  if (model === undefined) return [];
  return [...entries(model.cluster)].filter(({ value }) => value.service !== undefined).map(({ key }) => key);
}

/** Where a pod is: from its own object, or from the slices that list it. */
export type FoundPod = { readonly ips: readonly Ip[]; readonly nodeName: string | undefined; readonly onHost: boolean };

export function findPod(objects: Objects, namespace: string, name: string): FoundPod | undefined {
  const pod = objects.pods.find((each) => each.namespace === namespace && each.name === name);
  const listed = listedAs(objects, namespace, name);
  if (pod === undefined && listed.length === 0) return undefined;
  const own = pod?.status?.ips ?? [];
  return {
    ips: own.length > 0 ? own : [...new Set(listed.flatMap(({ ip }) => ip ?? []))],
    nodeName: pod?.spec.nodeName ?? listed.find(({ nodeName }) => nodeName !== undefined)?.nodeName,
    onHost: pod?.spec.hostNetwork ?? false,
  };
}

/** `namespace/name` of every pod that is known by name. */
export function podNames(objects: Objects): string[] {
  const listed = [...allEndpoints(objects)].flatMap(({ namespace, endpoint: { pod } }) =>
    pod === undefined ? [] : [serviceKey(namespace, pod)],
  );
  return [...new Set([...objects.pods.map(({ namespace, name }) => serviceKey(namespace, name)), ...listed])].sort();
}

/** The frontend that answers for an address of its own, port and protocol. */
export function findVip(model: Model, ip: Ip, { port, protocol }: PortAndProtocol): Frontend | undefined {
  return get(model.vips.winners, frontendKey({ ip, port, protocol: upper(protocol) }));
}

export function findNodePort(model: Model, { port, protocol }: PortAndProtocol): Frontend | undefined {
  return get(model.nodePorts.winners, frontendKey({ ip: undefined, port, protocol: upper(protocol) }));
}

/** Health checks are asked by TCP. */
export function findHealthPort(model: Model, { port, protocol }: PortAndProtocol): HealthCheckPort | undefined {
  return protocol === "tcp" ? get(model.healthPorts.winners, port.toString(16).padStart(4, "0")) : undefined;
}

export type PortAndProtocol = { readonly port: number; readonly protocol: Transport };

/** Every frontend at an address, whatever its port; of node ports, those of one number. */
export function frontendsAt(model: Model, ip: Ip | undefined): Frontend[] {
  return values((ip === undefined ? model.nodePorts : model.vips).winners).filter((each) => each.ip === ip);
}

/** Service ports that this address and port is an endpoint of. */
export function endpointOf(objects: Objects, ip: Ip, port: number): string[] {
  const found = [...allEndpoints(objects)].filter(
    ({ endpoint, ports }) => endpoint.ip === ip && ports.some((each) => each.port === port),
  );
  return [...new Set(found.map(({ service }) => service))].sort();
}

/** Whether some pod or endpoint has the address. */
export function isKnownPodIp(objects: Objects, ip: Ip): boolean {
  if (objects.pods.some(({ status }) => status?.ips.includes(ip) ?? false)) return true;
  for (const { endpoint } of allEndpoints(objects)) if (endpoint.ip === ip) return true;
  return false;
}

/** A frontend with all that it was made from. */
export type ServedPort = {
  readonly model: Model;
  readonly frontend: Frontend;
  readonly servicePort: ServicePort;
  readonly spec: ServicePortSpec;
  readonly held: HeldService;
};

/** Undefined only where the frontend is not of this model. */
export function servedPort(model: Model, frontend: Frontend): ServedPort | undefined {
  const key = frontend.service.replace(/:.*$/, "");
  const held = get(model.cluster, key);
  const servicePort = get(model.services, key)?.ports.find(({ name }) => name === frontend.service);
  const service = held?.service;
  const spec = service?.ports.find((port) => servicePortName(service, port) === frontend.service);
  if (held === undefined || service === undefined || servicePort === undefined || spec === undefined) return undefined;
  return { model, frontend, servicePort, spec, held: { ...held, service } };
}

type Listed = {
  readonly namespace: string;
  readonly service: string;
  readonly ports: readonly { readonly port: number | undefined }[];
  readonly endpoint: SliceEndpoint;
};

function* allEndpoints({ models }: Objects): Generator<Listed, void, undefined> {
  const [model] = models;
  if (model === undefined) return;
  for (const { key, value } of entries(model.cluster)) {
    for (const { namespace, ports, endpoints } of value.slices)
      for (const endpoint of endpoints) yield { namespace, service: key, ports, endpoint };
  }
}

function listedAs(objects: Objects, namespace: string, pod: string): SliceEndpoint[] {
  return [...allEndpoints(objects)]
    .filter((each) => each.namespace === namespace && each.endpoint.pod === pod)
    .map(({ endpoint }) => endpoint);
}

function upper(protocol: Transport): Protocol {
  return protocol.toUpperCase() as Protocol;
}
