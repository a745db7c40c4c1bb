// Tests of src/agent/drain-clock.ts.
import { expect, test } from "@jest/globals";
import type { Drain, RealServer, VirtualServer } from "../../../rules/index.ts";
import { createDrainClock } from "../../../src/agent/drain-clock.ts";
import { anIp } from "../../make/objects.ts";

const server: VirtualServer = {
  ...{ ip: anIp("10.96.0.1"), protocol: "TCP", port: 80, scheduler: "rr", flags: [], persistentSeconds: undefined },
  ...{ persistentBits: 32, servers: [], service: undefined, others: [] },
};
const real = (ip: string): RealServer => ({ ip: anIp(ip), port: 8080, method: "masquerading", weight: 0 });
const drain = (ip: string): Drain => ({ server, real: real(ip) });

const listed = (...rows: readonly string[]) =>
  Promise.resolve(["TCP  10.96.0.1:80 rr", ...rows.map((row) => `  -> ${row}`), ""].join("\n"));

test("each has its own time, which begins once", () => {
  let ms = 0;
  const clock = createDrainClock({ seconds: 10, now: () => ms });
  expect(clock.draining()).toEqual({ count: 0, nextOverMs: undefined });
  clock.set([drain("10.1.0.1")]);
  ms = 4000;
  clock.set([drain("10.1.0.1"), drain("10.1.0.2")]);
  expect(clock.draining()).toEqual({ count: 2, nextOverMs: 6000 });
  ms = 10_000;
  expect(clock.isOver(server, real("10.1.0.1"))).toBe(true);
  expect(clock.isOver(server, real("10.1.0.2"))).toBe(false);
  clock.set([drain("10.1.0.2")]);
  // It came back, and goes again.
  clock.set([drain("10.1.0.1")]);
  expect(clock.isOver(server, real("10.1.0.1"))).toBe(false);
  expect(clock.isOver(server, real("10.1.0.9"))).toBe(false);
});

test("is idle where ipvsadm lists no connection, active or not; not where it does not list it", async () => {
  const clock = createDrainClock({ seconds: 10, now: () => 0 });
  const text = listed("10.1.0.1:8080  Masq 0 0 0", "10.1.0.2:8080  Masq 0 1 0", "10.1.0.3:8080  Masq 0 0 1");
  const isIdle = await clock.readIdle({ readConnections: () => text });
  const idle = ["10.1.0.1", "10.1.0.2", "10.1.0.3", "10.1.0.4"].filter((ip) => isIdle(server, real(ip)));
  expect(idle).toEqual(["10.1.0.1"]);
});
