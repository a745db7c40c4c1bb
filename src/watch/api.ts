// Requests to the API server. In: ServerChoice, paths. Out: JSON, or a body as it arrives; an ApiError for everything else.
import http from "node:http";
import https from "node:https";
import { ApiError, networkError, statusError } from "./api-error.ts";
import { openCredentials, type Credentials, type Prepared } from "./credentials.ts";
import type { ServerChoice } from "./kubeconfig.ts";

/** The API server. Every request carries credentials that are fresh. */
export type Api = {
  /** The server's URL. */
  readonly server: string;
  /** Asks for a body, which may have no end. It must be read to its end or left by `return`. Throws an ApiError unless the answer is 2xx. */
  readonly get: (path: string, options?: GetOptions) => Promise<ApiResponse>;
  /** Sends a JSON object and gives the answer's. Throws an ApiError unless the answer is 2xx. */
  readonly send: (method: "POST" | "PATCH", path: string, sent: Sent) => Promise<unknown>;
  /** Closes idle connections. Requests under way end by their own signal. */
  readonly close: () => void;
};

export type GetOptions = {
  readonly query?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** No byte for so long, and the request fails with the reason `Stalled`. */
  readonly idleSeconds?: number;
};

/** `contentType` defaults to `application/json`; a PATCH says there which kind it is. */
export type Sent = { readonly body: unknown; readonly contentType?: string; readonly signal?: AbortSignal };

export type ApiResponse = {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Throws an ApiError where it breaks off or stalls. */
  readonly body: AsyncIterable<Buffer>;
};

/** `userAgent` is what the server's logs show; one that begins with `curl` or `Mozilla` gets JSON of twice the size. */
export type ApiSettings = { readonly userAgent: string };

/** Finds the server and the credentials; asks nothing yet. Throws where there is no usable configuration. */
export async function openApi(settings: ServerChoice & ApiSettings): Promise<Api> {
  return createApi(await openCredentials(settings), settings);
}

/** Connections are kept alive and shared by short requests; each stream has its own (HTTP/1.1). */
export function createApi(credentials: Credentials, { userAgent }: ApiSettings): Api {
  const agents = { http: new http.Agent({ keepAlive: true }), https: new https.Agent({ keepAlive: true }) };
  const ask = async (asked: Asked): Promise<ApiResponse> => {
    const once = async () => {
      const options = await credentials.requestOptions();
      return request(asked, { userAgent, agents, server: credentials.server(), options });
    };
    try {
      return await once().catch(async (error: unknown) => {
        if (!(error instanceof ApiError) || error.status !== 401) throw error;
        // The token may have been replaced since its file was read.
        await credentials.refresh();
        return once();
      });
    } catch (error) {
      throw networkError(error, triedText(asked));
    }
  };
  return {
    server: credentials.server(),
    get: (path, options = {}) => ask({ method: "GET", path, ...options }),
    send: async (method, path, { body, contentType = "application/json", signal }) => {
      const sent = { contentType, text: JSON.stringify(body) };
      const answer = await ask({ method, path, sent, ...(signal === undefined ? {} : { signal }) });
      return JSON.parse(await readText(answer.body, Infinity)) as unknown;
    },
    close: () => {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

type Asked = GetOptions & {
  readonly method: "GET" | "POST" | "PATCH";
  readonly path: string;
  readonly sent?: { readonly contentType: string; readonly text: string };
};

type Asking = {
  readonly userAgent: string;
  readonly agents: { readonly http: http.Agent; readonly https: https.Agent };
  readonly server: string;
  readonly options: Prepared;
};

async function request(asked: Asked, asking: Asking): Promise<ApiResponse> {
  const response = await open(asked, asking);
  const status = response.statusCode ?? 0;
  const body = readChunks(response, triedText(asked));
  if (status >= 200 && status < 300) return { status, headers: response.headers, body };
  const text = await readText(body, 65_536).catch(() => "");
  const retryAfter = Number(response.headers["retry-after"]);
  throw statusError(parsed(text), triedText(asked), {
    status,
    text,
    ...(Number.isFinite(retryAfter) ? { retryAfterSeconds: retryAfter } : {}),
  });
}

function open(asked: Asked, { userAgent, agents, server, options }: Asking): Promise<http.IncomingMessage> {
  const { method, path, query, signal, idleSeconds = defaultIdleSeconds, sent } = asked;
  const url = new URL(`${server}${path}${query === undefined ? "" : `?${new URLSearchParams(query).toString()}`}`);
  const isHttps = url.protocol === "https:";
  return new Promise((resolve, reject) => {
    const outgoing = (isHttps ? https : http).request(url, {
      agent: isHttps ? agents.https : agents.http,
      ...options,
      method,
      headers: {
        ...options.headers,
        Accept: "application/json",
        "User-Agent": userAgent,
        ...(sent === undefined
          ? {}
          : { "Content-Type": sent.contentType, "Content-Length": Buffer.byteLength(sent.text) }),
      },
      timeout: idleSeconds * 1000,
      ...(signal === undefined ? {} : { signal }),
    });
    let answer: http.IncomingMessage | undefined;
    // A path that is dead without a word is noticed by the kernel in 40 s: Node sends ten probes, a second apart. A server that hangs
    // still answers those; for that the idle time is there.
    outgoing.on("socket", (socket) => socket.setKeepAlive(true, 30_000));
    outgoing.on("timeout", () => {
      const text = `${triedText(asked)}: no byte for ${idleSeconds} s`;
      (answer ?? outgoing).destroy(new ApiError(text, { status: undefined, reason: "Stalled" }));
    });
    outgoing.on("error", reject);
    outgoing.on("response", (response) => {
      answer = response;
      resolve(response);
    });
    outgoing.end(sent?.text);
  });
}

const defaultIdleSeconds = 30;

async function* readChunks(response: http.IncomingMessage, tried: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of response) yield chunk as Buffer;
  } catch (error) {
    throw networkError(error, tried);
  }
}

async function readText(body: AsyncIterable<Buffer>, limit: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= limit) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function triedText({ method, path }: Asked): string {
  return `${method} ${path}`;
}
