// Serves HTTP on an address, within limits. In: a bind address, a Handler. Out: the port, and how to stop.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { familyOf, type Ip } from "../../rules/index.ts";
import {
  acceptsGzip,
  parseBearer,
  parseTarget,
  textAnswer,
  type Answer,
  type Handler,
  type Request,
} from "./answer.ts";
import { hostsOf, renderBindAddress, type BindAddress } from "./bind-address.ts";
import { send } from "./send.ts";

/** Something that listens. */
export type Running = {
  readonly port: number;
  /** Closes the sockets, lets answers under way end for `stopSeconds`, then cuts them. May be called twice. */
  readonly stop: () => Promise<void>;
};

/** What one client may cost. Each is for one socket, of which "all addresses" has two. */
export type Limits = {
  /** Further connections are closed at once. */
  readonly maxConnections: number;
  /** From connecting, or the first byte of a further request, to the end of its head. */
  readonly headSeconds: number;
  /** From the end of the head until the answer is made and taken. */
  readonly answerSeconds: number;
  /** Between two requests. */
  readonly idleSeconds: number;
  readonly stopSeconds: number;
  readonly maxAnswerBytes: number;
};

export const defaultLimits: Limits = {
  maxConnections: 64,
  headSeconds: 5,
  answerSeconds: 60,
  idleSeconds: 90,
  stopSeconds: 2,
  maxAnswerBytes: 64 * 1024 * 1024,
};

export type ListenSettings = {
  readonly limits?: Partial<Limits>;
  /** Told of what went wrong inside, on one line: a handler that threw, a connection that could not be accepted. */
  readonly onProblem?: (text: string) => void;
};

/** An address that could not be listened on. `code` is the system's, e.g. EADDRINUSE, EADDRNOTAVAIL, EACCES. */
export class BindError extends Error {
  readonly code: string;
  constructor(at: BindAddress, cause: NodeJS.ErrnoException) {
    const hint = cause.code === "EADDRINUSE" ? "; another program listens there" : "";
    super(`listen on ${renderBindAddress(at)}: ${cause.message}${hint}`, { cause });
    this.name = "BindError";
    this.code = cause.code ?? "UNKNOWN";
  }
}

/**
 * Listens and serves until stopped. All sockets of the address are open, or none; but a family that this host has not is left out.
 * Throws BindError.
 */
export async function listen(at: BindAddress, handle: Handler, settings: ListenSettings = {}): Promise<Running> {
  const limits = { ...defaultLimits, ...settings.limits };
  const create = () => createLimitedServer(handle, limits, settings.onProblem ?? (() => undefined));
  // With port 0 the kernel chooses for the first socket, and the second family's same port may be taken.
  for (let left = at.port === 0 ? 10 : 1; ; left--) {
    try {
      const servers = await openAll(at, create);
      return { port: portOf(servers), stop: () => stopAll(servers, limits.stopSeconds) };
    } catch (error) {
      if (!(error instanceof BindError) || left === 1) throw error;
    }
  }
}

async function openAll(at: BindAddress, create: () => Server): Promise<readonly Server[]> {
  const open: Server[] = [];
  let missing: NodeJS.ErrnoException | undefined;
  for (const host of hostsOf(at)) {
    const server = create();
    try {
      await openOne(server, host, open.length === 0 ? at.port : portOf(open));
      open.push(server);
    } catch (error) {
      missing = error as NodeJS.ErrnoException;
      if (at.ip === "all" && isFamilyMissing(missing)) continue;
      await stopAll(open, 0);
      throw new BindError(at, missing);
    }
  }
  if (open.length === 0 && missing !== undefined) throw new BindError(at, missing);
  return open;
}

function openOne(server: Server, host: Ip, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, ipv6Only: familyOf(host) === 6 }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

/** As a kernel without IPv6 says it (ipv6.disable=1), and one that has it switched off by sysctl. */
function isFamilyMissing({ code }: NodeJS.ErrnoException): boolean {
  return code === "EAFNOSUPPORT" || code === "EADDRNOTAVAIL";
}

function portOf(servers: readonly Server[]): number {
  return (servers[0]?.address() as AddressInfo).port;
}

async function stopAll(servers: readonly Server[], seconds: number): Promise<void> {
  const closed = servers.map(
    (server) =>
      new Promise<void>((resolve) =>
        server.close(() => {
          resolve();
        }),
      ),
  );
  const cut = () => {
    for (const server of servers) server.closeAllConnections();
  };
  const timer = seconds === 0 ? undefined : setTimeout(cut, seconds * 1000);
  if (seconds === 0) cut();
  await Promise.all(closed);
  clearTimeout(timer);
}

function createLimitedServer(handle: Handler, limits: Limits, onProblem: (text: string) => void): Server {
  const server = createServer(
    {
      headersTimeout: limits.headSeconds * 1000,
      requestTimeout: (limits.headSeconds + limits.answerSeconds) * 1000,
      keepAliveTimeout: limits.idleSeconds * 1000,
      // How often the first two are looked at; the default of 30 s would make nothing of them.
      connectionsCheckingInterval: Math.min(limits.headSeconds * 500, 5000),
      maxHeaderSize: 8192,
    },
    (message, response) => {
      void respond(message, response, { handle, limits, onProblem });
    },
  );
  server.maxConnections = limits.maxConnections;
  // Without a listener, a connection that cannot be accepted (EMFILE) would end the process.
  server.on("error", (error) => {
    onProblem(`accept a connection: ${error.message}`);
  });
  return server;
}

type Serving = { readonly handle: Handler; readonly limits: Limits; readonly onProblem: (text: string) => void };

async function respond(message: IncomingMessage, response: ServerResponse, serving: Serving): Promise<void> {
  const { limits } = serving;
  const deadline = setTimeout(() => message.socket.destroy(), limits.answerSeconds * 1000);
  response.once("close", () => {
    clearTimeout(deadline);
  });
  // Nothing here reads a body; what a client has begun to send is not waited for.
  if (hasBody(message)) response.setHeader("Connection", "close");
  try {
    await send(response, await answer(message, serving), {
      headOnly: message.method === "HEAD",
      gzip: acceptsGzip(headerOf(message, "accept-encoding")),
      maxBytes: limits.maxAnswerBytes,
    });
  } catch (error) {
    serving.onProblem(`${message.method ?? ""} ${message.url ?? ""}: ${textOf(error)}`);
    response.destroy();
  }
}

async function answer(message: IncomingMessage, { handle, onProblem }: Serving): Promise<Answer> {
  const request: Request = {
    ...parseTarget(message.url ?? ""),
    method: message.method ?? "",
    token: parseBearer(message.headers.authorization),
    remoteAddress: message.socket.remoteAddress ?? "",
  };
  try {
    return await handle(request);
  } catch (error) {
    onProblem(`${request.method} ${request.path}: ${textOf(error)}`);
    return textAnswer(500, "internal error; the agent's log says more\n");
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(",") : value;
}

function textOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
