// A network of namespaces around one node. In: options. Out: a Lab, in which to load rules and send connections.
import { defaults, layOut, node, type Layout, type LayoutOptions, type Namespace } from "./layout.ts";
import { addNamespaces, freePrefix, linkNamespaces, lockFile, removeAbandoned, removeNamespaces } from "./network.ts";
import { openTables, type Tables, type Variant } from "./tables.ts";
import { findTool, needTool, runTool, type Output, type ToolSettings } from "./tool.ts";
import { hostOf, openParties, type Parties } from "./parties.ts";
import { startWorker, type Worker } from "./worker.ts";

/** What a lab is made of; everything but `variant` has a default, see `defaults` in layout.ts. */
export type LabOptions = { readonly variant: Variant } & Partial<Omit<LayoutOptions, "prefix">> & {
    /** Ports on which each pod and each remote answers from the start, TCP and UDP, on all its addresses. Default 80 and 8080. */
    readonly ports?: readonly number[];
    /** Of the node's namespace, e.g. `{ "net.ipv4.conf.all.route_localnet": 1 }`. Kept through `reset`. */
    readonly sysctls?: Readonly<Record<string, string | number>>;
  };

/** A running network. Several labs may run at once, also in different processes. */
export type Lab = Pick<Tables, "save" | "restore"> &
  Parties & {
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
    /** Forgets all connections of the node, both families. */
    readonly conntrackFlush: () => Promise<void>;
    /** Empties the node's tables, ipsets and connection table; listeners, sysctls and background clients stay. */
    readonly reset: () => Promise<void>;
    /** Removes everything. May be called twice. */
    readonly destroy: () => Promise<void>;
  };

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

type Rest = { readonly variant: Variant; readonly lockFile: string; readonly destroy: () => Promise<void> };

async function openLab(ip: string, layout: Layout, workers: ReadonlyMap<string, Worker>, parts: Rest): Promise<Lab> {
  const env = { XTABLES_LOCKFILE: parts.lockFile };
  const host = (name: string) => hostOf(layout, name);
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
    ...openParties(layout, workers),
    conntrackFlush,
    reset: async () => {
      await tables.empty(); // first: a set cannot go while a rule names it
      await Promise.all([conntrackFlush(), ipset === undefined ? undefined : onNode(ipset, ["destroy"])]);
    },
    destroy: parts.destroy,
  };
}

export type { BackgroundClient, BackgroundSending, Sending, Sent } from "./parties.ts";
