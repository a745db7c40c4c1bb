// What ipvsadm says, as virtual servers. In: text of `ipvsadm -Sn`, whose are ours. Out: IpvsTable of ours, keys of others, problems by line.
import type { Protocol } from "../decode/protocol.ts";
import { familyOf, parseIp, type Family, type Ip } from "../net/ip.ts";
import { quoted } from "../problem.ts";
import { radixOf } from "../radix/radix.ts";
import { realKey, serverKey, type IpvsTable, type RealServer, type VirtualServer } from "./virtual-server.ts";

/** A line that ipvsadm cannot have printed; what it says is left out. */
export type ServerProblem = {
  readonly code: "not-a-server-line" | "not-a-service" | "not-a-real-server" | "no-such-service" | "duplicate-service";
  readonly line: number;
  readonly text: string;
};

/** Tells which virtual servers are ours. */
export type ServerOwnership = (server: Pick<VirtualServer, "ip" | "protocol" | "port">) => boolean;

export type ParsedServers = {
  readonly table: IpvsTable;
  /** `serverKey` of each virtual server that is somebody else's. */
  readonly others: ReadonlySet<string>;
  readonly problems: readonly ServerProblem[];
};

/**
 * Reads `-A` and `-a` lines of one family; virtual servers by firewall mark and those of the other family are passed over.
 * Source: ipvsadm(8), -S; ipvsadm.c print_service_entry of 1.31.
 */
export function parseServers(text: string, family: Family, owns: ServerOwnership): ParsedServers {
  const drafts = new Map<string, Draft>();
  const problems: ServerProblem[] = [];
  for (const [at, line] of text.split("\n").entries()) {
    const words = line.split(/[ \t]+/).filter((word) => word !== "");
    if (words.length === 0 || words[1] === "-f") continue;
    const code = readLine(words, drafts, family);
    if (code !== undefined)
      problems.push({ code, line: at + 1, text: `${quoted(line)} is nothing that ipvsadm -Sn prints` });
  }
  const all = [...drafts].map(([key, { head, servers }]) => ({ key, value: { ...head, servers: sorted(servers) } }));
  const ours = all.filter(({ value }) => owns(value));
  const others = new Set(all.filter(({ value }) => !owns(value)).map(({ key }) => key));
  return { table: radixOf(ours), others, problems };
}

type Draft = { readonly head: VirtualServer; readonly servers: Map<string, RealServer> };
type Place = { readonly ip: Ip; readonly port: number };

function readLine(
  [verb = "", option = "", at = "", ...rest]: readonly string[],
  drafts: Map<string, Draft>,
  family: Family,
): ServerProblem["code"] | undefined {
  if (verb !== "-A" && verb !== "-a") return "not-a-server-line";
  const protocol = Object.hasOwn(protocols, option) ? protocols[option] : undefined;
  const place = readPlace(at);
  if (protocol === undefined || place === undefined) return "not-a-service";
  if (familyOf(place.ip) !== family) return undefined;
  const service = { ...place, protocol };
  const known = drafts.get(serverKey(service));
  if (verb === "-A") {
    if (known !== undefined) return "duplicate-service";
    const head = readHead(service, rest);
    if (head === undefined) return "not-a-service";
    drafts.set(serverKey(service), { head, servers: new Map() });
    return undefined;
  }
  if (known === undefined) return "no-such-service";
  const real = readReal(rest);
  if (real === undefined || familyOf(real.ip) !== family) return "not-a-real-server";
  known.servers.set(realKey(real), real);
  return undefined;
}

const protocols: Readonly<Record<string, Protocol>> = {
  "-t": "TCP",
  "-u": "UDP",
  "--tcp-service": "TCP",
  "--udp-service": "UDP",
  "--sctp-service": "SCTP",
};

function readPlace(text: string): Place | undefined {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
  const ip = parseIp(found?.[1] ?? found?.[2] ?? "");
  const port = Number(found?.[3]);
  return ip === undefined || port > 65535 ? undefined : { ip, port };
}

function readHead(
  { ip, protocol, port }: Pick<VirtualServer, "ip" | "protocol" | "port">,
  words: readonly string[],
): VirtualServer | undefined {
  const full = familyOf(ip) === 4 ? 32 : 128;
  let [scheduler, seconds, bits] = ["wlc", undefined as number | undefined, full];
  let flags: readonly string[] = [];
  const others: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const value = words[at + 1];
    if (word === "-s" && value !== undefined) scheduler = value;
    else if (word === "-p" && /^\d{1,9}$/.test(value ?? "")) seconds = Number(value);
    else if (word === "-M" && value !== undefined) bits = readMask(value);
    else if (word === "-b" && value !== undefined) flags = value.split(",");
    else {
      others.push(word);
      continue;
    }
    at++;
  }
  if (Number.isNaN(bits)) return undefined;
  const head = { ip, protocol, port, scheduler, flags, persistentSeconds: seconds, persistentBits: bits };
  return { ...head, servers: [], service: undefined, others };
}

/** A length, or a dotted mask; NaN for what is neither. */
function readMask(text: string): number {
  if (/^\d{1,3}$/.test(text)) return Number(text) <= 128 ? Number(text) : NaN;
  const ip = parseIp(text);
  if (ip === undefined || familyOf(ip) !== 4) return NaN;
  const ones = ip
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
  return /^1*0*$/.test(ones) ? ones.lastIndexOf("1") + 1 : NaN;
}

function readReal(words: readonly string[]): RealServer | undefined {
  const place = words[0] === "-r" ? readPlace(words[1] ?? "") : undefined;
  const method = methods.get(words[2] ?? "");
  const weight = words[3] === "-w" && /^\d{1,9}$/.test(words[4] ?? "") ? Number(words[4]) : undefined;
  return place === undefined || method === undefined || weight === undefined ? undefined : { ...place, method, weight };
}

const methods: ReadonlyMap<string, RealServer["method"]> = new Map([
  ["-m", "masquerading"],
  ["-g", "routing"],
  ["-i", "tunnelling"],
]);

/** In the order in which builds have them. */
function sorted(servers: ReadonlyMap<string, RealServer>): RealServer[] {
  return [...servers].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, real]) => real);
}
