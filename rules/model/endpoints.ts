// Which endpoints a Service port uses on this node. In: slices, port, View. Out: the cluster set and the local set.
import type { EndpointSlice, SliceEndpoint } from "../decode/endpoint-slice.ts";
import type { Protocol } from "../decode/protocol.ts";
import { hostPort, type Ip } from "../net/ip.ts";
import type { View } from "./view.ts";

/** One address and port that answers for a Service port. */
export type Endpoint = {
  readonly ip: Ip;
  readonly port: number;
  readonly nodeName: string | undefined;
  /** Whether it is on the node that rules are made for. */
  readonly local: boolean;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
  readonly placeholder?: true;
};

/** The sets that traffic is balanced over, each in order of `ip:port`. A set that nothing uses is empty. */
export type EndpointSets = {
  readonly cluster: readonly Endpoint[];
  readonly local: readonly Endpoint[];
  /** Whether any usable endpoint exists anywhere: none means refuse, none local only means drop. */
  readonly any: boolean;
};

/** Which of the two sets a Service port uses at all. */
export type EndpointUse = { readonly cluster: boolean; readonly local: boolean };

/** Every endpoint of a port, from all slices of the view's family; one per `ip:port`, the most usable where several say it. */
export function endpointsOf(
  slices: readonly EndpointSlice[],
  port: { readonly name: string; readonly protocol: Protocol },
  view: View,
): Endpoint[] {
  const found = new Map<string, Endpoint>();
  for (const slice of slices) {
    if (slice.leftToOthers || slice.addressType !== `IPv${view.family}`) continue;
    for (const { name, protocol, port: number } of slice.ports) {
      if (name !== port.name || protocol !== port.protocol || number === undefined) continue;
      for (const given of slice.endpoints) {
        const endpoint = endpointAt(given, number, view);
        if (endpoint === undefined) continue;
        const key = hostPort(endpoint.ip, number);
        found.set(key, better(found.get(key), endpoint));
      }
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, endpoint]) => endpoint);
}

/**
 * The sets a port uses. Cluster: ready ones that topology hints leave, or, if none is ready anywhere, those that still serve
 * while they terminate. Local: the same among this node's, without hints. Source: KEP-1669, KEP-2433; kube-proxy CategorizeEndpoints.
 */
export function chooseEndpoints(all: readonly Endpoint[], use: EndpointUse, view: View): EndpointSets {
  const ready = among(all, (endpoint) => endpoint.ready);
  const lingering = among(all, (endpoint) => !endpoint.ready && endpoint.serving && endpoint.terminating);
  const here = (list: readonly Endpoint[]) => among(list, (endpoint) => endpoint.local);
  const cluster = ready.length > 0 ? hinted(ready, view) : lingering;
  const local = here(ready).length > 0 ? here(ready) : here(lingering);
  return {
    cluster: use.cluster ? cluster : none,
    local: use.local ? local : none,
    any: ready.length + lingering.length > 0,
  };
}

/** Those that pass: the list itself where all do, as nearly always, since a copy for each Service would be held for good. */
function among(list: readonly Endpoint[], passes: (endpoint: Endpoint) => boolean): readonly Endpoint[] {
  if (list.every(passes)) return list;
  const found = list.filter(passes);
  return found.length === 0 ? none : found;
}

const none: readonly Endpoint[] = [];

/** Hints count only where every ready endpoint carries one and one of them names this node, or else its zone. */
function hinted(ready: readonly Endpoint[], view: View): readonly Endpoint[] {
  const { nodeName, zone } = view;
  if (nodeName !== undefined && ready.every((endpoint) => endpoint.nodeHints.length > 0)) {
    const mine = ready.filter((endpoint) => endpoint.nodeHints.includes(nodeName));
    if (mine.length > 0) return mine;
  }
  if (zone !== undefined && ready.every((endpoint) => endpoint.zoneHints.length > 0)) {
    const mine = ready.filter((endpoint) => endpoint.zoneHints.includes(zone));
    if (mine.length > 0) return mine;
  }
  return ready;
}

function endpointAt(given: SliceEndpoint, port: number, view: View): Endpoint | undefined {
  const { ip, nodeName, ready, serving, terminating, zoneHints, nodeHints, placeholder } = given;
  if (ip === undefined) return undefined;
  const local = nodeName !== undefined && nodeName === view.nodeName;
  const endpoint = { ip, port, nodeName, local, ready, serving, terminating, zoneHints, nodeHints };
  return placeholder === undefined ? endpoint : { ...endpoint, placeholder };
}

/** While a Pod moves between slices both may list it; the one not terminating is the newer (kubernetes#135593). */
function better(known: Endpoint | undefined, next: Endpoint): Endpoint {
  if (known === undefined) return next;
  const rank = (endpoint: Endpoint) =>
    (endpoint.ready ? 8 : 0) + (endpoint.terminating ? 0 : 4) + (endpoint.serving ? 2 : 0) + (endpoint.local ? 1 : 0);
  if (rank(next) !== rank(known)) return rank(next) > rank(known) ? next : known;
  // Of equals any will do, but always the same, whatever the order.
  return JSON.stringify(next) < JSON.stringify(known) ? next : known;
}
