// A client that says exactly what it is told to. In: a port, what to send. Out: what came back.
import { request } from "node:http";
import { connect, type Socket } from "node:net";

export type Got = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  readonly text: string;
};

export type Asked = {
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
};

/** One request on a connection of its own. */
export function ask(port: number, path: string, asked: Asked = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: asked.host ?? "127.0.0.1",
        port,
        path,
        method: asked.method ?? "GET",
        headers: asked.headers ?? {},
        agent: false,
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on("data", (part: Buffer) => parts.push(part));
        response.on("error", reject);
        response.on("end", () => {
          const body = Buffer.concat(parts);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body, text: body.toString() });
        });
      },
    );
    sent.on("error", reject);
    sent.end(asked.body);
  });
}

/** A bare connection. */
export function dial(port: number, host = "127.0.0.1"): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => {
      socket.off("error", reject);
      // A connection that is cut is what such tests wait for.
      socket.on("error", () => undefined);
      resolve(socket);
    });
    socket.once("error", reject);
  });
}

/** All that comes until the other side closes, and how long that took. */
export async function readAll(socket: Socket): Promise<{ readonly text: string; readonly seconds: number }> {
  const begun = performance.now();
  let text = "";
  socket.on("data", (part: Buffer) => (text += part.toString()));
  await new Promise((resolve) => socket.once("close", resolve));
  return { text, seconds: (performance.now() - begun) / 1000 };
}

/** The code that a rejected promise's error carries, "none" where it does not reject. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    return (error as { code?: string }).code ?? "no code";
  }
}
