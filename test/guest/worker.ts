// Starts the lab's worker in a namespace of the guest. In: a guest, a namespace. Out: servers and clients there.
import { resolve } from "node:path";
import type { Worker } from "../lab/worker.ts";
import type { Guest } from "./guest.ts";

const program = resolve("test/lab/worker.mjs");

/** Starts one, which takes 1 s; resolves when it takes requests. It ends with the guest. */
export async function startGuestWorker(guest: Guest, namespace: string): Promise<Worker> {
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let text = "";
  const command = [process.execPath, ...guest.nodeOptions, program];
  const worker = guest.start("ip", ["netns", "exec", namespace, ...command], (piece) => {
    const lines = (text + piece).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      const reply = JSON.parse(line) as { id: number; result?: unknown; error?: string };
      const asked = waiting.get(reply.id);
      waiting.delete(reply.id);
      if (reply.error === undefined) asked?.resolve(reply.result);
      else asked?.reject(new Error(`worker in ${namespace}: ${reply.error}`));
    }
  });
  const end = (cause?: unknown) => {
    for (const { reject } of waiting.values()) reject(new Error(`worker in ${namespace} has ended`, { cause }));
    waiting.clear();
  };
  void worker.finished.then(end, end);
  const reply = (id: number) =>
    new Promise<unknown>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
    });
  let last = 0;
  const post = (message: object) => {
    last += 1;
    const answer = reply(last);
    worker.write(`${JSON.stringify({ ...message, id: last })}\n`);
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
      worker.close();
      await worker.finished.catch(() => undefined);
    },
  };
}
