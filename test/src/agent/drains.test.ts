// Tests of src/agent/drains.ts over proxiers that say what a test says.
import { expect, test } from "@jest/globals";
import type { IpvsChange } from "../../../rules/index.ts";
import { createDrains } from "../../../src/agent/drains.ts";
import { createHistory } from "../../../src/agent/history.ts";
import type { Proxier } from "../../../src/agent/proxier.ts";
import { createTurns } from "../../../src/agent/turns.ts";
import { createMetrics } from "../../../src/metrics/metrics.ts";
import { readExposition } from "../metrics/exposition.ts";
import { until } from "../watch/harness.ts";

const changes: readonly IpvsChange[] = [{ kind: "create-device" }];

async function run(drain: NonNullable<Proxier["drain"]>) {
  const log: string[] = [];
  const keep = (level: string) => (text: string) => log.push(`${level}: ${text}`);
  const metrics = createMetrics({ version: "1", families: [4, 6] });
  const history = createHistory();
  let [count, failures] = [3, 0];
  const work = {
    ...{ history, surroundings: { metrics, log: { info: keep("info"), error: keep("error") } } },
    proxiers: [
      { family: 4, proxier: {} },
      {
        family: 6,
        proxier: {
          draining: () => ({ count, nextOverMs: count === 0 ? undefined : 1000 }),
          drain: async () => {
            count = 0;
            return drain();
          },
        },
      },
    ],
  } as unknown as Parameters<typeof createDrains>[0];
  const drains = createDrains(work, { turns: createTurns(), onFailure: () => failures++, times: { soonMs: 0 } });
  drains.plan();
  const series = async () =>
    readExposition(await metrics.render()).series.get('rulewright_draining_real_servers{ip_family="IPv6"}');
  const before = await series();
  await until(async () => (await series()) === 0);
  await drains.stop();
  return { log, failures, before, failed: history.lastFailed()?.message };
}

test("a look is told of where it took anything away, and how many drain always", async () => {
  const good = await run(() => Promise.resolve({ changes, batches: 1, failure: undefined }));
  expect(good).toEqual({ log: ["info: IPv6: drained: 1 devices created"], failures: 0, before: 3, failed: undefined });
  expect((await run(() => Promise.resolve({ changes: [], batches: 0, failure: undefined }))).log).toEqual([]);
});

test("one that fails is told of, and calls for a pass", async () => {
  const failure = { message: "no memory", script: "-d", namesLine: false, services: [] };
  expect(await run(() => Promise.resolve({ changes, batches: 0, failure }))).toMatchObject({
    ...{ failures: 1, failed: "no memory" },
    log: ["error: IPv6: what has drained could not be taken away: no memory"],
  });
  expect(await run(() => Promise.reject(new Error("ipvsadm -Ln: exit status 2")))).toMatchObject({
    ...{ failures: 1, log: ["error: IPv6: what drains could not be looked at: ipvsadm -Ln: exit status 2"] },
  });
});
