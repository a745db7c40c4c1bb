// What kube-proxy writes for one Service of a made-up cluster. In: Size, number of the Service. Out: chain names, lines of rules.
import { createHash } from "node:crypto";
import {
  clusterIp,
  movedIp,
  namespaceOf,
  podCidr,
  podIp,
  podPort,
  serviceName,
  servicePort,
  type Size,
} from "./cluster.ts";

/** The endpoints of a Service as `ip:port`, in order of their text. `moved`: the Service whose first endpoint has been replaced. */
export function endpointsOf(size: Size, service: number, moved?: number): string[] {
  return Array.from({ length: size.endpoints }, (_, at) =>
    at === 0 && moved === service ? movedEndpoint(service) : firstEndpoint(size, service, at),
  ).sort();
}

export function firstEndpoint(size: Size, service: number, at = 0): string {
  return `${podIp(size, service, at)}:${podPort}`;
}

export function movedEndpoint(service: number): string {
  return `${movedIp(service)}:${podPort}`;
}

export function serviceChain(service: number): string {
  return `KUBE-SVC-${hash16(`${portName(service)}tcp`)}`;
}

export function endpointChain(service: number, endpoint: string): string {
  return `KUBE-SEP-${hash16(`${portName(service)}tcp${endpoint}`)}`;
}

/** The line in KUBE-SERVICES that leads to a Service. */
export function dispatchRule(service: number): string {
  return `-A KUBE-SERVICES ${clusterIpMatch(service)} -j ${serviceChain(service)}\n`;
}

/** All rules of a Service's own chains. With `comments`, each says what it is for, as kube-proxy's do in a small cluster. */
export function serviceRules(
  service: number,
  endpoints: readonly string[],
  { comments }: { comments: boolean },
): string {
  const name = portName(service);
  const chain = serviceChain(service);
  const comment = (text: string) => (comments ? ` -m comment --comment ${text}` : "");
  let text = `-A ${chain} ${clusterIpMatch(service)} ! -s ${podCidr} -j KUBE-MARK-MASQ\n`;
  for (const [index, endpoint] of endpoints.entries()) {
    const left = endpoints.length - index;
    const chance = left === 1 ? "" : ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}`;
    text += `-A ${chain}${comment(`"${name} -> ${endpoint}"`)}${chance} -j ${endpointChain(service, endpoint)}\n`;
  }
  for (const endpoint of endpoints) {
    const own = `-A ${endpointChain(service, endpoint)}${comment(name)}`;
    text += `${own} -s ${endpoint.slice(0, endpoint.indexOf(":"))} -j KUBE-MARK-MASQ\n`;
    text += `${own} -m tcp -p tcp -j DNAT --to-destination ${endpoint}\n`;
  }
  return text;
}

/** The first 16 characters of base32(sha256(text)). Not the one in rules/, so that either shows a mistake of the other. */
export function hash16(text: string): string {
  const bits = [...createHash("sha256").update(text).digest().subarray(0, 10)]
    .map((byte) => byte.toString(2).padStart(8, "0"))
    .join("");
  const digits = bits.match(/.{5}/g) ?? [];
  return digits.map((five) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".charAt(parseInt(five, 2))).join("");
}

function clusterIpMatch(service: number): string {
  const text = `${portName(service)} cluster IP`;
  return `-m comment --comment "${text}" -m tcp -p tcp -d ${clusterIp(service)} --dport ${servicePort}`;
}

function portName(service: number): string {
  return `${namespaceOf(service)}/${serviceName(service)}:http`;
}
