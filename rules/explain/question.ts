// What is asked: whose packet, and where to. In: text of the options --from and --to. Out: From, To, or undefined where it is neither.
import { isUnspecified, parseIp, type Ip } from "../net/ip.ts";

/** Who sends. `outside`: somebody who is neither on this node nor a pod of this cluster. */
export type From =
  | { readonly kind: "ip"; readonly ip: Ip }
  | { readonly kind: "pod"; readonly namespace: string; readonly name: string }
  | { readonly kind: "node" }
  | { readonly kind: "outside" };

/** Where to. A Service's `port` is a number, a name, or undefined: all of them. */
export type To =
  | { readonly kind: "address"; readonly ip: Ip; readonly port: number; readonly protocol: Transport }
  | {
      readonly kind: "service";
      readonly namespace: string;
      readonly name: string;
      readonly port: number | string | undefined;
    }
  | { readonly kind: "node-port"; readonly port: number; readonly protocol: Transport };

/** Lower case, as in rules. */
export type Transport = "tcp" | "udp" | "sctp";

/** The spellings, for help and refusals. */
export const fromForms = "IP, pod/NAMESPACE/NAME, node, outside";
export const toForms = "IP:PORT[/PROTOCOL], svc/NAMESPACE/NAME[:PORT], nodeport:N[/PROTOCOL]";

/** `203.0.113.7`, `fd00::7`, `pod/default/client`, `node`, `outside`. */
export function parseFrom(text: string): From | undefined {
  if (text === "node" || text === "outside") return { kind: text };
  const pod = /^pod\/([^/]+)\/([^/]+)$/.exec(text);
  if (pod !== null) {
    const [, namespace = "", name = ""] = pod;
    return isLabel(namespace) && isName(name) ? { kind: "pod", namespace, name } : undefined;
  }
  const ip = parseAddress(text);
  return ip === undefined ? undefined : { kind: "ip", ip };
}

/** `10.96.0.10:80`, `[::1]:80/udp`, `svc/default/web`, `svc/default/web:http`, `nodeport:30080/udp`. Without protocol it is TCP. */
export function parseTo(text: string): To | undefined {
  const service = /^svc\/([^/:]+)\/([^/:]+)(?::([^/:]+))?$/.exec(text);
  if (service !== null) {
    const [, namespace = "", name = "", given] = service;
    const port = given === undefined ? undefined : readServicePort(given);
    if (!isLabel(namespace) || !isLabel(name) || (given !== undefined && port === undefined)) return undefined;
    return { kind: "service", namespace, name, port };
  }
  const found = /^(?:nodeport|\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})(?:\/(tcp|udp|sctp))?$/i.exec(text);
  if (found === null) return undefined;
  const [, six, four, digits = "", given = "tcp"] = found;
  const port = readPort(digits);
  const protocol = given.toLowerCase() as Transport;
  if (port === undefined) return undefined;
  const address = six ?? four;
  if (address === undefined) return { kind: "node-port", port, protocol };
  const ip = parseAddress(address);
  // Brackets are IPv6's, and IPv6's only: `10.0.0.1` in them is a slip.
  return ip === undefined || ip.includes(":") !== (six !== undefined)
    ? undefined
    : { kind: "address", ip, port, protocol };
}

function parseAddress(text: string): Ip | undefined {
  const ip = parseIp(text);
  return ip === undefined || isUnspecified(ip) ? undefined : ip;
}

function readServicePort(text: string): number | string | undefined {
  return /^\d+$/.test(text) ? readPort(text) : isLabel(text) ? text : undefined;
}

function readPort(text: string): number | undefined {
  const port = Number(text);
  return /^\d{1,5}$/.test(text) && port >= 1 && port <= 65535 ? port : undefined;
}

function isLabel(text: string): boolean {
  return /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(text);
}

/** Names of pods may hold dots. */
function isName(text: string): boolean {
  return text.length <= 253 && text.split(".").every(isLabel);
}
