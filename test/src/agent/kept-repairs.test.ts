// Tests of src/agent/kept-repairs.ts.
import { expect, test } from "@jest/globals";
import { createHistory } from "../../../src/agent/history.ts";
import { keepRepairs } from "../../../src/agent/kept-repairs.ts";
import { createProxier } from "../../../src/agent/proxier.ts";
import { aView } from "../../make/node.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";
import { aKernel } from "./a-kernel.ts";

/** A Service's rules in a kernel, and the history of what is repaired there. */
async function aRepaired() {
  const kernel = aKernel();
  const history = createHistory();
  const proxier = keepRepairs(createProxier(kernel), 4, history);
  await proxier.sync({ cluster: aCluster(aService(), aSlice()), view: aView() });
  return { kernel, history, proxier, spoil: () => kernel.restore(4, "*nat\n-F KUBE-SERVICES\nCOMMIT\n") };
}

test("a repair that finds nothing is counted and not kept", async () => {
  const { history, proxier } = await aRepaired();
  await proxier.repair();
  expect(history.passes()).toEqual([]);
  expect(history.totals()).toMatchObject({ passes: 0, readBacks: 1, repairs: 0 });
});

test("a repair is kept with the Services whose rules it put right", async () => {
  const { history, proxier, spoil } = await aRepaired();
  await spoil();
  const { changes } = await proxier.repair();
  expect(changes).toHaveLength(1);
  expect(history.passes()).toMatchObject([
    { kind: "repair", cause: "read-back", services: ["default/web"], families: [{ changes: 1, result: "good" }] },
  ]);
});

test("one that is refused, or cannot read, is kept with why", async () => {
  const { kernel, history, proxier, spoil } = await aRepaired();
  await spoil();
  kernel.refusal.lines = /^\*nat/;
  await proxier.repair();
  expect(history.lastFailed()).toMatchObject({ family: 4, script: expect.stringContaining("*nat") });
  kernel.refusal.throws = true;
  await expect(proxier.repair()).rejects.toThrow("killed");
  expect(history.passes().map(({ families }) => families[0]?.result)).toEqual(["failed", "failed"]);
  expect(history.passes()[0]?.families[0]?.message).toContain("killed");
});

test("all else is the proxier's own", async () => {
  const { proxier } = await aRepaired();
  expect(proxier.build()?.model.services.size).toBe(1);
  expect(proxier.quarantined().size).toBe(0);
});
