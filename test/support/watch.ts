// WATCH: tells the changes of a collection. In: the store, queries, faults that tests order. Out: streams of events.
import { never } from "../../rules/never.ts";
import type { Exchange } from "./exchange.ts";
import { isWanted } from "./list.ts";
import type { Query } from "./query.ts";
import { apiVersionOf, type Target } from "./resources.ts";
import { tooOld } from "./status.ts";
import { atRevision, objectText, type Change, type Store } from "./store.ts";
import { openStream, type EventStream } from "./stream.ts";

/**
 * How streams end. `clean`: as after `timeoutSeconds`. `mid-event`: half an event, then a clean end. `mid-chunk`: half an event
 * in a frame that is never completed. `reset`: the TCP connection is.
 */
export type Cut = "clean" | "mid-event" | "mid-chunk" | "reset";

/** A stream that is open. */
export type OpenWatch = {
  /** E.g. `endpointslices`. */
  readonly resource: string;
  readonly query: Readonly<Record<string, string>>;
};

export type Watches = {
  readonly open: (exchange: Exchange, target: Target, query: Query) => void;
  readonly list: () => readonly OpenWatch[];
  /** Ends streams: all, or those of one resource. Gives how many. */
  readonly cut: (how: Cut, plural?: string) => number;
  /** Stops the streams that are open now; those opened later work. Gives how many. */
  readonly stall: (plural?: string) => number;
  readonly resume: () => void;
  /** To those who asked for bookmarks. Gives to how many. */
  readonly sendBookmarks: () => number;
  /** Ends every stream with an ERROR event, code 410. Gives how many. */
  readonly expire: () => number;
  /** From now on each event is told so much later, and `times` times. */
  readonly disturb: (disturbance: { readonly delayMs?: number; readonly times?: number }) => void;
};

type Watch = OpenWatch & {
  readonly target: Target;
  readonly wanted: Query;
  readonly stream: EventStream;
  /** What is not newer is not told. Larger than the store's where the client has seen a later history than there now is. */
  readonly after: number;
};

export function createWatches(store: Store): Watches {
  const watches = new Set<Watch>();
  let delayMs = 0;
  let times = 1;

  const tell = (watch: Watch, change: Change) => {
    const line = eventOf(watch, change);
    for (let told = 0; line !== undefined && told < times; told++) watch.stream.send(line, delayMs);
  };
  store.subscribe((change) => {
    for (const watch of watches) if (watch.target.resource === change.resource) tell(watch, change);
  });
  const chosen = (plural?: string) => [...watches].filter((watch) => plural === undefined || watch.resource === plural);
  const bookmark = ({ target, stream }: Watch, annotations?: object) => {
    const { kind, zero } = target.resource;
    const metadata = { resourceVersion: String(store.revision()), creationTimestamp: null, ...annotations };
    stream.send(
      event("BOOKMARK", JSON.stringify({ kind, apiVersion: apiVersionOf(target.resource), metadata, ...zero })),
    );
  };

  return {
    open: (exchange, target, wanted) => {
      const stream = openStream(exchange);
      const { revision = 0 } = wanted;
      // Without a revision, with "any", and on request the present state comes first, as if it had just been made.
      const initial = wanted.initialEvents ?? revision === 0;
      const oldest = store.oldest();
      if (!initial && revision > 0 && revision < oldest) {
        stream.send(event("ERROR", JSON.stringify(tooOld(revision, oldest + 1).status)));
        stream.end();
        return;
      }
      const after = initial || revision === 0 ? store.revision() : revision;
      const { query } = exchange;
      const watch = { resource: target.resource.plural, query, target, wanted, stream, after };
      if (initial) {
        for (const one of store.list(target.resource))
          if (isWanted(one, target, wanted)) stream.send(event("ADDED", objectText(target.resource, one.json)));
        if (wanted.initialEvents === true && wanted.bookmarks)
          bookmark(watch, { annotations: { "k8s.io/initial-events-end": "true" } });
      } else {
        for (const change of store.since(target.resource, after)) tell(watch, change);
      }
      watches.add(watch);
      const seconds = wanted.timeoutSeconds ?? 0;
      const timer = seconds === 0 ? undefined : setTimeout(stream.end, seconds * 1000);
      exchange.onClose(() => {
        watches.delete(watch);
        clearTimeout(timer);
      });
    },
    list: () => [...watches].map(({ resource, query }) => ({ resource, query })),
    cut: (how, plural) => {
      const streams = chosen(plural);
      for (const { stream } of streams) cut(stream, how);
      return streams.length;
    },
    stall: (plural) => {
      const streams = chosen(plural);
      for (const { stream } of streams) stream.stall();
      return streams.length;
    },
    resume: () => {
      for (const { stream } of watches) stream.resume();
    },
    sendBookmarks: () => {
      const asked = [...watches].filter((watch) => watch.wanted.bookmarks);
      for (const watch of asked) bookmark(watch);
      return asked.length;
    },
    expire: () => {
      const { size } = watches;
      for (const { stream, after } of watches) {
        stream.send(event("ERROR", JSON.stringify(tooOld(after, store.revision()).status)));
        stream.end();
      }
      return size;
    },
    disturb: (disturbance) => {
      delayMs = disturbance.delayMs ?? delayMs;
      times = disturbance.times ?? times;
    },
  };
}

/** Half of an event, for streams that end in one. */
const half = '{"type":"MODIFIED","object":{"kind":"Service","apiVersion":"v1","metadata":{"na';

function cut(stream: EventStream, how: Cut): void {
  switch (how) {
    case "clean":
      stream.cut("");
      return;
    case "mid-event":
      stream.cut(half);
      return;
    case "mid-chunk":
      stream.cut("", "mid-chunk");
      return;
    case "reset":
      stream.cut("", "reset");
      return;
    default:
      never(how);
  }
}

/** What a change is to one watch: an object that leaves its selector is deleted for it, and told as it was. */
function eventOf(watch: Watch, { resource, before, after, revision }: Change): string | undefined {
  if (revision <= watch.after) return undefined;
  const was = before !== undefined && isWanted(before, watch.target, watch.wanted);
  const is = after !== undefined && isWanted(after, watch.target, watch.wanted);
  if (is) return event(was ? "MODIFIED" : "ADDED", objectText(resource, after.json));
  if (was) return event("DELETED", objectText(resource, atRevision(before, revision)));
  return undefined;
}

function event(type: string, object: string): string {
  return `{"type":"${type}","object":${object}}\n`;
}
