// A network of namespaces around one node. In: options. Out: a Lab, in which to load rules and send connections.
import type { Family } from "../../rules/net/ip.ts";
import {
  defaults,
  layOut,
  node,
  primary,
  type Host,
  type Layout,
  type LayoutOptions,
  type Namespace,
} from "./layout.ts";
import { addNamespaces, freePrefix, linkNamespaces, lockFile, removeAbandoned, removeNamespaces } from "./network.ts";
import { openTables, type Tables, type Variant } from "./tables.ts";
import { findTool, needTool, runTool, type Output, type ToolSettings } from "./tool.ts";
import { startWorker, type Listener, type SendRequest, type Worker } from "./worker.ts";

/** What a lab is made of; everything but `variant` has a default, see `defaults` in layout.ts. */
export type LabOptions = { readonly variant: Variant } & Partial<Omit<LayoutOptions, "prefix">> & {
    /** Ports on which each pod and each remote answers from the start, TCP and UDP, on all its addresses. Default 80 and 8080. */
    readonly ports?: readonly number[];
    /** Of the node's namespace, e.g. `{ "net.ipv4.conf.all.route_localnet": 1 }`. Kept through `reset`. */
    readonly sysctls?: Readonly<Record<string, string | number>>;
  };

/** A running network. Several labs may run at once, also in different processes. */
export type Lab = Pick<Tables, "save" | "restore"> & {
  readonly variant: Variant;
  readonly node: {
    /** For `ip netns exec`, where a test runs a program of its own on the node. */
    readonly namespace: string;
    /** Runs a tool on the node; rejects unless it exits with 0. A tool is given by its absolute path. */
    readonly exec: (file: string, args: readonly string[], settings?: ToolSettings) => Promise<Output>;
    /**
     * What `exec` adds to the environment: a lock file of this lab's own. All namespaces share /run/xtables.lock, and
     * iptables-legacy in one lab would wait for the other labs'.
     */
    readonly env: Readonly<Record<string, string>>;
  };
  /** Runs a tool where a host lives: `node`, a pod, a remote. */
  readonly exec: (host: string, file: string, args: readonly string[], settings?: ToolSettings) => Promise<Output>;
  /** A host's first address of a family. */
  readonly address: (host: string, family: Family) => string;
  /** Makes a host answer on more ports, until the lab is destroyed. The node answers on none from the start. */
  readonly listen: (host: string, ports: readonly number[], settings?: ListenSettings) => Promise<void>;
  readonly send: (sending: Sending) => Promise<Sent>;
  /** Sends all the time until stopped. Resolves when the first attempts are under way. */
  readonly backgroundClient: (sending: BackgroundSending) => Promise<BackgroundClient>;
  /** Forgets all connections of the node, both families. */
  readonly conntrackFlush: () => Promise<void>;
  /** Empties the node's tables, ipsets and connection table; listeners, sysctls and background clients stay. */
  readonly reset: () => Promise<void>;
  /** Removes everything. May be called twice. */
  readonly destroy: () => Promise<void>;
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

/** Makes a lab. Needs root; ask probe.ts first. Rejects having removed what it had made. */
export async function createLab(options: LabOptions): Promise<Lab> {
  const ip = await needTool("ip");
  await removeAbandoned(ip);
  const prefix = freePrefix();
  const layout = layOut({
    prefix,
    node: options.node ?? defaults.node,
    pods: options.pods ?? defaults.pods,
    remotes: options.remotes ?? defaults.remotes,
  });
  const workers = new Map<string, Worker>();
  const destroy = async () => {
    await Promise.all([...workers.values()].map((worker) => worker.stop()));
    workers.clear();
    await removeNamespaces(ip, prefix);
  };
  const start = async ({ name }: Namespace) => void workers.set(name, await startWorker(ip, name));
  try {
    await addNamespaces(ip, layout);
    // Settled, not all: a failure must find every worker that has started, to stop it.
    const steps = [...layout.namespaces.map(start), linkNamespaces(ip, layout, options.sysctls ?? {})];
    const failed = (await Promise.allSettled(steps)).find((step) => step.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    const lab = await openLab(ip, layout, workers, { variant: options.variant, lockFile: lockFile(prefix), destroy });
    const answering = Object.keys(layout.hosts).filter((host) => host !== node);
    await Promise.all(answering.map((host) => lab.listen(host, options.ports ?? [80, 8080])));
    return lab;
  } catch (error) {
    await destroy();
    throw error;
  }
}

type Parts = { readonly variant: Variant; readonly lockFile: string; readonly destroy: () => Promise<void> };

async function openLab(ip: string, layout: Layout, workers: ReadonlyMap<string, Worker>, parts: Parts): Promise<Lab> {
  const env = { XTABLES_LOCKFILE: parts.lockFile };
  const host = (name: string): Host => {
    const found = layout.hosts[name];
    if (found === undefined) throw new Error(`lab: no host ${name}, there are ${Object.keys(layout.hosts).join(", ")}`);
    return found;
  };
  const worker = (name: string): Worker => {
    const found = workers.get(host(name).namespace);
    if (found === undefined) throw new Error("lab: it has been destroyed");
    return found;
  };
  const exec: Lab["exec"] = (name, file, args, settings = {}) =>
    runTool(ip, ["netns", "exec", host(name).namespace, file, ...args], {
      ...settings,
      env: { ...env, ...settings.env },
    });
  const onNode: Lab["node"]["exec"] = (file, args, settings) => exec(node, file, args, settings);
  const tables = await openTables(parts.variant, onNode);
  const conntrack = await needTool("conntrack");
  const ipset = await findTool("ipset");
  const conntrackFlush = async () => {
    await onNode(conntrack, ["-F"]);
  };
  return {
    variant: parts.variant,
    node: { namespace: host(node).namespace, exec: onNode, env },
    exec,
    save: tables.save,
    restore: tables.restore,
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
    conntrackFlush,
    reset: async () => {
      await tables.empty(); // first: a set cannot go while a rule names it
      await Promise.all([conntrackFlush(), ipset === undefined ? undefined : onNode(ipset, ["destroy"])]);
    },
    destroy: parts.destroy,
  };
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
