// Sets that outgrow what ipset gives them, in the host's own kernel, which has no ip_vs but ipset. In: states. Out: entries counted.
import { expect, test } from "@jest/globals";
import { diffStates, emptyState, type IpvsState } from "../../rules/index.ts";
import { renderStep } from "../../src/ipvs/write-steps.ts";
import { describeWhere } from "../lab/describe-where.ts";
import { createLab } from "../lab/lab.ts";
import { canMakeLab } from "../lab/probe.ts";
import { needTool } from "../lab/tool.ts";
import { statesOf } from "./bed.ts";

describeWhere("sets", await canMakeLab("nft"), () => {
  test("take more than 65,536 entries, in one batch, while a rule uses them", async () => {
    const lab = await createLab({ variant: "nft", ports: [] });
    const ipset = await needTool("ipset");
    const [few = emptyState(4)] = ranges(2);
    const [many = emptyState(4)] = ranges(67);
    const batches: string[] = [];
    const write = async (from: IpvsState, to: IpvsState) => {
      for (const step of diffStates(from, to, { isDrained: () => true, excludeCidrs: [], others: new Set() }).steps)
        for (const input of renderStep(step, 4, 1000)) {
          if (step.tool === "iptables") await lab.restore(4, input, { noflush: true });
          if (step.tool !== "ipset") continue;
          batches.push(input);
          await lab.node.exec(ipset, ["restore"], { input });
        }
    };
    await write(emptyState(4), few);
    expect(batches.splice(0)).toHaveLength(1);
    await write(few, many);
    expect(batches).toHaveLength(1);
    const { stdout } = await lab.node.exec(ipset, ["list", "-t", "KUBE-LOAD-BALANCER-SOURCE-CIDR"]);
    expect(stdout).toContain("Number of entries: 67000\n");
    expect(stdout).toContain("References: 1\n");
    await lab.destroy();
  }, 60_000);
});

/** A Service with a load-balancer address, so many ports, and a thousand source ranges. */
function ranges(ports: number): IpvsState[] {
  const cidrs = Array.from({ length: 1000 }, (_, index) => `100.64.${index >> 8}.${index & 255}/32`);
  return statesOf({
    services: [
      {
        families: [4],
        vips: [1],
        protocols: ["TCP"],
        ports: Array.from({ length: ports }, (_, index) => ({ name: `p${index}`, port: 1000 + index })),
        endpoints: ["pod-a"],
        spec: { loadBalancerSourceRanges: cidrs },
      },
    ],
  });
}
