// A plain client, for tests of the server. In: a server without TLS, a path. Out: what came over the wire, good or bad.
import { request, type IncomingMessage } from "node:http";
import type { ApiObject } from "./store.ts";

/** An event of a watch; `object` is a Status where `type` is ERROR. */
export type WatchEvent = {
  readonly type: string;
  readonly object: {
    readonly kind: string;
    readonly apiVersion: string;
    readonly code?: number;
    readonly reason?: string;
    readonly metadata: {
      readonly name?: string;
      readonly resourceVersion?: string;
      readonly labels?: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
    };
  };
};

export type Watching = {
  readonly status: number | undefined;
  /** The next `count` events, in order. Rejects where the stream ends before. */
  readonly next: (count: number) => Promise<WatchEvent[]>;
  /** Of the events that have come and were not taken: `TYPE name`. */
  readonly waiting: () => string[];
  /** How it ended, and what came after the last whole line. */
  readonly ended: Promise<{ readonly how: "clean" | "broken"; readonly rest: string }>;
};

type Ask = { readonly method?: string; readonly headers?: Record<string, string>; readonly body?: string };

/**
 * A connection for each request: one that was kept open may have been reset meanwhile, and nobody knows before it is used.
 * Rejects with the error code of the connection, also where the answer breaks off.
 */
function ask(url: string, { method = "GET", headers = {}, body = "" }: Ask = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers, agent: false }, resolve).on("error", reject).end(body);
  });
}

/** GET with JSON for an answer, whatever its status. */
export async function get(server: { readonly url: string }, path: string, headers: Record<string, string> = {}) {
  const response = await ask(server.url + path, { headers });
  const text = await wholeText(response);
  const json = response.headers["content-type"] === "application/json";
  const body = (json ? JSON.parse(text) : {}) as ListBody;
  return { status: response.statusCode, headers: response.headers, text, body };
}

async function wholeText(response: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += String(chunk);
  return text;
}

/** What tests look at in lists and Statuses. */
type ListBody = {
  readonly kind: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly metadata: {
    readonly resourceVersion?: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly (ApiObject & { readonly metadata: { readonly name: string } })[];
};

export async function post(server: { readonly url: string }, path: string, body: object, method = "POST") {
  const text = JSON.stringify(body);
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json";
  const settings = {
    method,
    headers: { "content-type": type, "content-length": String(Buffer.byteLength(text)) },
    body: text,
  };
  const response = await ask(server.url + path, settings);
  return { status: response.statusCode, body: JSON.parse(await wholeText(response)) as ApiObject };
}

/** Watches; `path` is without `watch=true`. Resolves when the answer has begun. */
export async function watch(server: { readonly url: string }, path: string): Promise<Watching> {
  const response = await ask(`${server.url}${path}${path.includes("?") ? "&" : "?"}watch=true`);
  const events: WatchEvent[] = [];
  let rest = "";
  let over = false;
  let wake = (): void => undefined;
  const read = async () => {
    try {
      for await (const chunk of response.setEncoding("utf8")) {
        const lines = (rest + String(chunk)).split("\n");
        rest = lines.pop() ?? "";
        events.push(...lines.map((line) => JSON.parse(line) as WatchEvent));
        wake();
      }
      return { how: "clean" as const, rest };
    } catch {
      return { how: "broken" as const, rest };
    } finally {
      over = true;
      wake();
    }
  };
  const ended = read();
  return {
    status: response.statusCode,
    next: async (count) => {
      while (events.length < count) {
        if (over) throw new Error(`the watch ended after ${events.length} of ${count} events`);
        await new Promise<void>((resolve) => (wake = resolve));
      }
      return events.splice(0, count);
    },
    waiting: () => told(events),
    ended,
  };
}

/** `TYPE name` of each. */
export function told(events: readonly WatchEvent[]): string[] {
  return events.map(({ type, object }) => `${type} ${object.metadata.name ?? String(object.code ?? "")}`.trim());
}

export function aService(name: string, more: { labels?: Record<string, string>; spec?: ApiObject } = {}): ApiObject {
  const { labels = {}, spec = { clusterIP: "10.96.0.1", type: "ClusterIP" } } = more;
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace: "default", labels }, spec };
}

export function aNode(name: string): ApiObject {
  return { apiVersion: "v1", kind: "Node", metadata: { name }, spec: {} };
}
