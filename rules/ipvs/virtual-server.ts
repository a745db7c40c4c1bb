// Virtual and real servers. In: nothing. Out: their types, the table of them, and how they are told apart.
import type { Protocol } from "../decode/protocol.ts";
import { frontendKey } from "../model/service-port.ts";
import { hostPort, type Ip } from "../net/ip.ts";
import type { Radix } from "../radix/radix.ts";

/** Virtual servers of one family, by `serverKey`. */
export type IpvsTable = Radix<VirtualServer>;

/** An address, protocol and port at which ip_vs balances. Source: ipvsadm(8). */
export type VirtualServer = {
  readonly ip: Ip;
  readonly protocol: Protocol;
  readonly port: number;
  /** A name that the kernel has; of ours one of `schedulerNames`. */
  readonly scheduler: string;
  /** The scheduler's flags, as `-b` names them. */
  readonly flags: readonly string[];
  /** Seconds for which a client stays with its real server; undefined: it does not. */
  readonly persistentSeconds: number | undefined;
  /** Clients whose first bits are alike count as one client; all bits where we write it. */
  readonly persistentBits: number;
  /** In order of `ip:port`. */
  readonly servers: readonly RealServer[];
  /** The Service port that it is there for; undefined where it was read from the kernel. */
  readonly service: string | undefined;
  /** Options that are never written here, as ipvsadm prints them: a virtual server that has any is put right. */
  readonly others: readonly string[];
};

/** Who answers for a virtual server. Of weight 0 it gets no new connections: it is drained. */
export type RealServer = {
  readonly ip: Ip;
  readonly port: number;
  /** We write masquerading only: the real server sees the packet with its own address as the destination. */
  readonly method: "masquerading" | "routing" | "tunnelling";
  readonly weight: number;
};

/** What tells a virtual server from others: as `frontendKey` does. */
export function serverKey(server: Pick<VirtualServer, "ip" | "protocol" | "port">): string {
  return frontendKey(server);
}

/** `ip:port`, what tells a real server from others of the same virtual server. */
export function realKey({ ip, port }: Pick<RealServer, "ip" | "port">): string {
  return hostPort(ip, port);
}

/** Whether two virtual servers are the same to the kernel, real servers and all. */
export function isSameServer(a: VirtualServer, b: VirtualServer): boolean {
  if (!isSameHead(a, b) || a.servers.length !== b.servers.length) return false;
  return a.servers === b.servers || a.servers.every((real, at) => isSameReal(real, b.servers[at]));
}

/** Whether they are, real servers apart. */
export function isSameHead(a: VirtualServer, b: VirtualServer): boolean {
  return (
    a.scheduler === b.scheduler &&
    a.persistentSeconds === b.persistentSeconds &&
    (a.persistentSeconds === undefined || a.persistentBits === b.persistentBits) &&
    a.flags.join() === b.flags.join() &&
    a.others.join() === b.others.join()
  );
}

/** Whether two real servers of one virtual server are the same to the kernel. */
export function isSameReal(a: RealServer, b: RealServer | undefined): boolean {
  return b !== undefined && a.ip === b.ip && a.port === b.port && a.weight === b.weight && a.method === b.method;
}
