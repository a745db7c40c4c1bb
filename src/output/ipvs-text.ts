// A plan of IPVS mode as input for each tool. In: Desired. Out: text.
import { diffStates, emptyState, type Family, type IpvsBuild, type IpvsStep } from "../../rules/index.ts";
import type { Desired } from "../desired/desired.ts";
import { renderStep } from "../ipvs/write-steps.ts";
import { chainsPerBatch } from "../kernel/apply.ts";
import type { Variant } from "../kernel/kernel.ts";
import { heading, toolOf } from "./plan-text.ts";

/** The tools of this mode, in the order in which they are to be run. */
export const toolsInOrder = ["ipset", "iptables", "ip", "ipvsadm"] as const satisfies readonly IpvsStep["tool"][];

export type PlannedTool = (typeof toolsInOrder)[number];

/** How a tool is called for its input: `ipset restore`, `iptables-restore --noflush`. */
export function commandOf(tool: PlannedTool, family: Family): string {
  return {
    ipset: "ipset restore",
    iptables: `${toolOf(family)}-restore --noflush`,
    ip: "ip -batch -",
    ipvsadm: "ipvsadm --restore",
  }[tool];
}

/**
 * What makes a node without any state as each build wants it: one section for each tool, in order, each with a heading that says which
 * it is for. What was made up stands in the first of a family.
 */
export function* renderIpvsPlan(desired: Desired, variant: Variant): Generator<string, void, undefined> {
  for (const { family, steps } of firstSteps(desired.ipvsBuilds)) {
    for (const [index, step] of steps.entries()) {
      const placeholders = index === 0 ? desired.placeholders : [];
      yield heading(commandOf(step.tool, family), family, { node: desired.node, placeholders });
      yield* renderStep(step, family, chainsPerBatch(variant));
    }
  }
}

/** The same for one tool, which can read it as it is. ipvsadm gets no heading: it takes a comment for a wrong line, and ends there. */
export function* renderToolInput(
  desired: Desired,
  tool: PlannedTool,
  variant: Variant,
): Generator<string, void, undefined> {
  for (const { family, steps } of firstSteps(desired.ipvsBuilds)) {
    if (tool !== "ipvsadm") yield heading(commandOf(tool, family), family, desired);
    for (const step of steps) if (step.tool === tool) yield* renderStep(step, family, chainsPerBatch(variant));
  }
}

/** Each family's steps from nothing; the device is one for both, and made with the first. */
export function firstSteps(builds: readonly Pick<IpvsBuild, "state">[]): readonly FirstSteps[] {
  return builds.map(({ state }, index) => {
    const nothing = emptyState(state.family);
    const from = index === 0 ? nothing : { ...nothing, addresses: { ...nothing.addresses, device: true } };
    const view = { isDrained: () => true, excludeCidrs: [], others: new Set<string>() };
    return { family: state.family, steps: diffStates(from, state, view).steps };
  });
}

export type FirstSteps = { readonly family: Family; readonly steps: readonly IpvsStep[] };
