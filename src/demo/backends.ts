// Small servers and a client for the example. In: addresses. Out: who answered how many connections.
import { connect, createServer, type Server } from "node:net";
import type { ExampleEndpoint } from "./example.ts";

/** Servers that answer each connection with their name. `close` ends them all. */
export async function startBackends(
  endpoints: readonly ExampleEndpoint[],
  port: number,
): Promise<{ readonly close: () => Promise<void> }> {
  const servers = await Promise.all(endpoints.map((endpoint) => listen(endpoint, port)));
  return {
    close: async () => {
      await Promise.all(servers.map(end));
    },
  };
}

/** Makes `count` connections, one after the other, and counts the answers by name; `refused` and `no answer` count as names. */
export async function countAnswers(
  target: { readonly ip: string; readonly port: number },
  count: number,
): Promise<ReadonlyMap<string, number>> {
  const answers = new Map<string, number>();
  for (let sent = 0; sent < count; sent++) {
    const name = await ask(target);
    answers.set(name, (answers.get(name) ?? 0) + 1);
  }
  return new Map([...answers].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function listen({ name, ip }: ExampleEndpoint, port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.end(name);
    });
    server.on("error", reject);
    server.listen(port, ip, () => {
      resolve(server);
    });
  });
}

function end(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}

function ask({ ip, port }: { readonly ip: string; readonly port: number }): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect({ host: ip, port, timeout: 1000 });
    socket.on("data", (data) => {
      answer += data.toString("utf8");
    });
    socket.on("timeout", () => socket.destroy());
    socket.on("error", () => {
      answer = "refused";
    });
    socket.on("close", () => {
      resolve(answer === "" ? "no answer" : answer);
    });
  });
}
