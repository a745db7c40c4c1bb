// Declares tests of a node that changes its mode, and changes it back. In: a bed. Out: tests whose clients connect all the time.
import { afterAll, describe, expect, test } from "@jest/globals";
import { ownedByIpvs } from "../../rules/index.ts";
import { leaveIpvs } from "../../src/ipvs/leave.ts";
import { apply as applyRuleset } from "../../src/kernel/apply.ts";
import type { BackgroundClient } from "../lab/lab.ts";
import { desire, type Situation } from "../packets/harness.ts";
import { addressOf } from "../packets/objects.ts";
import { saves, statesOf, type Bed } from "./bed.ts";
import { connect, echoPort } from "./draining.ts";

const situation: Situation = {
  services: [
    {
      name: "echo",
      clusterIp: 220,
      protocols: ["TCP"],
      ports: [{ port: echoPort }],
      endpoints: ["pod-a", "pod-b"].map((host) => ({ host, port: echoPort })),
    },
    { name: "web", clusterIp: 221, nodePort: 30221, vips: [221], endpoints: ["pod-a", "remote-a"] },
    {
      name: "local",
      clusterIp: 222,
      externalIps: [222],
      endpoints: ["pod-b"],
      spec: { externalTrafficPolicy: "Local" },
    },
  ],
};

/** Declares them; they leave the node with the rules of iptables mode. */
export function declareSwitch(bed: () => Bed): void {
  describe("from iptables mode to IPVS mode and back", () => {
    const clients: BackgroundClient[] = [];
    afterAll(async () => {
      await Promise.all(clients.map((client) => client.stop()));
    });

    const toIptables = async () => {
      for (const { ruleset } of desire(situation).builds) {
        const { refused, left = [] } = await applyRuleset(bed().kernel.rules, ruleset, ownedByIpvs);
        expect({ refused, left }).toEqual({ refused: undefined, left: [] });
      }
    };
    const leave = async (drained: "idle" | "now") => {
      let draining = 0;
      for (const family of [4, 6] as const) {
        const left = await leaveIpvs(bed().kernel, family, { drained, excludeCidrs: [] });
        expect({ refused: left.refused, left: left.left ?? [] }).toEqual({ refused: undefined, left: [] });
        draining += left.draining;
      }
      return draining;
    };

    test("no connection fails, and those that are open go on in either mode", async () => {
      const { lab } = bed();
      await toIptables();
      await leave("now");
      for (const [to, port] of [
        [addressOf("cluster-ip 221", 6), 80],
        [lab.address("node", 4), 30221],
        [addressOf("external-ip 222", 4), 80],
      ] as const)
        clients.push(
          await lab.backgroundClient({ from: "outside", to, port, parallel: 1, intervalMs: 500, timeoutMs: 6000 }),
        );
      const before = await connect(bed(), 220);
      await bed().apply(statesOf(situation), "idle");
      const during = await connect(bed(), 220);
      expect((await lab.shell.run("ipvsadm", ["-Lnc"])).stdout).toContain(
        `${addressOf("cluster-ip 220", 4)}:${echoPort}`,
      );
      expect(await before.connection.say("in IPVS mode")).toBe(`${before.pod}: in IPVS mode`);
      await toIptables();
      expect(await leave("idle")).toBeGreaterThan(0);
      const after = await connect(bed(), 220);
      for (const { connection, pod } of [before, during, after]) {
        expect(await connection.say("back")).toBe(`${pod}: back`);
        connection.end();
      }
      for (const { answered, refused, timedOut, failed } of await Promise.all(
        clients.splice(0).map((client) => client.stop()),
      )) {
        expect(Object.keys(answered)).not.toEqual([]);
        expect({ refused, timedOut, failed }).toEqual({ refused: 0, timedOut: 0, failed: {} });
      }
    }, 90_000);

    test("nothing of IPVS mode is left, in either family", async () => {
      expect(await leave("now")).toBe(0);
      const { shell } = bed().lab;
      expect((await shell.run("ipset", ["save"])).stdout).toBe("");
      expect((await shell.run("ipvsadm", ["-Sn"])).stdout).toBe("");
      expect((await shell.run("ip", ["link", "show", "kube-ipvs0"])).code).toBe(1);
      for (const tool of saves(bed().guest)) {
        const { stdout } = await shell.run(tool, []);
        expect(stdout).toContain("KUBE-NODEPORTS");
        expect(stdout).not.toMatch(/KUBE-NODE-PORT |KUBE-IPVS|match-set/);
      }
    });
  });
}
