// Takes away what IPVS mode left on a node that another mode serves now. In: IpvsKernel. Out: what was done, and what drains still.
import {
  diffRulesets,
  emptyState,
  ownSetTypes,
  parseAddresses,
  parseSetTable,
  type Family,
  type IpvsState,
  type IpvsStep,
  type Ruleset,
} from "../../rules/index.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { CommandError } from "../kernel/run.ts";
import { NoKernelError } from "../kernel/tools.ts";
import { applyTowards, stepsTo, type AppliedState, type StateOptions } from "./apply-state.ts";
import type { IpvsKernel } from "./ipvs-kernel.ts";
import { openIpvsKernel } from "./ipvs-tools.ts";
import type { Observed } from "./observe.ts";

/** The kernel's other tools where this node holds anything of IPVS mode; undefined where it does not, or one of them is not installed or does not work here. */
export async function findIpvsState(rules: Kernel): Promise<IpvsKernel | undefined> {
  try {
    const kernel = await openIpvsKernel(rules);
    return (await holdsIpvsState(kernel)) ? kernel : undefined;
  } catch (error) {
    // A kernel without ipset, say, holds none of our sets.
    if (error instanceof NoKernelError || error instanceof CommandError) return undefined;
    throw error;
  }
}

/** Whether there is a set of ours or the dummy device: they come before all else of IPVS mode, and go last. Two reads, both families. */
export async function holdsIpvsState(kernel: IpvsKernel): Promise<boolean> {
  if (parseAddresses(await kernel.readAddresses(), 4).ours.device) return true;
  const sets = await kernel.readSets();
  return ([4, 6] as const).some(
    (family) => Object.keys(parseSetTable(sets, { family, types: ownSetTypes(family) }).table.sets).length > 0,
  );
}

/**
 * Drains virtual servers and takes away sets and addresses as they become free. The rules are left as they are, so it comes after those of
 * iptables mode are in force, which take every new connection ahead of ip_vs, and which no longer look into sets: read with
 * `ownedByIpvs`, they replace the rules of IPVS mode. Connections that are open pass on through their virtual server until they end.
 */
export function leaveIpvs(kernel: IpvsKernel, family: Family, options: StateOptions): Promise<AppliedState> {
  return applyTowards(kernel, { family, towards: nothingBut }, options);
}

/** What brings a node that holds state of IPVS mode to iptables mode: its rules, then what `leaveIpvs` begins with. */
export function stepsToRules(observed: Observed, rules: Ruleset, options: StateOptions): readonly IpvsStep[] {
  const changes = diffRulesets(observed.state.ruleset, rules);
  return [
    ...(changes.length === 0 ? [] : [{ tool: "iptables" as const, changes }]),
    ...stepsTo(observed, nothingBut(observed.state), options),
  ];
}

/** What leaving wants: nothing but the rules, as they are. */
export function nothingBut({ family, ruleset }: IpvsState): IpvsState {
  return { ...emptyState(family), ruleset };
}
