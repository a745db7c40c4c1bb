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

/** Two namespaces joined by a link. `here` is the node; all other addresses lead to `there`, which owns those of all pods. */
export async function openPair(network: {
  readonly nodeIp: string;
  readonly podsIp: string;
  readonly podCidr: string;
}): Promise<{ readonly here: Place; readonly there: Place }> {
  const [here, there] = [await openPlace(), await openPlace()];
  await ip(`-n ${here.name} link add eth0 type veth peer name eth0 netns ${there.name}
-n ${here.name} addr add ${network.nodeIp}/24 dev eth0
-n ${there.name} addr add ${network.podsIp}/24 dev eth0
-n ${here.name} link set eth0 up
-n ${there.name} link set eth0 up
-n ${here.name} route add default via ${network.podsIp}
-n ${there.name} route add local ${network.podCidr} dev lo`);
  return { here, there };
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
