// What the connection table holds, read from text. In: what `conntrack -L -o extended` prints. Out: Flow[].
import type { Frontend } from "../model/service-port.ts";
import { parseIp, type Family, type Ip } from "../net/ip.ts";

/** One entry of the kernel's connection table that has ports. A DNATed one has another reply source than its destination. */
export type Flow = {
  readonly family: Family;
  readonly protocol: Frontend["protocol"];
  /** As the client sent it. */
  readonly source: Ip;
  readonly sourcePort: number;
  readonly destination: Ip;
  readonly destinationPort: number;
  /** Who answers: the endpoint where the flow was DNATed, else the destination itself. */
  readonly replySource: Ip;
  readonly replySourcePort: number;
  /** Conntrack zone; 0 unless somebody, such as Open vSwitch, keeps tables of his own. */
  readonly zone: number;
};

const tuple = String.raw`src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)`;
const line = new RegExp(String.raw`^ipv(4|6) +\d+ (tcp|udp|sctp) .*?${tuple} .*?${tuple}(.*)$`);
const protocols: Readonly<Record<string, Flow["protocol"]>> = { tcp: "TCP", udp: "UDP", sctp: "SCTP" };

/**
 * The entries in the order of the text. Lines of other protocols, and such as have no address or port that we know, are left out.
 * Source: conntrack 1.4.7, output `extended`; libnetfilter_conntrack, snprintf_default.c.
 */
export function parseFlows(text: string): Flow[] {
  // The same addresses come again and again; checking one costs more than finding it here.
  const known = new Map<string, Ip | undefined>();
  const ip = (spelling: string): Ip | undefined => {
    if (!known.has(spelling)) known.set(spelling, parseIp(spelling));
    return known.get(spelling);
  };
  const flows: Flow[] = [];
  // Line by line: a table of a million entries, split at once, would need as much memory again.
  for (let at = 0; at < text.length;) {
    const end = text.indexOf("\n", at);
    const flow = parseFlow(text.slice(at, end < 0 ? undefined : end), ip);
    if (flow !== undefined) flows.push(flow);
    at = end < 0 ? text.length : end + 1;
  }
  return flows;
}

function parseFlow(text: string, ip: (spelling: string) => Ip | undefined): Flow | undefined {
  const found = line.exec(text);
  if (found === null) return undefined;
  const [, family, name = "", from = "", to = "", fromPort, toPort, answers = "", , answersPort, , rest = ""] = found;
  const [source, destination, replySource, protocol] = [ip(from), ip(to), ip(answers), protocols[name]];
  if (source === undefined || destination === undefined || replySource === undefined || protocol === undefined)
    return undefined;
  return {
    family: family === "4" ? 4 : 6,
    protocol,
    source,
    sourcePort: Number(fromPort),
    destination,
    destinationPort: Number(toPort),
    replySource,
    replySourcePort: Number(answersPort),
    zone: Number(/ zone(?:-orig|-reply)?=(\d+)/.exec(rest)?.[1] ?? 0),
  };
}
