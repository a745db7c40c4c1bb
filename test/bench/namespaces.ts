// Network namespaces with a process in each. In: nothing. Out: Places: what runs there is called from here, and they go when told to.
import { spawn, type ChildProcess } from "node:child_process";
import { readdirSync, existsSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa, execaSync } from "execa";
import type { Calls, Reply } from "./worker.ts";

/** A namespace and the worker that runs in it. */
export type Place = {
  readonly name: string;
  /** Runs one of `Calls` there. Rejects with what it threw. */
  readonly call: <Name extends keyof Calls>(
    name: Name,
    argument: Parameters<Calls[Name]>[0],
  ) => Promise<Awaited<ReturnType<Calls[Name]>>>;
  readonly close: () => Promise<void>;
};

/** Makes a namespace whose loopback is up, and starts a worker in it. */
export async function openPlace(): Promise<Place> {
  const name = `${prefix}${process.pid}-${(count += 1)}`;
  await ip(`netns add ${name}\n-n ${name} link set lo up`);
  const worker = start(name);
  const close = async () => {
    await stop(worker);
    await ip(`netns del ${name}`);
    rmSync(lockFile(name), { force: true });
    open.delete(name);
  };
  open.set(name, worker);
  const call: Place["call"] = (what, argument) => ask(worker, { call: what, argument }) as never;
  return { name, call, close };
}

/** A pod on a node, the node, and a far side that owns the addresses of all other pods. The node forwards between them. */
export async function openLine(network: {
  readonly nodeIp: string;
  readonly podsIp: string;
  readonly podCidr: string;
  readonly clientPodIp: string;
}): Promise<{ readonly pod: Place; readonly node: Place; readonly far: Place }> {
  const [pod, node, far] = [await openPlace(), await openPlace(), await openPlace()];
  const { nodeIp, podsIp, podCidr, clientPodIp } = network;
  await ip(`-n ${node.name} link add eth0 type veth peer name eth0 netns ${far.name}
-n ${node.name} link add pod0 type veth peer name eth0 netns ${pod.name}
-n ${node.name} addr add ${nodeIp}/24 dev eth0
-n ${far.name} addr add ${podsIp}/24 dev eth0
-n ${pod.name} addr add ${clientPodIp}/32 dev eth0
-n ${node.name} link set eth0 up
-n ${node.name} link set pod0 up
-n ${far.name} link set eth0 up
-n ${pod.name} link set eth0 up
-n ${pod.name} route add ${nodeIp}/32 dev eth0
-n ${pod.name} route add default via ${nodeIp}
-n ${node.name} route add ${clientPodIp}/32 dev pod0
-n ${node.name} route add default via ${podsIp}
-n ${far.name} route add ${clientPodIp}/32 via ${nodeIp}
-n ${far.name} route add local ${podCidr} dev lo`);
  await execa("ip", ["netns", "exec", node.name, "tee", "/proc/sys/net/ipv4/ip_forward"], { input: "1" });
  return { pod, node, far };
}

/** Removes what this process made, and what benches made that are gone. For an end by a signal, so nothing here waits. */
export function removeAll(): void {
  for (const worker of open.values()) worker.kill("SIGKILL");
  for (const name of existsSync("/run/netns") ? readdirSync("/run/netns") : []) {
    const pid = new RegExp(`^${prefix}(\\d+)-`).exec(name)?.[1];
    if (pid === undefined || (existsSync(`/proc/${pid}`) && pid !== String(process.pid))) continue;
    execaSync("ip", ["netns", "del", name], { reject: false });
    rmSync(lockFile(name), { force: true });
  }
  open.clear();
}

/** Why no namespaces can be made here; undefined where they can. */
export async function whyNoPlaces(): Promise<string | undefined> {
  try {
    await (await openPlace()).close();
    return undefined;
  } catch (error) {
    removeAll();
    return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
  }
}

const prefix = "rwbench-";
const open = new Map<string, ChildProcess>();
let count = 0;

/** The bench is bundled into one file, so this module's address is that of the whole bench. */
function start(name: string): ChildProcess {
  const args = [
    "netns",
    "exec",
    name,
    process.execPath,
    ...process.execArgv,
    fileURLToPath(import.meta.url),
    "--worker",
  ];
  // All namespaces share /run/xtables.lock: with a lock of their own, nobody else's rules are waited for.
  const env = { ...process.env, XTABLES_LOCKFILE: lockFile(name) };
  return spawn("ip", args, { stdio: ["ignore", "inherit", "inherit", "ipc"], env });
}

async function ask(worker: ChildProcess, request: { call: keyof Calls; argument: unknown }): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = () => {
      reject(new Error(`bench: the worker ended during ${request.call}`));
    };
    worker.once("exit", ended);
    worker.once("message", (reply: Reply) => {
      worker.off("exit", ended);
      if ("error" in reply) reject(new Error(reply.error));
      else resolve(reply.result);
    });
    worker.send(request);
  });
}

async function stop(worker: ChildProcess): Promise<void> {
  if (worker.exitCode !== null || worker.signalCode !== null) return;
  const ended = new Promise((resolve) => worker.once("exit", resolve));
  worker.kill("SIGKILL");
  await ended;
}

async function ip(batch: string): Promise<void> {
  for (const line of batch.split("\n")) await execa("ip", line.split(" "));
}

function lockFile(name: string): string {
  return join(tmpdir(), `${name}-xtables.lock`);
}
