// Tests of src/demo/backends.ts, on the loopback device.
import { createServer, type AddressInfo, type Server } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { countAnswers, startBackends } from "../../../src/demo/backends.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(
    () =>
      new Promise((resolve) =>
        server.close(() => {
          resolve();
        }),
      ),
  );
  return (server.address() as AddressInfo).port;
}

/** A port that nothing listens on now. */
async function freePort(): Promise<number> {
  const port = await listening(createServer());
  await closers.pop()?.();
  return port;
}

test("backends answer with their names, until they are closed", async () => {
  const port = await freePort();
  const backends = await startBackends(
    [
      { name: "a", ip: "127.0.0.1" },
      { name: "b", ip: "127.0.0.2" },
    ],
    port,
  );
  expect([...(await countAnswers({ ip: "127.0.0.1", port }, 3))]).toEqual([["a", 3]]);
  expect([...(await countAnswers({ ip: "127.0.0.2", port }, 2))]).toEqual([["b", 2]]);
  await backends.close();
  expect([...(await countAnswers({ ip: "127.0.0.1", port }, 1))]).toEqual([["refused", 1]]);
});

test("answers are counted by name, sorted", async () => {
  const names = ["b", "a", "b"];
  const port = await listening(createServer((socket) => socket.end(names.shift() ?? "")));
  expect([...(await countAnswers({ ip: "127.0.0.1", port }, 3))]).toEqual([
    ["a", 1],
    ["b", 2],
  ]);
});

test("a server that says nothing gives no answer", async () => {
  const port = await listening(createServer((socket) => socket.end()));
  expect([...(await countAnswers({ ip: "127.0.0.1", port }, 1))]).toEqual([["no answer", 1]]);
});

test("backends that cannot listen are an error", async () => {
  await expect(startBackends([{ name: "a", ip: "192.0.2.1" }], await freePort())).rejects.toThrow(/EADDRNOTAVAIL/);
});
