// Declares tests of how many runs of tools a change takes. In: a bed. Out: tests that load 1,000 Services of 5 endpoints, and one more.
import { describe, expect, test } from "@jest/globals";
import { diffStates, emptyState, type IpvsState } from "../../rules/index.ts";
import { applyState } from "../../src/ipvs/apply-state.ts";
import { writeSteps } from "../../src/ipvs/write-steps.ts";
import { guestKernel, type ToolCall } from "../guest/guest-kernel.ts";
import { openShell } from "../guest/shell.ts";
import type { ApiObject } from "../packets/objects.ts";
import { statesOf, type Bed } from "./bed.ts";

/** Declares them; they use a namespace of their own. */
export function declareScale(bed: () => Bed): void {
  describe("1,000 Services of 5 endpoints", () => {
    test("are loaded by at most three runs of each tool, and one more by six in all", async () => {
      await bed().guest.run("ip", ["netns", "add", "large"]);
      const calls: ToolCall[] = [];
      const kernel = guestKernel(openShell(bed().guest, "large"), (call) => calls.push(call));
      const written = () =>
        calls.filter(({ input }) => input !== "").map(({ tool }) => tool.replace(/^ip6tables/, "iptables"));
      const [before, after] = [states(1000), states(1001)];
      for (const state of before) {
        calls.length = 0;
        expect(await applyState(kernel, state, { drained: "idle", excludeCidrs: [] })).toMatchObject({
          refused: undefined,
          left: [],
        });
        expect(written().filter((tool, index, all) => all.indexOf(tool) === index)).toEqual([
          "ipset",
          `iptables-${kernel.rules.variant}-restore`,
          "ip",
          "ipvsadm",
        ]);
        for (const tool of new Set(written()))
          expect(written().filter((each) => each === tool).length).toBeLessThanOrEqual(3);
      }
      calls.length = 0;
      for (const [index, state] of after.entries()) {
        const { steps } = diffStates(before[index] ?? emptyState(4), state, {
          isDrained: () => false,
          excludeCidrs: [],
          others: new Set(),
        });
        expect(await writeSteps(kernel, state.family, steps)).toMatchObject({ ok: true });
      }
      expect(written()).toEqual(["ipset", "ip", "ipvsadm", "ipset", "ip", "ipvsadm"]);
      for (const { tool, input } of calls) expect([tool, input.split("\n").length < 10]).toEqual([tool, true]);
    }, 120_000);
  });
}

/** Services of one TCP port each, in IPv4, but for one in fifty that has both families. */
function states(count: number): IpvsState[] {
  const objects = Array.from({ length: count }, (_, index): readonly ApiObject[] => {
    const name = `web-${index}`;
    const families = index % 50 === 0 ? ([4, 6] as const) : ([4] as const);
    const clusterIPs = families.map((family) =>
      family === 4 ? `10.97.${index >> 8}.${index & 255}` : `fd00:10:97::${(index + 1).toString(16)}`,
    );
    const port = { name: "http", protocol: "TCP", port: 80 };
    return [
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name, namespace: "many" },
        spec: { type: "ClusterIP", clusterIP: clusterIPs[0], clusterIPs, ports: [port] },
      },
      ...families.map((family) => ({
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: { name: `${name}-${family}`, namespace: "many", labels: { "kubernetes.io/service-name": name } },
        addressType: `IPv${family}`,
        ports: [port],
        endpoints: [1, 2, 3, 4, 5].map((at) => ({
          nodeName: "node-2",
          addresses: [
            family === 4 ? `10.245.${index >> 5}.${(index & 31) * 8 + at}` : `fd00:10:245::${index.toString(16)}:${at}`,
          ],
        })),
      })),
    ];
  });
  return statesOf({ services: [], objects: objects.flat() });
}
