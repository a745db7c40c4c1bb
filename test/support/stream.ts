// The answer to one watch. In: lines. Out: an EventStream that sends them in order, or late, or not at all.
import type { BreakOff, Exchange } from "./exchange.ts";

export type EventStream = {
  /** Sends a line `delayMs` from now, and never before one that was sent earlier. */
  readonly send: (line: string, delayMs?: number) => void;
  /** Ends the answer well, after all lines. */
  readonly end: () => void;
  /** From now on not a byte leaves, the end included; lines wait. */
  readonly stall: () => void;
  readonly resume: () => void;
  /** Sends `partial` at once, whatever waits, and breaks off; without `how` the answer ends well after it. */
  readonly cut: (partial: string, how?: BreakOff) => void;
};

type Waiting = { readonly line: string | undefined; readonly dueMs: number };

/** Starts the answer: HTTP 200, at once, as a real server does before it has anything to tell. */
export function openStream(exchange: Exchange): EventStream {
  exchange.start(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
  const queue: Waiting[] = [];
  let state: "idle" | "writing" | "stalled" | "closed" = "idle";
  let stallNext = false;
  let timer: NodeJS.Timeout | undefined;
  const over = () => {
    state = "closed";
    queue.length = 0;
    clearTimeout(timer);
  };
  exchange.onClose(over);

  const pump = async () => {
    while (state === "idle" && queue.length > 0) {
      const now = performance.now();
      const first = queue[0]?.dueMs ?? 0;
      if (first > now) {
        clearTimeout(timer);
        timer = setTimeout(() => void pump(), first - now);
        return;
      }
      const due = takeDue(queue, now);
      state = "writing";
      await exchange.write(due.map(({ line }) => line ?? "").join(""));
      if (ended(state)) return;
      state = stallNext ? "stalled" : "idle";
      if (due.at(-1)?.line === undefined) {
        exchange.end();
        over();
      }
    }
  };
  const enqueue = (line: string | undefined, delayMs: number) => {
    if (state === "closed") return;
    queue.push({ line, dueMs: Math.max(queue.at(-1)?.dueMs ?? 0, performance.now() + delayMs) });
    void pump();
  };
  return {
    send: (line, delayMs = 0) => {
      enqueue(line, delayMs);
    },
    end: () => {
      enqueue(undefined, 0);
    },
    stall: () => {
      stallNext = true;
      if (state === "idle") state = "stalled";
    },
    resume: () => {
      stallNext = false;
      if (state === "stalled") state = "idle";
      void pump();
    },
    cut: (partial, how) => {
      if (state === "closed") return;
      over();
      if (partial !== "") void exchange.write(partial);
      if (how === undefined) exchange.end();
      else exchange.breakOff(how);
    },
  };
}

/** TypeScript believes that `state` is as it was before the await. */
function ended(state: string): boolean {
  return state === "closed";
}

/** Takes the lines that are due, at most some 256 kB of them, and nothing that comes after the end. */
function takeDue(queue: Waiting[], now: number): Waiting[] {
  let [count, length] = [0, 0];
  for (const { line, dueMs } of queue) {
    if (dueMs > now || length >= 256 * 1024) break;
    count += 1;
    if (line === undefined) break;
    length += line.length;
  }
  return queue.splice(0, count);
}
