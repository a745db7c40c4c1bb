// Tests of src/http/keep-trying.ts.
import { expect, test } from "@jest/globals";
import { createServer, type AddressInfo } from "node:net";
import { textAnswer } from "../../../src/http/answer.ts";
import { defaultPauseSeconds, keepTrying } from "../../../src/http/keep-trying.ts";
import { listen, type Running } from "../../../src/http/listen.ts";
import type { Ip } from "../../../rules/index.ts";
import { ask, codeOf } from "./a-client.ts";

const ip = "127.0.0.1" as Ip;
const ok = () => textAnswer(200, "ok");

/** Has a port until it is told to let go of it. */
async function occupied(): Promise<{ readonly port: number; readonly free: () => Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, ip, resolve));
  const free = () =>
    new Promise<void>((resolve) =>
      server.close(() => {
        resolve();
      }),
    );
  return { port: (server.address() as AddressInfo).port, free };
}

test("a port that becomes free is taken", async () => {
  const { port, free } = await occupied();
  const failures: (number | undefined)[] = [];
  const trying = keepTrying(() => listen({ ip, port }, ok), {
    hardFail: false,
    onFailure: (_, nextInSeconds) => {
      failures.push(nextInSeconds);
      if (failures.length === 3) void free();
    },
    pauseSeconds: (count) => count / 100,
  });
  const running = await trying.bound;
  expect(running?.port).toBe(port);
  expect((await ask(port, "/")).text).toBe("ok");
  expect(failures.slice(0, 3)).toEqual([0.01, 0.02, 0.03]);
  await trying.stop();
  expect(await codeOf(ask(port, "/"))).toBe("ECONNREFUSED");
});

test("with hardFail the first failure is the last", async () => {
  const { port, free } = await occupied();
  const failures: (number | undefined)[] = [];
  const trying = keepTrying(() => listen({ ip, port }, ok), {
    hardFail: true,
    onFailure: (_, nextInSeconds) => failures.push(nextInSeconds),
  });
  expect(await codeOf(trying.bound)).toBe("EADDRINUSE");
  expect(failures).toEqual([undefined]);
  await trying.stop();
  await free();
});

test("stopping ends the pause at once", async () => {
  const begun = performance.now();
  const trying = keepTrying(() => Promise.reject(new Error("no")), {
    hardFail: false,
    onFailure: () => undefined,
    pauseSeconds: () => 600,
  });
  await new Promise(setImmediate);
  await trying.stop();
  expect(await trying.bound).toBeUndefined();
  expect(performance.now() - begun).toBeLessThan(5000);
});

test("what is bound while it is being stopped is stopped too", async () => {
  let stopped = 0;
  let bind: (running: Running) => void = () => undefined;
  const trying = keepTrying(() => new Promise((resolve) => (bind = resolve)), {
    hardFail: false,
    onFailure: () => undefined,
  });
  const stopping = trying.stop();
  bind({
    port: 1,
    stop: () => {
      stopped++;
      return Promise.resolve();
    },
  });
  await stopping;
  expect(stopped).toBe(1);
});

test("the pauses grow to 5 seconds", () => {
  expect([1, 2, 3, 4, 5, 6, 100].map(defaultPauseSeconds)).toEqual([0.5, 1, 2, 4, 5, 5, 5]);
});
