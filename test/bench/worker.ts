// The bench's process inside a namespace. In: calls by message. Out: one reply each. Stays small: a large process forks slowly.
import { readFileSync } from "node:fs";
import type { Kernel, Variant } from "../../src/kernel/kernel.ts";
import { openKernel } from "../../src/kernel/tools.ts";
import { connectMany, listen, type ConnectRequest } from "./sockets.ts";

/** What can be asked of a worker. */
export type Calls = {
  /** Feeds scripts to iptables-restore as the agent does, one process each. Rejects where one is not taken. */
  readonly restore: (request: RestoreRequest) => Promise<Spent>;
  /** Answers on a port on all addresses, and forgets each connection at once. */
  readonly listen: (port: number) => Promise<void>;
  /** Connects so many times, one after the other. Gives the microseconds of each. */
  readonly connect: (request: ConnectRequest) => Promise<number[]>;
};

type RestoreRequest = { readonly variant: Variant; readonly scripts: readonly string[] };

/** The restore processes' time: from start to end, and of CPU (in units of 10 ms). */
export type Spent = { readonly wallMs: number; readonly cpuMs: number };

export type Reply = { readonly result: unknown } | { readonly error: string };

/** Answers calls until the process is killed or its parent goes. */
export function serveCalls(): void {
  const calls: Calls = { restore, listen, connect: connectMany };
  process.on("disconnect", () => process.exit());
  process.on("message", (request: { readonly call: keyof Calls; readonly argument: never }) => {
    const call: (argument: never) => Promise<unknown> = calls[request.call];
    call(request.argument).then(
      (result) => {
        reply({ result: result ?? null });
      },
      (error: unknown) => {
        reply({ error: error instanceof Error ? error.message : String(error) });
      },
    );
  });
}

const kernels = new Map<Variant, Kernel>();

async function restore({ variant, scripts }: RestoreRequest): Promise<Spent> {
  const kernel = kernels.get(variant) ?? (await openKernel(variant));
  kernels.set(variant, kernel);
  const cpuBefore = childrenCpuMs();
  const start = performance.now();
  for (const script of scripts) {
    const restored = await kernel.restore(4, script);
    if (!restored.ok) throw new Error(`bench: iptables-${variant}-restore refused: ${restored.message.slice(0, 500)}`);
  }
  return { wallMs: performance.now() - start, cpuMs: childrenCpuMs() - cpuBefore };
}

/** CPU of all children that have ended, user and system. Source: proc_pid_stat(5), fields 16 and 17, in ticks of 10 ms. */
function childrenCpuMs(): number {
  const fields = readFileSync("/proc/self/stat", "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

function reply(message: Reply): void {
  process.send?.(message);
}
