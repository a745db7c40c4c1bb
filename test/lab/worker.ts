// Starts the worker process of a namespace and talks to it. In: requests. Out: replies.
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { execa } from "execa";

/** A running worker.mjs. */
export type Worker = {
  /** The operation's result. Rejects with the worker's message, or when the process has ended. */
  readonly ask: (operation: Operation) => Promise<unknown>;
  /** Like `ask`, for `start`: resolves with the number that `stop` wants. */
  readonly start: (request: SendRequest) => Promise<number>;
  /** Ends the process, all its servers and clients with it. Never rejects. */
  readonly stop: () => Promise<void>;
};

/** What worker.mjs can be asked, apart from `start`. */
export type Operation =
  | { readonly operation: "listen"; readonly listeners: readonly Listener[] }
  | { readonly operation: "send"; readonly request: SendRequest }
  | { readonly operation: "stop"; readonly started: number };

/** One server socket; `name` is what it answers with. */
export type Listener = {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
};

/** What client.mjs sends; its comments say what the fields mean. */
export type SendRequest = {
  readonly to: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
  readonly source: string | undefined;
  readonly sourcePort: number | undefined;
  readonly count: number;
  readonly parallel: number;
  readonly timeoutMs: number;
  readonly intervalMs?: number;
};

const program = fileURLToPath(new URL("worker.mjs", import.meta.url));

/** Starts a worker in `namespace`; resolves when it takes requests. `ip` is the path of ip(8). */
export async function startWorker(ip: string, namespace: string): Promise<Worker> {
  const subprocess = execa(ip, ["netns", "exec", namespace, process.execPath, program], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    buffer: { stdout: false, stderr: true },
    env: { NODE_OPTIONS: "" }, // jest's own options (--experimental-vm-modules) are not for it
    forceKillAfterDelay: 1000,
  });
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let ended: Error | undefined;
  const end = subprocess.then(
    () => new Error(`worker in ${namespace} has ended`),
    (error: unknown) => new Error(`worker in ${namespace} has failed`, { cause: error }),
  );
  const over = end.then((error) => {
    ended = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  });
  subprocess.stdin.on("error", () => undefined); // EPIPE of a worker that has ended: `over` says so to who waits
  createInterface({ input: subprocess.stdout }).on("line", (line) => {
    const reply = JSON.parse(line) as { id: number; result?: unknown; error?: string };
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.error === undefined) asked?.resolve(reply.result);
    else asked?.reject(new Error(`worker in ${namespace}: ${reply.error}`));
  });
  const reply = (id: number) =>
    new Promise<unknown>((resolve, reject) => {
      if (ended === undefined) waiting.set(id, { resolve, reject });
      else reject(ended);
    });
  let last = 0;
  const post = (message: object) => {
    last += 1;
    const answer = reply(last);
    if (ended === undefined) subprocess.stdin.write(`${JSON.stringify({ ...message, id: last })}\n`);
    return { id: last, answer };
  };
  await reply(0);
  return {
    ask: (operation) => post(operation).answer,
    start: async (request) => {
      const { id, answer } = post({ operation: "start", request });
      await answer;
      return id;
    },
    stop: async () => {
      subprocess.stdin.end();
      const late = setTimeout(() => subprocess.kill("SIGKILL"), 1000);
      await over;
      clearTimeout(late);
    },
  };
}
