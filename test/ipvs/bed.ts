// The node in the guest, and what it serves. In: a guest. Out: situations brought into its kernel as the agent and as `apply` do it.
import { expect } from "@jest/globals";
import { diffStates, emptyState, remaining, type DrainView, type Family, type IpvsState } from "../../rules/index.ts";
import { applyState, stepsTo, type AppliedState, type StateOptions } from "../../src/ipvs/apply-state.ts";
import type { IpvsKernel } from "../../src/ipvs/ipvs-kernel.ts";
import { observe } from "../../src/ipvs/observe.ts";
import { writeSteps } from "../../src/ipvs/write-steps.ts";
import { ipvsSysctls } from "../../src/sysctl/ipvs-sysctls.ts";
import { guestKernel, type ToolCall } from "../guest/guest-kernel.ts";
import { makeGuestLab, type GuestLab } from "../guest/guest-lab.ts";
import type { Guest } from "../guest/guest.ts";
import { desire, type Situation } from "../packets/harness.ts";

/** One node for all tests of a file, with all that it was made to hold so far. */
export type Bed = {
  readonly guest: Guest;
  readonly lab: GuestLab;
  readonly kernel: IpvsKernel;
  /** Runs of tools so far. */
  readonly calls: ToolCall[];
  /** As `apply`: reads the kernel, writes, reads back; whatever was there before. Fails the test unless all is as wanted. */
  readonly apply: (states: readonly IpvsState[], drained?: StateOptions["drained"]) => Promise<readonly AppliedState[]>;
  /** As a pass of the agent: from what was put last, without a look at the kernel. What goes is not waited for. */
  readonly put: (states: readonly IpvsState[]) => Promise<void>;
  /** Reads the kernel; fails the test unless it holds what was put last. */
  readonly expectInForce: () => Promise<void>;
};

/** Nobody has connections that count, nor virtual servers of their own. */
const impatient: DrainView = { isDrained: () => true, excludeCidrs: [], others: new Set() };

/** Makes the network and the settings of IPVS mode. */
export async function makeBed(guest: Guest): Promise<Bed> {
  const lab = await makeGuestLab(guest);
  const calls: ToolCall[] = [];
  const kernel = guestKernel(lab.shell, (call) => calls.push(call));
  await lab.shell.run("ipvsadm", ["-Sn"]);
  const sysctls = ipvsSysctls({ strictArp: false }, "6.1.0");
  const words = sysctls.map(({ name, value }) => `${name.replaceAll("/", ".")}=${value}`);
  expect(await lab.shell.run("sysctl", ["-q", "-w", ...words])).toEqual({ code: 0, stdout: "", stderr: "" });
  const known = new Map<Family, IpvsState>();
  return {
    guest,
    lab,
    kernel,
    calls,
    apply: async (states, drained = "now") => {
      const applied: AppliedState[] = [];
      for (const state of states) {
        applied.push(await applyState(kernel, state, { drained, excludeCidrs: [] }));
        known.set(state.family, state);
      }
      for (const { refused, left = [] } of applied) expect({ refused, left }).toEqual({ refused: undefined, left: [] });
      return applied;
    },
    put: async (states) => {
      for (const state of states) {
        let from = known.get(state.family) ?? emptyState(state.family);
        for (;;) {
          const { steps } = diffStates(from, state, impatient);
          if (steps.length === 0) break;
          expect(await writeSteps(kernel, state.family, steps)).toMatchObject({ ok: true });
          from = remaining(from, state, steps).state;
        }
        known.set(state.family, state);
      }
    },
    expectInForce: async () => {
      for (const state of known.values()) {
        const observed = await observe(kernel, state.family);
        expect(observed.problems).toEqual([]);
        expect(stepsTo(observed, state, { drained: "now", excludeCidrs: [] })).toEqual([]);
      }
    },
  };
}

/** What a situation wants in this mode, of both families. */
export function statesOf(situation: Situation): IpvsState[] {
  return desire({ ...situation, config: { ...situation.config, mode: "ipvs" } }).ipvsBuilds.map(({ state }) => state);
}

/** The tools that print the rules of each family in a guest. */
export function saves({ variant }: Guest): string[] {
  return ["iptables", "ip6tables"].map((tool) => `${tool}-${variant}-save`);
}
