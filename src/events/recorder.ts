// Posts events to the API server. In: Api, events. Out: nothing to wait for; what became of them is counted.
import { setTimeout as after } from "node:timers/promises";
import { ApiError } from "../watch/api-error.ts";
import type { Api } from "../watch/api.ts";
import { longestMs, waitMs as backoffMs } from "../watch/backoff.ts";
import type { Log } from "../watch/intake.ts";
import { fullBucket, take, waitMs, type Rate } from "./bucket.ts";
import { buildEvent, buildPatch, eventName, namespaceOf, type Event } from "./event.ts";
import { createLedger, type Entry } from "./ledger.ts";

export type RecorderSettings = {
  readonly api: Pick<Api, "send">;
  readonly nodeName: string;
  readonly reportingController: string;
  readonly log: Log;
  /** Only tests have another than the real one. */
  readonly time?: RecorderTime;
};

export type RecorderTime = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Ends early, without an error, when the signal does. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** 0 to 1. */
  readonly random: () => number;
};

export type Recorder = {
  /** Takes note of an event and returns at once; never throws. The same one again within 10 minutes only raises the count of the first. */
  readonly event: (event: Event) => void;
  readonly stats: () => RecorderStats;
  /** Resolves when nothing waits any more. */
  readonly idle: () => Promise<void>;
  /** Drops what waits and ends what is under way. Later events are dropped. */
  readonly stop: () => Promise<void>;
};

export type RecorderStats = {
  readonly posted: number;
  /** Events seen again that the server was told of. */
  readonly patched: number;
  /** About objects that had too many, when too many others waited, or refused by the server or not to be had of it. */
  readonly dropped: Readonly<Record<"rate" | "queue" | "failed", number>>;
};

/** Of one node, so that a cluster of nodes with the same trouble is bearable; kube-proxy's client has the same. */
const requestRate: Rate = { burst: 10, seconds: 0.2 };
const mostWaiting = 1000;
const mostTries = 5;
const requestMs = 10_000;

/** One recorder for the life of the agent. Events are sent one after the other, in the order in which they came. */
export function createRecorder(settings: RecorderSettings): Recorder {
  const { log, time = realTime } = settings;
  const ledger = createLedger();
  /** Entries that the server does not know as they are, in order. */
  const waiting = new Set<Entry>();
  const stopping = new AbortController();
  const isStopped = (): boolean => stopping.signal.aborted;
  const counts = { posted: 0, patched: 0, rate: 0, queue: 0, failed: 0 };
  const naming = namer();
  let bucket = fullBucket(requestRate, time.now());
  let running: Promise<void> | undefined;

  const loop = async (): Promise<void> => {
    for (const entry of waiting) {
      await time.sleep(waitMs(bucket, requestRate, time.now()), stopping.signal);
      if (isStopped()) return;
      ({ bucket } = take(bucket, requestRate, time.now()));
      waiting.delete(entry);
      const was = entry.told === 0 ? "posted" : "patched";
      try {
        await send(entry, { ...settings, time, naming, signal: stopping.signal });
        counts[was] += 1;
      } catch (error) {
        if (isStopped()) return;
        counts.failed += 1;
        log.debug(`event ${entry.event.reason} was dropped: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  };

  const start = (): void => {
    running ??= loop().finally(() => {
      running = undefined;
      if (waiting.size > 0 && !isStopped()) start();
    });
  };

  return {
    event: (event) => {
      const entry = ledger.note(event, time.now());
      if (entry === undefined) counts.rate += 1;
      else if (isStopped() || (waiting.size >= mostWaiting && !waiting.has(entry))) counts.queue += 1;
      else {
        waiting.add(entry);
        start();
      }
    },
    stats: () => {
      const { posted, patched, rate, queue, failed } = counts;
      return { posted, patched, dropped: { rate, queue, failed } };
    },
    idle: async () => {
      while (running !== undefined) await running;
    },
    stop: async () => {
      stopping.abort();
      await running;
      waiting.clear();
    },
  };
}

type Sending = RecorderSettings & {
  readonly time: RecorderTime;
  readonly naming: (now: number) => string;
  readonly signal: AbortSignal;
};

/** Tells the server of an entry as it is now. Tries again where the server has trouble or cannot be reached; rejects where that is in vain. */
async function send(entry: Entry, sending: Sending): Promise<void> {
  const { time, signal } = sending;
  for (let tries = 1; entry.told < entry.series.count; tries++) {
    try {
      await (entry.told === 0 ? post(entry, sending) : patch(entry, sending));
    } catch (error) {
      const wait = pauseAfter(error, entry, { tries, random: time.random() });
      if (tries >= mostTries || wait === undefined) throw error;
      await time.sleep(wait, signal);
      if (signal.aborted) throw error;
    }
  }
}

async function post(
  entry: Entry,
  { api, nodeName, reportingController, time, naming, signal }: Sending,
): Promise<void> {
  const { event, series } = entry;
  // Kept for the next try: if this one arrives and its answer does not, the next is refused for its name, and nothing is told twice.
  entry.name ??= eventName(event.regarding, naming(time.now()));
  const reporter = { controller: reportingController, nodeName };
  const body = buildEvent(event, series, { name: entry.name, reporter });
  await api.send("POST", eventsPath(event), { body, signal: limited(signal) });
  entry.told = series.count;
}

async function patch(entry: Entry, { api, signal }: Sending): Promise<void> {
  const { event, series, name = "" } = entry;
  const path = `${eventsPath(event)}/${encodeURIComponent(name)}`;
  const body = buildPatch(series);
  await api.send("PATCH", path, { body, contentType: "application/merge-patch+json", signal: limited(signal) });
  entry.told = series.count;
}

/** Milliseconds until the next try, which `entry` is made ready for; undefined where it would be in vain. */
function pauseAfter(
  error: unknown,
  entry: Entry,
  { tries, random }: { readonly tries: number; readonly random: number },
): number | undefined {
  const { status, retryAfterSeconds = 0 } = error instanceof ApiError ? error : { status: 400 };
  if (status === 409 && entry.told === 0 && tries > 1) {
    // An earlier try arrived. Of events that were seen again since, the next patch tells.
    entry.told = 1;
    return 0;
  }
  if (status === 404 && entry.told > 0) {
    // Events last an hour. This one is told whole again.
    entry.told = 0;
    entry.name = undefined;
    return 0;
  }
  if (status !== undefined && status !== 429 && status < 500) return undefined;
  return Math.max(Math.min(retryAfterSeconds * 1000, longestMs), backoffMs({ failures: tries }, random));
}

function eventsPath({ regarding }: Event): string {
  return `/apis/events.k8s.io/v1/namespaces/${encodeURIComponent(namespaceOf(regarding))}/events`;
}

function limited(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(requestMs)]);
}

/** Digits that no other event of this agent gets, and by their beginning none of an earlier one: nanoseconds, as client-go has them. */
function namer(): (now: number) => string {
  let last = 0n;
  return (now) => {
    const next = BigInt(Math.floor(now)) * 1_000_000n;
    last = next > last ? next : last + 1n;
    return last.toString(16);
  };
}

const realTime: RecorderTime = {
  now: Date.now,
  sleep: (ms, signal) => after(ms, undefined, { signal }).then(noop, noop),
  random: Math.random,
};

function noop(): void {
  // A sleep that is cut short is over.
}
