// One request and its answer, the same for HTTP/1.1 and HTTP/2. In: Node's request and response. Out: an Exchange.
import type { IncomingMessage, ServerResponse } from "node:http";
import { constants, Http2ServerResponse, type Http2ServerRequest } from "node:http2";
import type { Writable } from "node:stream";
import { constants as zlibConstants, createGzip } from "node:zlib";
import { never } from "../../rules/never.ts";
import type { Refusal } from "./status.ts";

/** A request, and the means to answer it well or badly. */
export type Exchange = {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: () => Promise<string>;
  readonly start: (code: number, headers: Readonly<Record<string, string>>) => void;
  /** Resolves when more can be taken. Does nothing once the client has gone. */
  readonly write: (bytes: Buffer | string) => Promise<void>;
  readonly end: () => void;
  readonly breakOff: (how: BreakOff) => void;
  /** Calls back when the answer is complete or the client has gone. */
  readonly onClose: (listener: () => void) => void;
};

/**
 * How an answer ends too early. `mid-chunk`: the frame that was announced never comes whole (HTTP/2: the stream is reset).
 * `reset`: the TCP connection is, and with HTTP/2 all streams on it.
 */
export type BreakOff = "mid-chunk" | "reset";

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** `reset` resets the connection that a request came by. */
export function openExchange(request: Request, response: Response, reset: () => void): Exchange {
  const url = new URL(request.url ?? "/", "http://fake");
  response.on("error", () => undefined); // the client has gone
  return {
    method: request.method ?? "GET",
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: request.headers,
    body: async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString();
    },
    start: (code, headers) => {
      response.writeHead(code, headers);
      if (response instanceof Http2ServerResponse) return; // headers have gone out
      response.flushHeaders();
    },
    write: (bytes) => write(response, bytes),
    end: () => void response.end(),
    breakOff: (how) => {
      switch (how) {
        case "reset":
          reset();
          return;
        case "mid-chunk":
          breakFrame(response);
          return;
        default:
          never(how);
      }
    },
    onClose: (listener) => void response.on("close", listener),
  };
}

/** JSON in pieces, made as they are sent, so that a large list is never one string. `length` is that of all of them. */
export type Body = { readonly length: number; readonly pieces: Iterable<string> };

/** Answers JSON. From 128 KiB on as real servers do: without a length, and compressed where the client can read that. */
export async function answer(exchange: Exchange, code: number, { length, pieces }: Body): Promise<void> {
  const json = { "content-type": "application/json", "cache-control": "no-cache, private" };
  if (length < 128 * 1024) {
    const whole = Buffer.from([...pieces].join(""));
    exchange.start(code, { ...json, "content-length": String(whole.length) });
    await exchange.write(whole);
  } else if (/\bgzip\b/.test(String(exchange.headers["accept-encoding"] ?? ""))) {
    exchange.start(code, { ...json, "content-encoding": "gzip", vary: "Accept-Encoding" });
    await compress(exchange, pieces);
  } else {
    exchange.start(code, json);
    for (const piece of pieces) await exchange.write(piece);
  }
  exchange.end();
}

/** A short text as a body. */
export function bodyOf(text: string): Body {
  return { length: text.length, pieces: [text] };
}

export async function answerText(exchange: Exchange, code: number, text: string): Promise<void> {
  exchange.start(code, { "content-type": "text/plain; charset=utf-8", "content-length": String(text.length) });
  await exchange.write(text);
  exchange.end();
}

export async function answerRefusal(exchange: Exchange, { code, status, retryAfterSeconds }: Refusal): Promise<void> {
  const body = Buffer.from(`${JSON.stringify(status)}\n`);
  exchange.start(code, {
    "content-type": "application/json",
    "content-length": String(body.length),
    ...(retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) }),
  });
  await exchange.write(body);
  exchange.end();
}

async function compress(exchange: Exchange, pieces: Iterable<string>): Promise<void> {
  const gzip = createGzip({ level: zlibConstants.Z_BEST_SPEED });
  const feed = async () => {
    for (const piece of pieces) if (!gzip.write(piece)) await new Promise((resolve) => gzip.once("drain", resolve));
    gzip.end();
  };
  const fed = feed();
  for await (const chunk of gzip) await exchange.write(chunk as Buffer);
  await fed;
}

function write(response: Response, bytes: Buffer | string): Promise<void> {
  const stream: Writable = response;
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableEnded || stream.write(bytes)) {
      resolve();
      return;
    }
    const go = () => {
      stream.off("drain", go).off("close", go);
      resolve();
    };
    stream.on("drain", go).on("close", go);
  });
}

function breakFrame(response: Response): void {
  if (response instanceof Http2ServerResponse) {
    response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    return;
  }
  const { socket } = response;
  // A chunk of 4096 bytes that has only a few. With a Content-Length there is no chunk, and the body is too short.
  if (response.hasHeader("content-length")) socket?.end();
  else socket?.end('1000\r\n{"type":"MODI');
}
