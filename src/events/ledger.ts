// Which events are told, and which are seen again. In: events with their times. Out: Entry to send, or nothing where there were too many.
import { fullBucket, isFull, take, type Bucket, type Rate } from "./bucket.ts";
import { eventKey, objectKey, type Event, type Series } from "./event.ts";

/** An event that is told to the API server, first whole and then, when it is seen again, by its count. */
export type Entry = {
  readonly event: Event;
  series: Series;
  /** The count that the server knows; 0 before it was told. */
  told: number;
  /** Under which name the server has it. */
  name: string | undefined;
};

export type Ledger = {
  /** Notes that an event was seen. The entry to send; undefined where its object has had too many. */
  readonly note: (event: Event, now: number) => Entry | undefined;
  /** Events that are remembered. */
  readonly size: () => number;
};

/** The same event within this time is the same one, seen again. */
export const seriesMs = 10 * 60_000;

/** What an object may cost: client-go's spam filter. Source: client-go, tools/record/events_cache.go. */
export const objectRate: Rate = { burst: 25, seconds: 300 };

/** More are not remembered, as in client-go. Those that were longest ago are forgotten first. */
const mostRemembered = 4096;

/** Both maps are kept in the order of last use, so that what may be forgotten comes first. */
export function createLedger(): Ledger {
  const entries = new Map<string, Entry>();
  const buckets = new Map<string, Bucket>();

  const forget = (now: number): void => {
    for (const [key, { series }] of entries) {
      if (entries.size <= mostRemembered && now - series.lastAt <= seriesMs) break;
      entries.delete(key);
    }
    for (const [key, bucket] of buckets) {
      if (buckets.size <= mostRemembered && !isFull(bucket, objectRate, now)) break;
      buckets.delete(key);
    }
  };

  const isAllowed = (event: Event, now: number): boolean => {
    const key = objectKey(event.regarding);
    const { taken, bucket } = take(buckets.get(key) ?? fullBucket(objectRate, now), objectRate, now);
    buckets.delete(key);
    buckets.set(key, bucket);
    return taken;
  };

  return {
    note: (event, now) => {
      const key = eventKey(event);
      const known = entries.get(key);
      const isAgain = known !== undefined && now - known.series.lastAt <= seriesMs;
      const entry: Entry = isAgain
        ? known
        : { event, series: { firstAt: now, lastAt: now, count: 0 }, told: 0, name: undefined };
      entry.series = { ...entry.series, lastAt: now, count: entry.series.count + 1 };
      entries.delete(key);
      entries.set(key, entry);
      const allowed = isAllowed(event, now);
      forget(now);
      return allowed ? entry : undefined;
    },
    size: () => entries.size,
  };
}
