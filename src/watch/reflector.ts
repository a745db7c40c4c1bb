// Keeps a consumer in step with one kind of objects on the API server. In: Api, Resource. Out: changes, for as long as it runs.
import { setTimeout as after } from "node:timers/promises";
import { networkError, type ApiError } from "./api-error.ts";
import type { Api } from "./api.ts";
import { afterTry, freshBackoff, livedMs, longestMs, waitMs } from "./backoff.ts";
import { follow, isBackInTime, list, type Course, type Following } from "./follow.ts";
import { createIntake, type Consumer, type Log } from "./intake.ts";
import { afterRefusedList, withoutRefused } from "./requests.ts";
import type { Resource } from "./resources.ts";
import type { Version } from "./version.ts";

export type ReflectOptions<T> = Consumer<T> & {
  readonly api: Api;
  readonly resource: Resource<T>;
  readonly log: Log;
  /** Something arrived, bookmarks included, at that time in milliseconds since 1970; many things at once make one call. */
  readonly onArrival?: (at: number) => void;
  /** A stream ended, as asked for or not, and another is begun, or will be after a pause. */
  readonly onRestart?: () => void;
  /** A stream that brought no byte for so long is replaced. Default 120: most servers send a bookmark every minute. */
  readonly idleSeconds?: number;
  /** Only tests have another than the real one. */
  readonly time?: Time;
};

/** Clock, waiting and chance. */
export type Time = {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Ends early, without an error, when the signal does. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** 0 to 1. */
  readonly random: () => number;
};

export type Reflector = {
  /** Ends the streams. The consumer is told nothing once this has resolved. */
  readonly stop: () => Promise<void>;
  readonly stats: () => ReflectorStats;
};

export type ReflectorStats = {
  /** Lists that were begun, streamed ones included. */
  readonly lists: number;
  /** Streams that came about. */
  readonly watches: number;
  /** Tries that failed; streams that ended early included, extras that the server refused not. */
  readonly failures: number;
  /** Objects that could not be used, counted each time that one arrived. */
  readonly refusals: number;
  /** The last try failed or its stream broke, and there is no new stream yet. */
  readonly failing: boolean;
  /** When the last object, event or bookmark arrived, milliseconds since 1970. */
  readonly lastEventAt: number | undefined;
  /** Up to where everything has been seen; undefined while a list is needed. */
  readonly resourceVersion: Version | undefined;
  /** Objects that are there. */
  readonly objects: number;
  /** Those of them whose newest state cannot be used. */
  readonly refused: number;
  /** False where the server does not have this kind. */
  readonly served: boolean;
};

/**
 * Lists, then watches, until it is stopped: nothing that a server does or a consumer throws ends it. After a break it resumes where it
 * was; where the server has forgotten that (410) or has gone back in time it lists again, and tells what differs, deletions included.
 */
export function reflect<T>(options: ReflectOptions<T>): Reflector {
  const { api, resource, log, idleSeconds = 120, time = realTime } = options;
  const stopping = new AbortController();
  const intake = createIntake({ resource, consumer: options, log, now: time.now });
  const state: State = { isSynced: false, isServed: true, isInDoubt: false, failures: 0 };
  const course: Course = {
    abilities: { refusable: true, streaming: true },
    listFrom: { kind: "cache" },
    position: undefined,
    asked: "list",
    openedAt: undefined,
    lastEventAt: undefined,
    errorEvents: 0,
    lists: 0,
    watches: 0,
  };
  const onFull = (): void => {
    if (!state.isSynced) intake.synced();
    state.isSynced = true;
    log.debug(`${resource.name}: ${intake.holdings.size()} listed, up to ${course.position ?? ""}`);
  };
  const following: Following = {
    ...{ api, resource, intake, course, idleSeconds, onFull },
    onArrival: () => options.onArrival?.(course.lastEventAt ?? time.now()),
    now: time.now,
    random: time.random,
    signal: stopping.signal,
  };
  const running = run(following, state, { log, time, onRestart: options.onRestart ?? noop });
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
    stats: () => ({
      lists: course.lists,
      watches: course.watches,
      failures: state.failures,
      failing: state.failures > 0 && (state.isInDoubt || course.openedAt === undefined),
      refusals: intake.refusals(),
      lastEventAt: course.lastEventAt,
      resourceVersion: course.position,
      objects: intake.holdings.size(),
      refused: intake.holdings.refused(),
      served: state.isServed,
    }),
  };
}

type State = {
  isSynced: boolean;
  isServed: boolean;
  /** The last stream did not end as it should: before resuming, see whether the server is still where it was. */
  isInDoubt: boolean;
  failures: number;
};

type Surroundings = { readonly log: Log; readonly time: Time; readonly onRestart: () => void };

async function run(following: Following, state: State, surroundings: Surroundings): Promise<void> {
  const { log, time, onRestart } = surroundings;
  const { course, resource, signal } = following;
  let backoff = freshBackoff;
  while (!signal.aborted) {
    const ended = await round(following, state, log);
    if (stopped(signal)) return;
    if (course.openedAt !== undefined) onRestart();
    if (ended === "asked-for") {
      backoff = freshBackoff;
      continue;
    }
    const next = ended === "early" ? undefined : learn(ended, following, state);
    if (next === "again") {
      log.debug(`${ended instanceof Error ? ended.message : ""}; done without`);
      continue;
    }
    if (next === "absent") {
      state.isServed = false;
      log.debug(`${resource.name}: this API server has none, or none for us; done without`);
      following.intake.synced();
      return;
    }
    state.failures++;
    state.isInDoubt = true;
    const aliveMs = course.openedAt === undefined ? 0 : time.now() - course.openedAt;
    backoff = afterTry(backoff, aliveMs);
    const ms = pause(ended, aliveMs, waitMs(backoff, time.random()));
    const text = ended === "early" ? `watch of ${resource.name}: the server ended the stream` : ended.message;
    log.warn(`${text}; trying again in ${(ms / 1000).toFixed(1)} s`);
    await time.sleep(ms, signal);
  }
}

/** One list where it is needed, and one watch. Out: how the stream ended. Never throws. */
async function round(following: Following, state: State, log: Log): Promise<"asked-for" | "early" | ApiError> {
  const { course, intake, resource } = following;
  course.openedAt = undefined;
  try {
    if (course.position !== undefined && state.isInDoubt && (await isBackInTime(following))) {
      log.warn(`${resource.name}: the server's history is older than what it sent before; listing everything again`);
      intake.holdings.distrust();
      course.position = undefined;
      course.listFrom = { kind: "newest", paged: true };
    }
    if (course.position === undefined && !course.abilities.streaming) await list(following);
    state.isInDoubt = false;
    return await follow(following);
  } catch (error) {
    return networkError(error, `watch of ${resource.name}`);
  }
}

/** What an error teaches for the next try. `again`: at once, without what was refused. `absent`: there is no such kind. */
function learn(error: ApiError, { course, resource }: Following, state: State): "again" | "absent" | undefined {
  const { status, reason } = error;
  const isFilling = course.position === undefined;
  const isInStream = course.openedAt !== undefined;
  if ((status === 400 || status === 422) && !isInStream) {
    const left = withoutRefused({ resource, abilities: course.abilities }, status, course.asked);
    if (left !== undefined) course.abilities = left;
    if (left !== undefined) return "again";
  }
  // Rights that were given before there was such a kind do not name it.
  if ((status === 404 || status === 403) && resource.mayBeAbsent === true && !state.isSynced) return "absent";
  if (isFilling && course.asked === "streaming" && (reason === "Stalled" || (isInStream && status !== undefined))) {
    // It takes the parameter, and the end of the initial events never comes.
    course.abilities = { ...course.abilities, streaming: false };
    return "again";
  }
  if (isFilling && (course.asked === "list" || course.asked === "page")) {
    if (status === 410 || (status === 504 && course.listFrom.kind === "not-older"))
      course.listFrom = afterRefusedList(course.listFrom, course.asked === "page");
    return undefined;
  }
  if (isInStream && status !== undefined) course.errorEvents++;
  // An error that comes back may have to do with where we are, so the second one ends in a list too.
  if (course.position !== undefined && (status === 410 || course.errorEvents >= 2)) {
    course.listFrom = { kind: "not-older", version: course.position };
    course.position = undefined;
    course.errorEvents = 0;
  }
  return undefined;
}

/** A stream that stalled has waited long enough; a server that asks for a pause gets it. */
function pause(ended: "early" | ApiError, aliveMs: number, ms: number): number {
  if (ended === "early") return ms;
  if (ended.reason === "Stalled" && aliveMs >= livedMs) return 0;
  return Math.min(longestMs, Math.max(ms, (ended.retryAfterSeconds ?? 0) * 1000));
}

/** Read through a function, since TypeScript takes the signal not to change during a wait. */
function stopped(signal: AbortSignal): boolean {
  return signal.aborted;
}

function noop(): void {
  // Nobody wants to know.
}

const realTime: Time = {
  now: () => Date.now(),
  sleep: (ms, signal) => after(ms, undefined, { signal }).catch(() => undefined),
  random: () => Math.random(),
};
