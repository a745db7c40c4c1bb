// Declares tests of the built program on the node in the guest. In: a bed. Out: tests that run it as an administrator would.
import { expect, test } from "@jest/globals";
import { fileURLToPath } from "node:url";
import { texts } from "../packets/harness.ts";
import { addressOf } from "../packets/objects.ts";
import type { Bed } from "./bed.ts";

const program = fileURLToPath(new URL("../../dist/rulewright.js", import.meta.url));

/** Declares them. */
export function declareProgram(bed: () => Bed): void {
  test("rulewright apply --backend ipvs serves Services, and a second one changes nothing", async () => {
    const { lab, guest } = bed();
    const situation = { services: [{ clusterIp: 240, nodePort: 30240, endpoints: ["pod-a", "remote-a"] }] };
    const apply = ["apply", "--backend", "ipvs", "--node-name", "node-1", "--variant", guest.variant, "-f", "-"];
    const run = (args: readonly string[], input = "") =>
      lab.shell.run(process.execPath, [...guest.nodeOptions, program, ...args], input);
    const { manifest } = texts(situation);
    const first = await run(apply, manifest);
    expect({ code: first.code, said: first.stderr }).toMatchObject({ code: 0 });
    for (const to of [addressOf("cluster-ip 240", 4), addressOf("cluster-ip 240", 6)]) {
      const { answered } = await lab.send({ from: "pod-a", to, port: 80, count: 4, timeoutMs: 3000 });
      expect(answered).toEqual({ "pod-a": 2, "remote-a": 2 });
    }
    const second = await run(apply, manifest);
    expect(second.stdout).toBe("IPv4: no change\nIPv6: no change\n");
  }, 120_000);
}
