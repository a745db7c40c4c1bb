// Tests of src/agent/repairs.ts over proxiers that say what a test says. With real ones: agent.test.ts, agent-ipvs.test.ts.
import { expect, test } from "@jest/globals";
import type { IpvsChange } from "../../../rules/index.ts";
import type { Proxier } from "../../../src/agent/proxier.ts";
import { isAsWritten, repairAll } from "../../../src/agent/repairs.ts";
import { createMetrics } from "../../../src/metrics/metrics.ts";

const changes: readonly IpvsChange[] = [{ kind: "create-device" }];
const failure = { message: "no memory", script: "", namesLine: false, services: [] };

function aWork(...proxiers: readonly Partial<Proxier>[]) {
  const [log, events]: [string[], string[]] = [[], []];
  const keep = (level: string) => (text: string) => log.push(`${level}: ${text.split("\n")[0] ?? ""}`);
  const work = {
    proxiers: proxiers.map((proxier, at) => ({ family: at === 0 ? 4 : 6, proxier })),
    settings: { nodeName: "here" },
    surroundings: {
      metrics: createMetrics({ version: "1", families: [4, 6] }),
      log: { warn: keep("warn"), error: keep("error") },
      tell: ({ reason, note }: { reason: string; note: string }) => events.push(`${reason}: ${note}`),
    },
  };
  return { work: work as unknown as Parameters<typeof repairAll>[0], log, events };
}

const says = (found: "as-written" | "differs" | Error): Partial<Proxier> => ({
  check: () => (found instanceof Error ? Promise.reject(found) : Promise.resolve(found)),
});

test("all is as written where it is in every family; what cannot be read is not", async () => {
  const look = (...found: readonly ("as-written" | "differs" | Error)[]) =>
    isAsWritten(aWork(...found.map(says)).work, true);
  expect(await look("as-written", "as-written")).toBe(true);
  expect(await look("as-written", "differs")).toBe(false);
  expect(await look(new Error("gone"), "as-written")).toBe(false);
});

test("each family is repaired and told of, whatever becomes of the other", async () => {
  const { work, log, events } = aWork(
    { repair: () => Promise.reject(new Error("ipvsadm -Sn: exit status 2")) },
    { repair: () => Promise.resolve({ changes, failure: undefined }) },
  );
  expect(await repairAll(work)).toBe(false);
  expect(log).toEqual([
    "error: IPv4: rules could not be read back: ipvsadm -Sn: exit status 2",
    "warn: IPv6: rules were not as written, and were repaired: 1 devices created",
  ]);
  expect(events).toEqual(["RulesDrifted: IPv6: rules were not as written, and were repaired: 1 devices created"]);
});

test("one that is refused is to be tried again; where nothing differs nothing is told", async () => {
  const none = { changes: [], failure: undefined };
  const { work, log, events } = aWork({ repair: () => Promise.resolve({ changes, failure }) });
  expect(await repairAll(work)).toBe(false);
  expect(log.at(-1)).toBe("error: IPv4: the repair was refused: no memory");
  expect(events[0]).not.toContain("were repaired");
  const well = aWork({ repair: () => Promise.resolve(none) });
  expect([await repairAll(well.work), well.log, well.events]).toEqual([true, [], []]);
});
