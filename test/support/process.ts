// Starts the API server in a process of its own, e.g. in a network namespace. In: options. Out: FakeApi; the same calls, sent there.
import { spawn, type ChildProcess } from "node:child_process";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { handle, type ApiCalls, type ApiOptions, type ApiPlace, type FakeApi } from "./api.ts";
import { serveParent, type Asked, type Reply } from "./worker.ts";

/** A server in another process. */
export type ApiProcess = FakeApi & {
  readonly pid: number;
  /** Stops the process: connections are accepted by the kernel and nothing ever answers, not even HTTP/2 pings. */
  readonly freeze: () => void;
  readonly thaw: () => void;
};

export type ProcessSettings = {
  /** A command that is to run it, e.g. `["ip", "netns", "exec", NAME]`. It must end in exec: the channel is inherited. */
  readonly before?: readonly string[];
  /** What node is to run, e.g. a program that is bundled already; it must call `serveApi`. Default: one that is bundled for this. */
  readonly program?: readonly string[];
};

/** To be called in that program. */
export function serveApi(): void {
  process.on("disconnect", () => process.exit());
  const serve = serveParent((reply) => process.send?.(reply));
  process.on("message", (asked: Asked) => void serve(asked));
}

/** Resolves when it accepts connections. It ends with this process. */
export async function startApiProcess(
  options: ApiOptions = {},
  { before = [], program }: ProcessSettings = {},
): Promise<ApiProcess> {
  const bundled = program === undefined ? await bundle() : undefined;
  const [file = "", ...args] = [...before, process.execPath, ...(program ?? [bundled ?? ""])];
  const child = spawn(file, args, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    serialization: "advanced",
    env: { ...process.env, NODE_OPTIONS: "" }, // jest's own options are not for it
  });
  const ask = openChannel(child);
  try {
    const place = (await ask({ start: options })) as ApiPlace;
    const calls = Object.fromEntries(
      callNames.map((call) => [call, (...given: unknown[]) => ask({ call, arguments: given })]),
    ) as unknown as ApiCalls;
    return {
      ...handle(place, options),
      ...calls,
      // In parts: one message with all objects of a large cluster would be copied several times.
      set: async (...objects) => {
        let revision = await calls.set(...objects.slice(0, perMessage));
        for (let first = perMessage; first < objects.length; first += perMessage)
          revision = await calls.set(...objects.slice(first, first + perMessage));
        return revision;
      },
      pid: child.pid ?? 0,
      freeze: () => void child.kill("SIGSTOP"),
      thaw: () => void child.kill("SIGCONT"),
      stop: () => end(child),
    };
  } catch (error) {
    await end(child);
    throw error;
  } finally {
    if (bundled !== undefined) await rm(bundled, { force: true });
  }
}

const perMessage = 1000;

/** Every call. An object, so that a call that is added is missed by the compiler. */
const callNames = Object.keys({
  set: 1,
  fill: 1,
  remove: 1,
  objects: 1,
  requests: 1,
  forgetRequests: 1,
  watches: 1,
  setAccess: 1,
  cutWatches: 1,
  stallWatches: 1,
  resumeWatches: 1,
  sendBookmarks: 1,
  expireHistory: 1,
  failNext: 1,
  clearFaults: 1,
  delayEvents: 1,
  duplicateEvents: 1,
  down: 1,
  up: 1,
  restart: 1,
} satisfies Record<keyof ApiCalls, 1>) as (keyof ApiCalls)[];

const root = join(import.meta.dirname, "..", "..");
let bundles = 0;

/** One file of JavaScript, in node_modules so that packages are found from there: Node 20 cannot run TypeScript itself. */
async function bundle(): Promise<string> {
  const outfile = join(root, "node_modules", ".cache", "rulewright-support", `${process.pid}-${(bundles += 1)}.mjs`);
  const contents = `import { serveApi } from "./process.ts";
serveApi();`;
  await build({
    stdin: { contents, resolveDir: import.meta.dirname, loader: "ts" },
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    packages: "external",
    logLevel: "warning",
  });
  return outfile;
}

type Ask = (what: Omitted) => Promise<unknown>;
type Omitted = Asked extends infer One ? (One extends unknown ? Omit<One, "id"> : never) : never;

function openChannel(child: ChildProcess): Ask {
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let over: Error | undefined;
  let last = 0;
  const fail = (error: Error) => {
    over = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  child.on("error", (error) => {
    fail(new Error("fake API: its process could not be started", { cause: error }));
  });
  child.on("exit", (code, signal) => {
    fail(new Error(`fake API: its process has ended with ${String(code ?? signal)}`));
  });
  child.on("message", (reply: Reply) => {
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ("error" in reply) asked?.reject(new Error(reply.error));
    else asked?.resolve("place" in reply ? reply.place : reply.result);
  });
  return (what) =>
    new Promise((resolve, reject) => {
      if (over !== undefined) {
        reject(over);
        return;
      }
      const id = (last += 1);
      waiting.set(id, { resolve, reject });
      child.send({ ...what, id });
    });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL"); // also where it is frozen
  await gone;
}
