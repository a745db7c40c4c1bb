// From a question to packets. In: From, To, ExplainContext. Out: Probe[], or the reason why there is none.
import type { Service } from "../decode/service.ts";
import { servicePortName } from "../model/service-port.ts";
import { familyOf, hostPort, isLoopback, type Family, type Ip } from "../net/ip.ts";
import { never } from "../never.ts";
import { get } from "../radix/radix.ts";
import type { Packet } from "../trace/packet.ts";
import { findClient, isClient, type Client } from "./clients.ts";
import { familiesIn, modelOf, type ExplainContext, type Objects } from "./context.ts";
import {
  addressDestination,
  dumpDestinations,
  frontendDestinations,
  isInRules,
  nodePortDestination,
  type Destination,
} from "./destinations.ts";
import { findHealthPort, findService, serviceNames } from "./lookup.ts";
import { nearNames } from "./near-names.ts";
import type { From, To } from "./question.ts";
import type { QuestionReason } from "./reason/question-reason.ts";
import { aboutService } from "./about-service.ts";
import type { ServiceReason } from "./reason/service-reason.ts";

/** One packet to trace, and what is known of where it is sent. */
export type Probe = {
  /** `203.0.113.7 to 10.96.0.10:80/tcp, the cluster IP of default/web:http`. */
  readonly label: string;
  readonly family: Family;
  readonly packet: Packet;
  readonly client: Client;
  readonly destination: Destination;
  /** Stands in for the node's own address, and must be taken for one. */
  readonly assumedNodeIp: Ip | undefined;
};

/** `about`: what holds of the Service as a whole, with or without probes. */
export type Probes = { readonly probes: readonly Probe[]; readonly about: readonly (ServiceReason | QuestionReason)[] };

/** The packets that answer the question. A reason alone: it cannot be answered. */
export function findProbes(from: From, to: To, context: ExplainContext): Probes | QuestionReason {
  const asked = findDestinations(from, to, context);
  if ("code" in asked) return asked;
  const probes: Probe[] = [];
  const refusals: QuestionReason[] = [];
  for (const { family, destinations } of asked.found) {
    const client = findClient(from, family, context);
    if (!isClient(client)) refusals.push(client);
    else probes.push(...usable(destinations, client).map((destination) => buildProbe(client, destination)));
  }
  const [refusal] = refusals;
  if (probes.length === 0 && refusal !== undefined) return refusal;
  return { probes, about: [...asked.about, ...refusals] };
}

type Asked = {
  readonly found: readonly { readonly family: Family; readonly destinations: readonly Destination[] }[];
  readonly about: readonly ServiceReason[];
};

function findDestinations(from: From, to: To, context: ExplainContext): Asked | QuestionReason {
  switch (to.kind) {
    case "address":
      return { found: [{ family: familyOf(to.ip), destinations: [addressDestination(to, context)] }], about: [] };
    case "node-port":
      return { found: findNodePorts(from, to, context), about: [] };
    case "service":
      return context.objects === undefined ? findInRules(to, context) : findInObjects(to, context, context.objects);
    default:
      return never(to);
  }
}

/** Families without a Service that has the port are left out, unless that is all of them. */
function findNodePorts(from: From, to: Extract<To, { kind: "node-port" }>, context: ExplainContext): Asked["found"] {
  const families = familiesIn(context).filter((family) => from.kind !== "ip" || familyOf(from.ip) === family);
  const found = families.map((family) => ({ family, destinations: [nodePortDestination(to, family, context)] }));
  const known = found.filter(({ family, destinations }) => {
    const model = modelOf(context.objects, family);
    const isKnown = destinations.some(({ frontend }) => frontend !== undefined);
    return model === undefined || isKnown || findHealthPort(model, to) !== undefined;
  });
  return known.length > 0 ? known : found.slice(0, 1);
}

type ToService = Extract<To, { kind: "service" }>;

function findInRules(to: ToService, context: ExplainContext): Asked | QuestionReason {
  // Virtual servers and sets have addresses and no names; rules name the few Services that take a detour around them.
  if (context.sources.some(({ firewalls }) => (firewalls[4] ?? firewalls[6])?.ipvs !== undefined))
    return { code: "needs-manifests", asked: `the Service ${to.namespace}/${to.name} in IPVS mode` };
  const found = familiesIn(context)
    .map((family) => ({ family, destinations: dumpDestinations(to, family, context) }))
    .filter(({ destinations }) => destinations.length > 0);
  if (found.length > 0) return { found, about: [] };
  const asked = `${to.namespace}/${to.name}`;
  if (to.port === undefined || !isInRules(to, context)) return { code: "not-in-rules", service: asked };
  return { code: "port-not-in-rules", service: asked, port: String(to.port) };
}

function findInObjects(to: ToService, context: ExplainContext, objects: Objects): Asked | QuestionReason {
  const name = `${to.namespace}/${to.name}`;
  const held = findService(objects, to.namespace, to.name);
  if (held === undefined)
    return { code: "service-not-found", service: name, near: nearNames(name, serviceNames(objects)) };
  const { service } = held;
  const ports = service.ports.filter((port) => to.port === undefined || port.port === to.port || port.name === to.port);
  if (to.port !== undefined && ports.length === 0 && service.type !== "ExternalName")
    return { code: "port-not-found", service: name, port: String(to.port), ports: portsOf(service) };
  const names: ReadonlySet<string> = new Set(ports.map((port) => servicePortName(service, port)));
  const found = familiesIn(context).flatMap((family) => {
    const model = modelOf(objects, family);
    if (model === undefined) return [];
    const served = get(model.services, name)?.ports.filter((port) => names.has(port.name)) ?? [];
    return served.length === 0 ? [] : [{ family, destinations: frontendDestinations(served, model, context) }];
  });
  return { found, about: aboutService(held, objects) };
}

function portsOf({ ports }: Service): string[] {
  return ports.map(({ name, port, protocol }) => `${port}/${protocol}${name === "" ? "" : ` (${name})`}`);
}

/**
 * A client outside the cluster has no route to cluster IPs: it is sent to the other addresses, where there are any. One inside
 * uses the cluster IP; one of which that is not known is sent to all.
 */
function usable(destinations: readonly Destination[], client: Client): readonly Destination[] {
  if (client.inside === undefined) return destinations;
  const isInner = ({ kind }: Destination) => kind === "cluster-ip";
  const wanted = destinations.filter((each) => (client.inside === true ? isInner(each) : !isInner(each)));
  return wanted.length > 0 ? wanted : destinations;
}

function buildProbe(client: Client, destination: Destination): Probe {
  const { ip, port, protocol, standsForNode } = destination;
  const { origin, inInterface, standsFor } = client;
  // A process that connects to a loopback address does so from it.
  const source = origin === "node" && isLoopback(ip) ? ip : client.source;
  const packet = { source, destination: ip, protocol, destinationPort: port, origin };
  const assumed = standsFor === "node" ? client.source : standsForNode ? ip : undefined;
  return {
    label: `${source} to ${hostPort(ip, port)}/${protocol}${whatItIs(destination)}`,
    family: familyOf(ip),
    packet: inInterface === undefined ? packet : { ...packet, inInterface },
    client,
    destination,
    assumedNodeIp: assumed,
  };
}

function whatItIs({ kind, service }: Destination): string {
  if (service === undefined) return "";
  const words = {
    "cluster-ip": "the cluster IP",
    "external-ip": "an external IP",
    "load-balancer-ip": "a load-balancer IP",
    "node-port": "the node port",
    address: "an address",
  }[kind];
  return `, ${words} of ${service}`;
}
