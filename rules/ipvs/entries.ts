// Which sets a seat stands in, and with what. In: Seat, a node port, endpoints. Out: entries by set.
import type { Protocol } from "../decode/protocol.ts";
import { blockPart } from "../ipset/key.ts";
import type { Endpoint } from "../model/endpoints.ts";
import type { Frontend, ServicePort } from "../model/service-port.ts";
import type { View } from "../model/view.ts";
import type { Ip } from "../net/ip.ts";
import { never } from "../never.ts";
import type { Seat } from "./seats.ts";
import type { SetKey } from "./set-names.ts";

/** An entry, spelled as `ipset save` does. */
export type SetEntry = readonly [set: SetKey, entry: string];

/** The entries of one seat. A seat where nothing is balanced stands only where it is refused or dropped. */
export function seatEntries({ ip, frontend, closed }: Seat): SetEntry[] {
  const at = addressPort(ip, frontend);
  const dead = deadSet(frontend);
  const entries: SetEntry[] = dead === undefined ? [] : [[dead, at]];
  if (!isBalanced(frontend)) return entries;
  return [
    ...entries,
    ...kindEntries(at, frontend),
    ...rangeEntries(ip, at, frontend),
    ...(closed === true ? [guard(at)] : []),
  ];
}

/** The entries of a node port, whatever the node's addresses; none for SCTP, whose node ports stand in sets of seats. */
export function nodePortEntries(frontend: Frontend): SetEntry[] {
  const { protocol, port } = frontend;
  if (protocol === "SCTP" || !isBalanced(frontend)) return [];
  const entry = String(port);
  return isDetoured(frontend)
    ? [
        [`NODE-PORT-${protocol}`, entry],
        [`NODE-PORT-LOCAL-${protocol}`, entry],
      ]
    : [[`NODE-PORT-${protocol}`, entry]];
}

/** The entries of a Service port whose endpoints may be their own clients through this node: `endpoint,port,endpoint`. */
export function loopEntries(port: ServicePort, view: View): string[] {
  return returningEndpoints(port, view).map((one) => `${one.ip},${port.protocol.toLowerCase()}:${one.port},${one.ip}`);
}

/** `ip,proto:port`, how the entries of a seat begin. */
export function addressPort(
  ip: Ip,
  { protocol, port }: { readonly protocol: Protocol; readonly port: number },
): string {
  return `${ip},${protocol.toLowerCase()}:${port}`;
}

/**
 * Whether some clients go to other endpoints than the rest: pods and the node itself with externalTrafficPolicy Local. Rules take them out
 * of the virtual server's way.
 */
export function isDetoured({ kind, fates }: Frontend): boolean {
  return kind !== "cluster-ip" && fates.length > 1;
}

function isBalanced({ fates }: Frontend): boolean {
  return fates.some(({ verdict }) => verdict.kind === "balance");
}

function deadSet(frontend: Frontend): SetKey | undefined {
  const verdict = frontend.fates.at(-1)?.verdict;
  switch (verdict?.kind) {
    case "reject":
      return "NO-ENDPOINTS";
    case "drop":
      return isBalanced(frontend) ? "NO-LOCAL-EXTERNAL" : "NO-LOCAL";
    default:
      return undefined;
  }
}

function kindEntries(at: string, frontend: Frontend): SetEntry[] {
  const local = isDetoured(frontend);
  switch (frontend.kind) {
    case "cluster-ip":
      return [["CLUSTER-IP", at]];
    case "external-ip":
      return [[local ? "EXTERNAL-IP-LOCAL" : "EXTERNAL-IP", at]];
    case "load-balancer-ip":
      return local
        ? [
            ["LOAD-BALANCER", at],
            ["LOAD-BALANCER-LOCAL", at],
          ]
        : [["LOAD-BALANCER", at]];
    case "node-port":
      if (frontend.protocol !== "SCTP") return [];
      return local
        ? [
            ["NODE-PORT-SCTP-HASH", at],
            ["NODE-PORT-LOCAL-SCTP-HASH", at],
          ]
        : [["NODE-PORT-SCTP-HASH", at]];
    default:
      return never(frontend.kind);
  }
}

function rangeEntries(ip: Ip, at: string, { sourceRanges }: Frontend): SetEntry[] {
  if (sourceRanges === undefined) return [];
  return [
    guard(at),
    ...sourceRanges.cidrs.map((cidr): SetEntry => ["LOAD-BALANCER-SOURCE-CIDR", `${at},${blockPart(cidr)}`]),
    ...(sourceRanges.withVip ? [["LOAD-BALANCER-SOURCE-IP", `${at},${ip}`] as const] : []),
  ];
}

/** Whoever comes there must be in one of the sets of source ranges. */
function guard(at: string): SetEntry {
  return ["LOAD-BALANCER-FW", at];
}

/**
 * Endpoints whose own traffic this node can send back to them: those on it or that name no node (all where this node's name is not known),
 * and with externalTrafficPolicy Local all, since pods of other nodes are balanced here without masquerading.
 */
function returningEndpoints(port: ServicePort, { nodeName }: View): readonly Endpoint[] {
  const used = [...port.clusterEndpoints, ...port.localEndpoints];
  if (port.externalPolicy === "Local" || nodeName === undefined) return used;
  return used.filter((endpoint) => endpoint.local || endpoint.nodeName === undefined);
}
