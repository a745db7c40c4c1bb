// Tests of src/ipvs/write-timeouts.ts.
import { expect, test } from "@jest/globals";
import type { Timeouts } from "../../../src/ipvs/ipvs-kernel.ts";
import { writeTimeouts } from "../../../src/ipvs/write-timeouts.ts";
import type { Restored } from "../../../src/kernel/kernel.ts";

async function written(timeouts: Timeouts, answer: Restored = { ok: true }) {
  const [asked, said]: [Timeouts[], string[]] = [[], []];
  const log = {
    info: (text: string) => said.push(`info: ${text}`),
    warn: (text: string) => said.push(`warn: ${text}`),
  };
  const setTimeouts = (given: Timeouts) => {
    asked.push(given);
    return Promise.resolve(answer);
  };
  await writeTimeouts({ setTimeouts }, timeouts, log as unknown as Parameters<typeof writeTimeouts>[2]);
  return { asked, said };
}

test("sets them all in one call where any is given, and says so", async () => {
  const timeouts = { tcp: 900, tcpFin: 0, udp: 60 };
  expect(await written(timeouts)).toEqual({
    asked: [timeouts],
    said: ["info: set timeouts of ip_vs, in seconds, 0 as it was: tcp 900, tcpfin 0, udp 60"],
  });
  expect(await written({ tcp: 0, tcpFin: 0, udp: 0 })).toEqual({ asked: [], said: [] });
});

test("a refusal is a warning", async () => {
  const { said } = await written({ tcp: 1, tcpFin: 0, udp: 0 }, { ok: false, message: "no ip_vs", line: undefined });
  expect(said).toEqual([
    "warn: timeouts of ip_vs, in seconds, 0 as it was: tcp 1, tcpfin 0, udp 0 could not be set: no ip_vs",
  ]);
});
