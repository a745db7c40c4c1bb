// Changes of virtual servers as text, and a whole table as ipvsadm prints it. In: ServerChange[], IpvsTable. Out: lines for ipvsadm --restore.
import type { Protocol } from "../decode/protocol.ts";
import { familyOf, hostPort } from "../net/ip.ts";
import { never } from "../never.ts";
import { values } from "../radix/radix.ts";
import type { ServerChange } from "./diff-servers.ts";
import type { IpvsTable, RealServer, VirtualServer } from "./virtual-server.ts";

/**
 * Input for `ipvsadm --restore`, one line for each change: line `n` is that of `changes[n - 1]`. ipvsadm goes on after a line that the
 * kernel refuses, names none, and its exit code is that of the last line alone, so only a read-back tells (`undoneChanges`). Every line
 * says all options, since an edit without one takes it away. Source: ipvsadm(8); seen with 1.31.
 */
export function renderServerChanges(changes: readonly ServerChange[]): string {
  return changes.map((change) => `${lineOf(change)}\n`).join("");
}

/** The table in the words of `ipvsadm -Sn`: each virtual server, then its real servers. */
export function renderServers(table: IpvsTable): string {
  return values(table)
    .flatMap((server) => [serverLine("-A", server), ...server.servers.map((real) => realLine("-a", server, real))])
    .map((line) => `${line}\n`)
    .join("");
}

function lineOf(change: ServerChange): string {
  switch (change.kind) {
    case "add-server":
      return serverLine("-A", change.server);
    case "edit-server":
      return serverLine("-E", change.server);
    case "delete-server":
      return `-D ${serviceWords(change.server)}`;
    case "add-real":
      return realLine("-a", change.server, change.real);
    case "edit-real":
      return realLine("-e", change.server, change.real);
    case "delete-real":
      return `-d ${serviceWords(change.server)} -r ${hostPort(change.real.ip, change.real.port)}`;
    default:
      return never(change);
  }
}

function serverLine(verb: "-A" | "-E", server: VirtualServer): string {
  const { scheduler, flags, persistentSeconds: seconds, persistentBits: bits, ip } = server;
  const full = familyOf(ip) === 4 ? 32 : 128;
  const mask = bits === full ? "" : ` -M ${full === 32 ? dotted(bits) : bits}`;
  const persistence = seconds === undefined ? "" : ` -p ${seconds}${mask}`;
  const flag = flags.length === 0 ? "" : ` -b ${flags.join()}`;
  return `${verb} ${serviceWords(server)} -s ${scheduler}${persistence}${flag}`;
}

function realLine(verb: "-a" | "-e", server: VirtualServer, { ip, port, method, weight }: RealServer): string {
  return `${verb} ${serviceWords(server)} -r ${hostPort(ip, port)} ${methodOption[method]} -w ${weight}`;
}

function serviceWords({ protocol, ip, port }: VirtualServer): string {
  return `${serviceOption[protocol]} ${hostPort(ip, port)}`;
}

const serviceOption: Readonly<Record<Protocol, string>> = { TCP: "-t", UDP: "-u", SCTP: "--sctp-service" };
const methodOption = { masquerading: "-m", routing: "-g", tunnelling: "-i" } as const;

function dotted(bits: number): string {
  const mask = bits === 0 ? 0 : (0xffffffff << (32 - bits)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join(".");
}
