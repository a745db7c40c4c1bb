// Tests of src/agent/quarantine.ts over a kernel that is a predicate. With tools that refuse: proxier.test.ts, ipvs-proxier.test.ts.
import { expect, test } from "@jest/globals";
import { emptyCluster, type Cluster } from "../../../rules/index.ts";
import { entries } from "../../../rules/radix/radix.ts";
import type { Refused } from "../../../src/agent/kernel-writer.ts";
import { createQuarantine } from "../../../src/agent/quarantine.ts";
import { cluster } from "./an-ipvs-proxier.ts";

const letters = (count: number) => Array.from({ length: count }, (_, at) => String.fromCharCode(97 + at));
const namesIn = (made: Cluster) => [...entries(made)].map(({ key }) => key);

/** A kernel that refuses what `judge` says of the names in a cluster, and keeps the last that it took. */
function aKernel(judge: (names: readonly string[]) => Partial<Refused> | undefined) {
  const state: { good: Cluster | undefined; attempts: number } = { good: undefined, attempts: 0 };
  const quarantine = createQuarantine();
  const sync = (made: Cluster) =>
    quarantine.sync(made, {
      attempt: (tried) => {
        state.attempts++;
        const refused = judge(namesIn(tried));
        const failure =
          refused === undefined ? undefined : { message: "no", script: "", namesLine: true, services: [], ...refused };
        if (failure === undefined) state.good = tried;
        return Promise.resolve({ failure });
      },
      good: () => state.good,
    });
  return { state, sync, held: () => [...quarantine.held().keys()] };
}

const bad = (names: readonly string[], ...which: readonly string[]) => names.filter((name) => which.includes(name));

test("each of several that are refused is held at once, and the rest goes in", async () => {
  const { state, sync, held } = aKernel((names) => {
    const services = bad(names, "default/b", "default/d");
    return services.length === 0 ? undefined : { services, eachRefused: true };
  });
  const { quarantined, searched } = await sync(cluster(...letters(5)));
  expect([quarantined.length, searched, state.attempts]).toEqual([2, true, 2]);
  expect(namesIn(state.good ?? emptyCluster())).toEqual(["default/a", "default/c", "default/e"]);
  expect(held()).toEqual(["default/b", "default/d"]);
});

test("where all that there is were refused at the start, nobody is held", async () => {
  const { sync, held, state } = aKernel((names) => ({ services: names, eachRefused: true }));
  expect((await sync(cluster("a", "b"))).attempt.failure).toBeDefined();
  expect([held(), state.attempts]).toEqual([[], 1]);
});

test("a pass that finds one after the other comes to an end, and the next goes on", async () => {
  const { sync, held } = aKernel((names) => (names.length <= 40 ? undefined : { services: names.slice(0, 1) }));
  const made = cluster(...Array.from({ length: 100 }, (_, at) => String.fromCharCode(120 + at)));
  expect((await sync(made)).attempt.failure).toBeDefined();
  expect(held()).toHaveLength(50);
  expect((await sync(made)).attempt.failure).toBeUndefined();
  expect(held()).toHaveLength(60);
});

test("what names no line is held against nobody", async () => {
  const { sync, held } = aKernel(() => ({ namesLine: false, services: ["default/a"] }));
  expect(await sync(cluster("a"))).toMatchObject({ searched: false, quarantined: [] });
  expect(held()).toEqual([]);
});
