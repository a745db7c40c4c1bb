// Tests of src/debug/history-route.ts.
import { expect, test } from "@jest/globals";
import { createHistory } from "../../../src/agent/history.ts";
import { historyRoute } from "../../../src/debug/history-route.ts";

const request = {
  ...{ method: "GET", path: "/debug/history", query: new URLSearchParams() },
  ...{ token: undefined, remoteAddress: "127.0.0.1" },
};

test("tells totals, passes and the last refused batch, with times that people read", async () => {
  const history = createHistory();
  const ask = async () => JSON.parse(String((await historyRoute(history).answer(request)).body)) as unknown;
  expect(await ask()).toEqual({ totals: { passes: 0, failedPasses: 0, readBacks: 0, repairs: 0 }, passes: [] });
  const family = { family: 4, scope: "full", changes: 3, batches: 1, seconds: 0.1, result: "good" } as const;
  const pass = { kind: "pass", cause: "first pass", seconds: 0.1, families: [family], services: ["a/b"] } as const;
  history.add({ ...pass, startedAt: 0 });
  history.failed({ at: 1000, family: 6, message: "refused", script: "*nat\n" });
  expect(await ask()).toEqual({
    totals: { passes: 1, failedPasses: 0, readBacks: 0, repairs: 0 },
    passes: [{ ...pass, number: 1, startedAt: "1970-01-01T00:00:00.000Z" }],
    lastFailedBatch: { at: "1970-01-01T00:00:01.000Z", family: 6, message: "refused", script: "*nat\n" },
  });
});
