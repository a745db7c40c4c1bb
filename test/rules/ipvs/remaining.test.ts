// Tests of rules/ipvs/remaining.ts: what it foretells is what the tools' fakes then hold.
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { remaining } from "../../../rules/ipvs/remaining.ts";
import { diffStates } from "../../../rules/ipvs/steps.ts";
import { emptyState } from "../../../rules/ipvs/state.ts";
import { realKey, serverKey } from "../../../rules/ipvs/virtual-server.ts";
import { changes } from "../../../rules/radix/radix.ts";
import { histories, views } from "../../make/arbitrary.ts";
import { aFakeNode, drained, ipvsOf, patient } from "../../make/ipvs.ts";
import { aCluster, aService, aSlice } from "../../make/objects.ts";

test("is what is read back, whatever changed, and whether what drains is drained or not", async () => {
  await fc.assert(
    fc.asyncProperty(histories(12), views(), fc.array(fc.boolean()), async (clusters, view, idle) => {
      const node = await aFakeNode();
      let known = emptyState(view.family);
      for (const [at, cluster] of clusters.entries()) {
        const desired = ipvsOf(cluster, view).state;
        const { steps } = diffStates(known, desired, idle[at] === true ? drained : patient);
        await node.write(view.family, steps);
        const after = remaining(known, desired, steps);
        known = after.state;
        const { state } = await node.read(view.family);
        // Either way: nothing is there that is not known of, and all that is known of is there.
        expect(diffStates(state, known, patient).steps).toEqual([]);
        expect(diffStates(known, state, patient).steps).toEqual([]);
        const idleNow = after.drains.map(({ server, real }) => `${serverKey(server)} ${realKey(real)}`);
        const weightless = [...node.tools.servers().matchAll(/^-a .* -w 0$/gm)];
        expect(new Set(idleNow).size).toBe(weightless.length);
      }
    }),
    { numRuns: 30 },
  );
});

test("shares with what is wanted all that nothing drains in", () => {
  const services = Array.from({ length: 40 }, (_, at) => [
    aService({ name: `s${at}`, clusterIps: [`10.96.0.${at + 1}`] }),
    aSlice({ service: `s${at}`, endpoints: [`10.1.0.${at + 1}`, "10.1.1.1"] }),
  ]).flat();
  const before = ipvsOf(aCluster(...services)).state;
  const after = ipvsOf(aCluster(...services.slice(0, -1), aSlice({ service: "s39", endpoints: ["10.1.0.40"] }))).state;
  const { steps } = diffStates(before, after, patient);
  const { state, drains } = remaining(before, after, steps);
  expect(drains.map(({ real }) => real.ip)).toEqual(["10.1.1.1"]);
  expect(changes(state.servers, after.servers)).toHaveLength(1);
  expect({ ...state, servers: after.servers, sets: after.sets }).toEqual(after);
  expect(state.addresses).toBe(after.addresses);
  const same = Object.entries(state.sets.sets).filter(([name, set]) => set === after.sets.sets[name]);
  expect(same.length).toBe(Object.keys(after.sets.sets).length);
});
