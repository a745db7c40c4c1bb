// Tests of src/http/listen.ts, over real sockets.
import { afterEach, describe, expect, test } from "@jest/globals";
import { createServer, type AddressInfo, type Server } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { textAnswer, type Handler, type Request } from "../../../src/http/answer.ts";
import { bindAddress } from "../../../src/http/bind-address.ts";
import { BindError, listen, type ListenSettings, type Running } from "../../../src/http/listen.ts";
import type { Ip } from "../../../rules/index.ts";
import { ask, codeOf, dial, readAll } from "./a-client.ts";

const all = { ip: "all", port: 0 } as const;
const v4 = bindAddress("127.0.0.1" as Ip, 0);
const v6 = bindAddress("::1" as Ip, 0);
const ok: Handler = () => textAnswer(200, "ok");

const toStop: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(toStop.splice(0).map((stop) => stop()));
});

async function serve(handle: Handler, settings: ListenSettings = {}, at = v4) {
  const running = await listen(at, handle, settings);
  toStop.push(running.stop);
  return running;
}

/** Another program that has the port. */
async function occupy(host: string, port = 0): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port, ipv6Only: true }, resolve);
  });
  toStop.push(() => new Promise((resolve) => server.close(resolve)));
  return { port: (server.address() as AddressInfo).port, server };
}

describe("addresses", () => {
  test.each([
    ["all addresses", all, ["127.0.0.1", "::1"], []],
    ["one of IPv4", v4, ["127.0.0.1"], ["::1", "127.0.0.2"]],
    ["one of IPv6", v6, ["::1"], ["127.0.0.1"]],
  ] as const)("%s are served, no others", async (_, at, served, refused) => {
    const { port } = await serve(ok, {}, at);
    for (const host of served) expect((await ask(port, "/", { host })).text).toBe("ok");
    for (const host of refused) expect(await codeOf(ask(port, "/", { host }))).toBe("ECONNREFUSED");
  });

  test.each(["0.0.0.0", "::"])("a port that another has on %s is refused, and nothing stays open", async (host) => {
    const { port } = await occupy(host);
    const error = await listen({ ip: "all", port }, ok).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(BindError);
    expect((error as BindError).code).toBe("EADDRINUSE");
    expect(await codeOf(ask(port, "/", { host: host === "::" ? "127.0.0.1" : "::1" }))).toBe("ECONNREFUSED");
  });

  test("an address this host has not is refused", async () => {
    expect(await codeOf(listen(bindAddress("203.0.113.1" as Ip, 0), ok))).toBe("EADDRNOTAVAIL");
  });

  test("the port is free again after stopping, which may be done twice", async () => {
    const first = await serve(ok, {}, all);
    await Promise.all([first.stop(), first.stop()]);
    await first.stop();
    const second = await serve(() => textAnswer(200, "second"), {}, { ip: "all", port: first.port });
    expect((await ask(second.port, "/")).text).toBe("second");
  });
});

describe("requests", () => {
  test("come to the handler as they were sent", async () => {
    const seen: Request[] = [];
    const { port } = await serve((request) => {
      seen.push(request);
      return textAnswer(200, "ok");
    });
    await ask(port, "/a/../b%2F?c=d", { method: "POST", headers: { Authorization: "Bearer t0ken" }, body: "ignored" });
    expect(seen.map((request) => ({ ...request, query: request.query.toString() }))).toEqual([
      { method: "POST", path: "/a/../b%2F", query: "c=d", token: "t0ken", remoteAddress: "127.0.0.1" },
    ]);
  });

  test("of many clients at once are all answered", async () => {
    const { port } = await serve(async ({ path }) => {
      await pause(20);
      return textAnswer(200, path);
    });
    const paths = Array.from({ length: 50 }, (_, index) => `/${index}`);
    expect((await Promise.all(paths.map((path) => ask(port, path)))).map(({ text }) => text)).toEqual(paths);
  });

  test("one after the other use one connection", async () => {
    const { port } = await serve(ok);
    const socket = await dial(port);
    const reading = readAll(socket);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect((await reading).text.match(/HTTP\/1.1 200 OK/g)).toHaveLength(2);
  });

  test.each([
    [
      "throws",
      () => {
        throw new Error("secret\nof two lines");
      },
    ],
    ["rejects", () => Promise.reject(new Error("secret\nof two lines"))],
  ] as [string, Handler][])("are 500 where the handler %s, and the client is not told why", async (_, handle) => {
    const problems: string[] = [];
    const { port } = await serve(handle, { onProblem: (text) => problems.push(text) });
    const got = await ask(port, "/x");
    expect([got.status, got.text.includes("secret"), problems]).toEqual([500, false, ["GET /x: secret"]]);
    expect((await ask(port, "/x")).status).toBe(500);
  });

  test.each([
    ["no HTTP", "\x16\x03\x01\x02\r\n\r\n", /^HTTP\/1\.1 400 /],
    ["a head too long", `GET / HTTP/1.1\r\nHost: x\r\nX: ${"y".repeat(10_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
    ["no host", "GET / HTTP/1.1\r\n\r\n", /^HTTP\/1\.1 400 /],
    ["two lengths", "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", /^HTTP\/1\.1 400 /],
    ["a tunnel", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", /^$/],
  ])("that are %s are refused, and the next client is served", async (_, sent, expected) => {
    const { port } = await serve(ok);
    const socket = await dial(port);
    const reading = readAll(socket);
    socket.write(sent);
    expect((await reading).text).toMatch(expected);
    expect((await ask(port, "/")).text).toBe("ok");
  });

  test("with a body are answered at once, and the connection ends", async () => {
    const { port } = await serve(ok);
    const socket = await dial(port);
    const reading = readAll(socket);
    socket.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nbegun");
    expect((await reading).text).toMatch(/^HTTP\/1\.1 200 [^]*Connection: close/);
  });

  test("that the client gives up on do no harm", async () => {
    const problems: string[] = [];
    const { port } = await serve(
      async () => {
        await pause(100);
        return textAnswer(200, "late");
      },
      { onProblem: (text) => problems.push(text) },
    );
    const socket = await dial(port);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await pause(20);
    socket.destroy();
    await pause(150);
    expect((await ask(port, "/")).text).toBe("late");
    expect(problems).toEqual([]);
  });
});

describe("limits", () => {
  test.each([
    ["says nothing", ""],
    ["does not end its head", "GET / HTTP/1.1\r\nHost: x\r\n"],
  ])("a client that %s is cut off", async (_, sent) => {
    const { port } = await serve(ok, { limits: { headSeconds: 0.3 } });
    const socket = await dial(port);
    const reading = readAll(socket);
    socket.write(sent);
    const { text, seconds } = await reading;
    expect(text).not.toMatch(/ 200 /);
    expect(seconds).toBeGreaterThan(0.2);
    expect(seconds).toBeLessThan(10);
  });

  test("a client that sends one byte at a time is cut off all the same", async () => {
    const { port } = await serve(ok, { limits: { headSeconds: 0.4 } });
    const socket = await dial(port);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\nX: ");
    const drip = setInterval(() => socket.write("y"), 50);
    const { seconds } = await readAll(socket);
    clearInterval(drip);
    expect(seconds).toBeGreaterThan(0.3);
    expect(seconds).toBeLessThan(10);
  });

  test("a client that is idle between requests is cut off", async () => {
    const { port } = await serve(ok, { limits: { idleSeconds: 0.2 } });
    const socket = await dial(port);
    const reading = readAll(socket);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    const { text, seconds } = await reading;
    expect(text).toMatch(/ 200 /);
    // node:http adds a second of grace of its own.
    expect(seconds).toBeLessThan(5);
  });

  test("a client that does not take its answer is cut off", async () => {
    const big = Buffer.alloc(50_000_000);
    const { port } = await serve(() => ({ status: 200, contentType: "text/plain", body: big }), {
      limits: { answerSeconds: 0.3 },
    });
    const socket = await dial(port);
    socket.pause();
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await pause(800);
    const { text } = await readAll(socket.resume());
    expect(text.length).toBeGreaterThan(0);
    expect(text.length).toBeLessThan(big.length);
  });

  test("an answer that takes too long to make ends the connection", async () => {
    const { port } = await serve(
      async () => {
        await pause(600);
        return textAnswer(200, "late");
      },
      { limits: { answerSeconds: 0.2 } },
    );
    expect(await codeOf(ask(port, "/"))).toBe("ECONNRESET");
  });

  test("connections past the most are closed, and there is room again when others end", async () => {
    const { port } = await serve(ok, { limits: { maxConnections: 2 } });
    const held = [await dial(port), await dial(port)];
    expect(await codeOf(ask(port, "/"))).toBe("ECONNRESET");
    held[0]?.destroy();
    await pause(50);
    expect((await ask(port, "/")).text).toBe("ok");
    held[1]?.destroy();
  });
});

describe("stopping", () => {
  const slow: Handler = async () => {
    await pause(200);
    return textAnswer(200, "done");
  };

  test.each([
    ["lets an answer under way end", 2, "done"],
    ["cuts it where there is no time", 0, "ECONNRESET"],
  ])("%s", async (_, stopSeconds, expected) => {
    const running: Running = await serve(slow, { limits: { stopSeconds } });
    const asked = ask(running.port, "/").then(
      ({ text }) => text,
      (error: unknown) => (error as NodeJS.ErrnoException).code,
    );
    await pause(50);
    await running.stop();
    expect(await asked).toBe(expected);
  });

  test("does not wait for clients that hold a connection", async () => {
    const running = await serve(ok, { limits: { stopSeconds: 0.2 } });
    const socket = await dial(running.port);
    socket.write("GET / HT");
    await pause(20);
    const begun = performance.now();
    await running.stop();
    expect(performance.now() - begun).toBeLessThan(1000);
  });
});
