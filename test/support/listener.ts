// The sockets of the API server. In: address, port, certificate, a handler. Out: a Listener that can go down and come up again.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import type { AddressInfo, Server, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerCertificate } from "./certificate.ts";
import { openExchange, type Exchange } from "./exchange.ts";

export type ListenerOptions = {
  readonly address: string;
  /** 0: any that is free; kept from then on. */
  readonly port: number;
  /** undefined: plain HTTP/1.1. With TLS the client chooses HTTP/1.1 or HTTP/2, as with a real server. */
  readonly certificate: ServerCertificate | undefined;
  readonly handle: (exchange: Exchange) => Promise<void>;
};

export type Listener = {
  readonly port: number;
  /** Closes the port and resets every connection: clients are refused from then on. */
  readonly down: () => Promise<void>;
  /** Opens the same port again. Does nothing where it is open. */
  readonly up: () => Promise<void>;
};

/** Resolves when connections are accepted. */
export async function listen(options: ListenerOptions): Promise<Listener> {
  let server: Open | undefined = await open(options, options.port);
  const { port } = server;
  return {
    port,
    down: async () => {
      await server?.close();
      server = undefined;
    },
    up: async () => {
      server ??= await open(options, port);
    },
  };
}

type Open = { readonly port: number; readonly close: () => Promise<void> };

async function open({ address, certificate, handle }: ListenerOptions, port: number): Promise<Open> {
  // By the client's end: what a request knows of its connection, whatever protocols lie between.
  const sockets = new Map<string, Socket>();
  const answerTo = (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): void => {
    const id = `${String(request.socket.remoteAddress)} ${String(request.socket.remotePort)}`;
    const exchange = openExchange(request, response, () => void sockets.get(id)?.resetAndDestroy());
    void handle(exchange);
  };
  const server: Server =
    certificate === undefined
      ? createServer(answerTo)
      : createSecureServer({ key: certificate.keyPem, cert: certificate.certPem, allowHTTP1: true }, answerTo);
  server.on("connection", (socket: Socket) => {
    const id = `${String(socket.remoteAddress)} ${String(socket.remotePort)}`;
    sockets.set(id, socket);
    socket.on("close", () => void sockets.delete(id)).on("error", () => undefined);
  });
  await bind(server, address, port);
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets.values()) socket.resetAndDestroy();
      await closed;
    },
  };
}

/** Tries for a second: a port that was given up may for a moment be the source port of somebody's connection. */
async function bind(server: Server, host: string, port: number): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ host, port }, () => {
          server.off("error", reject);
          resolve();
        });
      });
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE" || attempt === 20) throw error;
      await sleep(50);
    }
  }
}
