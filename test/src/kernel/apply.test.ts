// Tests of src/kernel/apply.ts with the fake kernel.
import { describe, expect, test } from "@jest/globals";
import { causeOf, chainOf, emptyRuleset, renderBatch } from "../../../rules/index.ts";
import { apply, chainsPerBatch, readChanges, rehearse } from "../../../src/kernel/apply.ts";
import { createFakeKernel } from "../../../src/kernel/fake.ts";
import { aCluster, aService, aSlice, podIp } from "../../make/objects.ts";
import { rulesetOf } from "../../make/node.ts";

const web = [aService(), aSlice()];
const desired = rulesetOf(aCluster(...web));

/** Enough chains for several batches. */
const many = rulesetOf(
  aCluster(
    ...Array.from({ length: 1500 }, (_, at) => [
      aService({ name: `s${at}`, clusterIps: [`10.96.${at >> 8}.${at & 255}`] }),
      aSlice({ service: `s${at}`, endpoints: [podIp(at)] }),
    ]).flat(),
  ),
);

describe("apply", () => {
  test("writes what differs, reads back, and finds nothing left", async () => {
    const kernel = createFakeKernel();
    const applied = await apply(kernel, desired);
    expect(applied).toMatchObject({ left: [], done: applied.batches.length });
    expect(applied.refused).toBeUndefined();
    expect(await readChanges(kernel, desired)).toEqual([]);
  });

  test("writes nothing and reads nothing back where nothing differs", async () => {
    const kernel = createFakeKernel();
    await apply(kernel, desired);
    const again = await apply(kernel, desired);
    expect(again).toEqual({ changes: [], batches: [], done: 0, left: undefined });
  });

  test("stops at the first batch that is refused and names it; those before are in force", async () => {
    let seen = 0;
    const kernel = createFakeKernel({ refuse: () => (++seen === 3 ? "line 5 failed" : undefined) });
    const applied = await apply(kernel, many);
    expect(applied).toMatchObject({ done: 2, left: undefined, refused: { batch: 3, message: "line 5 failed" } });
    expect(seen).toBe(3);
    expect(kernel.restored).toHaveLength(2);
  });

  test("names the Service whose chain was refused", async () => {
    const kernel = createFakeKernel();
    await apply(kernel, desired);
    const changes = await readChanges(kernel, emptyRuleset(4));
    const chain = changes.map(chainOf).find((name) => name.startsWith("KUBE-SVC-")) ?? "";
    await kernel.restore(4, `*nat\n:others - [0:0]\n-A others -j ${chain}\nCOMMIT\n`);
    const { refused } = await apply(kernel, rulesetOf(aCluster()));
    expect(refused?.change).toBeDefined();
    expect(refused?.change && causeOf(refused.change).services).toEqual(["default/web"]);
    expect(refused?.change && chainOf(refused.change)).toBe(chain);
  });

  test("goes on from where it was refused when it is run again", async () => {
    let seen = 0;
    const kernel = createFakeKernel({ refuse: () => (++seen === 2 ? "busy" : undefined) });
    expect((await apply(kernel, many)).refused).toBeDefined();
    expect(await apply(kernel, many)).toMatchObject({ left: [] });
  });
});

describe("rehearse", () => {
  test("writes nothing, and says what would be written", async () => {
    const kernel = createFakeKernel();
    const rehearsed = await rehearse(kernel, desired);
    expect(rehearsed.changes.length).toBeGreaterThan(0);
    expect(rehearsed).toMatchObject({ done: 0, left: undefined });
    expect(await kernel.readRules(4)).toBe("");
  });

  test("finds the batch and the line that would be refused", async () => {
    const kernel = createFakeKernel();
    const { batches } = await rehearse(kernel, many);
    expect(batches.length).toBeGreaterThan(2);
    for (const [index, wanted] of [
      [0, 3],
      [1, 2],
      [batches.length - 1, 2],
    ] as const) {
      const offset = batches.slice(0, index).map(renderBatch).join("").split("\n").length - 1;
      const broken = {
        ...kernel,
        check: () => Promise.resolve({ ok: false as const, message: "no", line: offset + wanted }),
      };
      expect((await rehearse(broken, many)).refused).toMatchObject({ batch: index + 1, line: wanted });
    }
  });
});

test("iptables-nft gets batches, iptables-legacy everything at once", async () => {
  expect([chainsPerBatch("nft"), chainsPerBatch("legacy")]).toEqual([1000, Infinity]);
  const sections = async (variant: "nft" | "legacy") =>
    (await apply(createFakeKernel({ variant }), many)).batches.length;
  expect(await sections("legacy")).toBe(2);
  expect(await sections("nft")).toBeGreaterThan(2);
});
