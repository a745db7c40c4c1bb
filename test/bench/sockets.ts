// TCP connections and how long they take. In: address, port, count. Out: microseconds.
import { createServer } from "node:net";

export type ConnectRequest = { readonly ip: string; readonly port: number; readonly count: number };

/** Answers on `port` on every address. Clients reset their connections, so there is nothing to keep. */
export async function listen(port: number): Promise<void> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen({ port, host: "0.0.0.0", backlog: 4096 }, resolve));
}

/** Connects `count` times, one after the other. */
export async function connectMany({ ip, port, count }: ConnectRequest): Promise<number[]> {
  const took: number[] = [];
  for (let index = 0; index < count; index++) took.push(await connectOnce(ip, port));
  return took;
}

/**
 * The time of connect(2) alone. Within one machine the whole handshake happens inside that call: each packet is taken in by the
 * CPU that sent it before the call returns. `net.connect` would add 50 to 100 us of event loop to every variant alike and so
 * hide most of the difference; hence Node's own binding.
 */
async function connectOnce(ip: string, port: number): Promise<number> {
  const handle = new tcp.TCP(tcp.constants.SOCKET);
  const request = new tcp.TCPConnectWrap();
  return new Promise((resolve, reject) => {
    request.oncomplete = (status) => {
      // A reset leaves no TIME_WAIT behind, so ports do not run out.
      handle.reset(() => undefined);
      if (status === 0) resolve((end - start) * 1000);
      else reject(new Error(`bench: connecting to ${ip}:${port} failed with libuv status ${status}`));
    };
    const start = performance.now();
    handle.connect(request, ip, port);
    const end = performance.now();
  });
}

type Binding = {
  readonly TCP: new (kind: number) => {
    readonly connect: (request: object, ip: string, port: number) => number;
    readonly reset: (done: () => void) => number;
  };
  readonly TCPConnectWrap: new () => { oncomplete: (status: number) => void };
  readonly constants: { readonly SOCKET: number };
};

const tcp = (process as unknown as { binding: (name: "tcp_wrap") => Binding }).binding("tcp_wrap");
