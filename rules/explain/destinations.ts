// Where the packets are sent. In: To, a family, ExplainContext. Out: Destination[], each an address and port, with the frontend that it is.
import { findFrontends } from "../graph/frontends.ts";
import type { Frontend, FrontendKind, ServicePort } from "../model/service-port.ts";
import type { Model } from "../model/model.ts";
import { familyOf, isLoopback, type Family, type Ip } from "../net/ip.ts";
import { isNodeIp, modelOf, nodeIp, type ExplainContext } from "./context.ts";
import { nodeStandIn } from "./clients.ts";
import { findNodePort, findVip } from "./lookup.ts";
import { parseTo, type To, type Transport } from "./question.ts";

export type Destination = {
  readonly ip: Ip;
  readonly port: number;
  readonly protocol: Transport;
  /** What the address is; `address` where nothing says that it is any Service's. */
  readonly kind: FrontendKind | "address";
  /** `namespace/name[:port]` where it is a Service's. */
  readonly service: string | undefined;
  /** Of the objects, where they are known. */
  readonly frontend: Frontend | undefined;
  /** The address stands in for the node's, which nobody told. */
  readonly standsForNode: boolean;
};

/** One address and port. */
export function addressDestination(to: Extract<To, { kind: "address" }>, context: ExplainContext): Destination {
  const { ip, port, protocol } = to;
  const model = modelOf(context.objects, familyOf(ip));
  const frontend = model && (findVip(model, ip, to) ?? (isNodeIp(context, ip) ? findNodePort(model, to) : undefined));
  return {
    ip,
    port,
    protocol,
    kind: frontend?.kind ?? "address",
    service: frontend?.service,
    frontend,
    standsForNode: false,
  };
}

/** A node port, on an address of this node that answers, where there is one. */
export function nodePortDestination(
  to: Extract<To, { kind: "node-port" }>,
  family: Family,
  context: ExplainContext,
): Destination {
  const { port, protocol } = to;
  const model = modelOf(context.objects, family);
  const frontend = model && findNodePort(model, to);
  const { ip, standsForNode } = nodePortIp(family, context);
  return {
    ip,
    port,
    protocol,
    kind: frontend === undefined && model !== undefined ? "address" : "node-port",
    service: frontend?.service,
    frontend,
    standsForNode,
  };
}

/** The frontends of Service ports, in their order. */
export function frontendDestinations(
  ports: readonly ServicePort[],
  model: Model,
  context: ExplainContext,
): Destination[] {
  return ports.flatMap((servicePort) =>
    servicePort.frontends.map((frontend): Destination => {
      const { ip, standsForNode } =
        frontend.ip === undefined ? nodePortIp(model.view.family, context) : { ip: frontend.ip, standsForNode: false };
      const protocol = frontend.protocol.toLowerCase() as Transport;
      const { kind, port, service } = frontend;
      return { ip, port, protocol, kind, service, frontend, standsForNode };
    }),
  );
}

/** The frontends that rules name in their comments, where there are no objects; of all sources, each once. */
export function dumpDestinations(
  { namespace, name, port: wanted }: Extract<To, { kind: "service" }>,
  family: Family,
  context: ExplainContext,
): Destination[] {
  const found = new Map<string, Destination>();
  for (const { firewalls } of context.sources) {
    const dump = firewalls[family]?.dump;
    if (dump === undefined) continue;
    for (const [service, frontends] of findFrontends(dump, { namespace, service: name })) {
      for (const { at, kind } of frontends) {
        const destination = readFrontend(at, family, context);
        const portName = service.split(":")[1];
        if (destination === undefined) continue;
        if (wanted !== undefined && wanted !== portName && wanted !== destination.port) continue;
        found.set(`${service} ${at}`, { ...destination, kind: kindsOfDump[kind], service });
      }
    }
  }
  return [...found.values()];
}

/** Whether any chain of a source is led to from the rules of this name: whether the Service is known there at all. */
export function isInRules(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  context: ExplainContext,
): boolean {
  return context.sources.some(({ firewalls }) =>
    ([4, 6] as const).some((family) => {
      const dump = firewalls[family]?.dump;
      return dump !== undefined && findFrontends(dump, { namespace, service: name }).size > 0;
    }),
  );
}

const kindsOfDump = {
  "cluster IP": "cluster-ip",
  "external IP": "external-ip",
  "load balancer": "load-balancer-ip",
  "external address": "external-ip",
  "node port": "node-port",
} as const;

/** `10.96.0.10:80/TCP`, `30080/TCP`, `30080/TCP at 127.0.0.0/8`. */
function readFrontend(
  at: string,
  family: Family,
  context: ExplainContext,
): Omit<Destination, "kind" | "service"> | undefined {
  const [place = ""] = at.split(" ");
  const to = parseTo(/^\d+\//.test(place) ? `nodeport:${place}` : place);
  if (to === undefined || to.kind === "service") return undefined;
  const { ip, standsForNode } =
    to.kind === "address" ? { ip: to.ip, standsForNode: false } : nodePortIp(family, context);
  return { ip, port: to.port, protocol: to.protocol, frontend: undefined, standsForNode };
}

/** An address on which node ports answer: the node's own, or, where that is left out, the first that is not. */
function nodePortIp(family: Family, context: ExplainContext): { readonly ip: Ip; readonly standsForNode: boolean } {
  const answering = modelOf(context.objects, family)?.view.nodePortIps ?? "all";
  const own = nodeIp(context, family);
  const chosen =
    answering === "all" || (own !== undefined && answering.includes(own))
      ? own
      : (answering.find((ip) => !isLoopback(ip)) ?? own);
  return { ip: chosen ?? nodeStandIn(family), standsForNode: chosen === undefined };
}
