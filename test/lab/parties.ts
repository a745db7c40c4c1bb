// The hosts of a network as senders and servers. In: a layout, the worker of each namespace. Out: connections sent, ports listened on.
import type { Family } from "../../rules/net/ip.ts";
import { node, primary, type Host, type Layout } from "./layout.ts";
import type { Listener, SendRequest, Worker } from "./worker.ts";

/** What hosts can do, wherever their namespaces are. */
export type Parties = {
  /** A host's first address of a family. */
  readonly address: (host: string, family: Family) => string;
  /** Makes a host answer on more ports, until the lab is destroyed. The node answers on none from the start. */
  readonly listen: (host: string, ports: readonly number[], settings?: ListenSettings) => Promise<void>;
  readonly send: (sending: Sending) => Promise<Sent>;
  /** Sends all the time until stopped. Resolves when the first attempts are under way. */
  readonly backgroundClient: (sending: BackgroundSending) => Promise<BackgroundClient>;
};

/** Which protocols (default both) and addresses (default all of the host's) to listen on, and the name to answer with (default the host's). */
export type ListenSettings = {
  readonly protocols?: readonly ("TCP" | "UDP")[];
  readonly addresses?: readonly string[];
  readonly name?: string;
};

/** Connections, or for UDP datagrams, to send. */
export type Sending = {
  /** A host: `node`, a pod, a remote. */
  readonly from: string;
  /** An address, assigned anywhere or not. */
  readonly to: string;
  readonly port: number;
  /** Default TCP. */
  readonly protocol?: "TCP" | "UDP";
  /** Source address. Default: what the kernel picks on the node and in pods, a remote's primary address. */
  readonly source?: string;
  /** Source port, default any. With it attempts run one after the other. */
  readonly sourcePort?: number;
  /** Default 1. */
  readonly count?: number;
  /** Attempts at the same time, default 32. */
  readonly parallel?: number;
  /** How long an attempt may take: see `defaultTimeoutMs`. */
  readonly timeoutMs?: number;
};

/** Like Sending; `parallel` is 2 by default and each pauses `intervalMs` (default 1) between its attempts. */
export type BackgroundSending = Omit<Sending, "count"> & { readonly intervalMs?: number };

/** Stops the client and says how many attempts there were and what became of them. */
export type BackgroundClient = { readonly stop: () => Promise<Sent> };

/** What became of the attempts; the numbers add up to their count. */
export type Sent = {
  /** By the name of the server. */
  readonly answered: Readonly<Record<string, number>>;
  /** The distinct client addresses that servers saw, sorted. */
  readonly clients: readonly string[];
  /** RST or ICMP port unreachable. */
  readonly refused: number;
  /** No answer in time. */
  readonly timedOut: number;
  /** Anything else, by error code, e.g. `ECONNRESET`, `ENETUNREACH`. */
  readonly failed: Readonly<Record<string, number>>;
};

/**
 * How long an attempt may take where the test does not say. 400 ms is plenty here; a DROP costs all of it. But a TCP connection
 * over IPv6 from the node itself, rejected in OUTPUT: the kernel (seen with 6.18) drops the ICMP error, since the connecting
 * socket is locked, and the client learns of it only from the one to its second SYN, after 1 s. Between namespaces
 * `takeByThread` in network.ts prevents that; the loopback has no such thread.
 */
export function defaultTimeoutMs(sending: Pick<Sending, "from" | "to" | "protocol">): number {
  return sending.from === node && sending.protocol !== "UDP" && sending.to.includes(":") ? 1500 : 400;
}

/** `workers` by namespace; one that is not there is refused when it is asked for, so they may come and go. */
export function openParties(layout: Layout, workers: ReadonlyMap<string, Worker>): Parties {
  const worker = (name: string): Worker => {
    const found = workers.get(hostOf(layout, name).namespace);
    if (found === undefined) throw new Error("lab: it has been destroyed");
    return found;
  };
  const host = (name: string) => hostOf(layout, name);
  return {
    address: (name, family) => primary(host(name), family),
    listen: async (name, ports, settings = {}) => {
      const listeners = (settings.protocols ?? (["TCP", "UDP"] as const)).flatMap((protocol) =>
        (settings.addresses ?? host(name).addresses).flatMap((address) =>
          ports.map((port): Listener => ({ name: settings.name ?? name, address, port, protocol })),
        ),
      );
      await worker(name).ask({ operation: "listen", listeners });
    },
    send: async (sending) => {
      const request = buildRequest(sending, host(sending.from));
      return (await worker(sending.from).ask({ operation: "send", request })) as Sent;
    },
    backgroundClient: async (sending) => {
      const asked = worker(sending.from);
      const request = buildRequest({ parallel: 2, ...sending }, host(sending.from));
      const started = await asked.start({ ...request, intervalMs: sending.intervalMs ?? 1 });
      return { stop: async () => (await asked.ask({ operation: "stop", started })) as Sent };
    },
  };
}

/** Throws for a name that no host has. */
export function hostOf({ hosts }: Layout, name: string): Host {
  const found = hosts[name];
  if (found === undefined) throw new Error(`lab: no host ${name}, there are ${Object.keys(hosts).join(", ")}`);
  return found;
}

function buildRequest(sending: Sending, from: Host): SendRequest {
  const family = sending.to.includes(":") ? 6 : 4;
  return {
    to: sending.to,
    port: sending.port,
    protocol: sending.protocol ?? "TCP",
    source: sending.source ?? (from.sharesNamespace ? primary(from, family) : undefined),
    sourcePort: sending.sourcePort,
    count: sending.count ?? 1,
    parallel: sending.sourcePort === undefined ? (sending.parallel ?? 32) : 1,
    timeoutMs: sending.timeoutMs ?? defaultTimeoutMs(sending),
  };
}
