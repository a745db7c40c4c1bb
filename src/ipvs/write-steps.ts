// Brings the steps of a diff into the kernel. In: IpvsKernel, IpvsStep[]. Out: whether all were taken, and if not which change was refused.
import {
  changeOfLine,
  orderChanges,
  renderAddressChanges,
  renderBatch,
  renderServerChanges,
  renderSetChanges,
  setChangeOfLine,
  undoneChanges,
  type Family,
  type IpvsChange,
  type IpvsStep,
} from "../../rules/index.ts";
import { never } from "../../rules/never.ts";
import { chainsPerBatch } from "../kernel/apply.ts";
import type { IpvsKernel } from "./ipvs-kernel.ts";
import { parseState } from "./observe.ts";

/** How steps ended; those before `done` are in force, and those after the refused one were not tried. */
export type WrittenSteps =
  | { readonly ok: true; readonly batches: number }
  | { readonly ok: false; readonly done: number; readonly batches: number; readonly refused: RefusedStep };

export type RefusedStep = {
  readonly tool: IpvsStep["tool"];
  /** The tool's own words. */
  readonly message: string;
  /** The batch as it was fed to the tool. */
  readonly script: string;
  /** The changes to blame; empty where nobody knows. */
  readonly changes: readonly IpvsChange[];
};

/** Writes step by step, and stops at the first that is refused. */
export async function writeSteps(
  kernel: IpvsKernel,
  family: Family,
  steps: readonly IpvsStep[],
): Promise<WrittenSteps> {
  let batches = 0;
  for (const [done, step] of steps.entries()) {
    const wrote = await writeStep(kernel, family, step);
    batches += wrote.batches;
    if (wrote.refused !== undefined) return { ok: false, done, batches, refused: wrote.refused };
  }
  return { ok: true, batches };
}

/** The input of a step's tool, in the batches in which it is fed. */
export function renderStep(step: IpvsStep, family: Family, chainsInBatch: number): string[] {
  switch (step.tool) {
    case "ipset":
      return [renderSetChanges(step.changes, family)];
    case "iptables":
      return orderChanges(step.changes, chainsInBatch).map(renderBatch);
    case "ip":
      return [renderAddressChanges(step.changes)];
    case "ipvsadm":
      return [renderServerChanges(step.changes)];
    default:
      return never(step);
  }
}

type Wrote = { readonly batches: number; readonly refused?: RefusedStep };

async function writeStep(kernel: IpvsKernel, family: Family, step: IpvsStep): Promise<Wrote> {
  switch (step.tool) {
    case "ipset": {
      const script = renderSetChanges(step.changes, family);
      const restored = await kernel.restoreSets(script);
      if (restored.ok) return { batches: 1 };
      const change = restored.line === undefined ? undefined : setChangeOfLine(step.changes, restored.line);
      return refusedStep(step.tool, {
        script,
        message: restored.message,
        changes: change === undefined ? [] : [change],
      });
    }
    case "iptables":
      return writeRules(kernel, family, step.changes);
    case "ip": {
      const script = renderAddressChanges(step.changes);
      const restored = await kernel.changeAddresses(script);
      if (restored.ok) return { batches: 1 };
      const change = restored.line === undefined ? undefined : step.changes[restored.line - 1];
      return refusedStep(step.tool, {
        script,
        message: restored.message,
        changes: change === undefined ? [] : [change],
      });
    }
    case "ipvsadm": {
      const script = renderServerChanges(step.changes);
      const restored = await kernel.restoreServers(script);
      if (restored.ok) return { batches: 1 };
      const changes = undoneChanges(step.changes, await readServers(kernel, family));
      // What it complained of was done all the same: a virtual server that was there already, or one that was gone.
      if (changes.length === 0) return { batches: 1 };
      return refusedStep(step.tool, { script, message: restored.message, changes });
    }
    default:
      return never(step);
  }
}

async function writeRules(
  { rules }: IpvsKernel,
  family: Family,
  changes: Extract<IpvsStep, { tool: "iptables" }>["changes"],
): Promise<Wrote> {
  const batches = orderChanges(changes, chainsPerBatch(rules.variant));
  for (const batch of batches) {
    const script = renderBatch(batch);
    const restored = await rules.restore(family, script);
    if (restored.ok) continue;
    const change = restored.line === undefined ? undefined : changeOfLine(batch, restored.line);
    return refusedStep("iptables", {
      script,
      message: restored.message,
      changes: change === undefined ? [] : [change],
    });
  }
  return { batches: batches.length };
}

function refusedStep(tool: IpvsStep["tool"], refused: Omit<RefusedStep, "tool">): Wrote {
  return { batches: 1, refused: { tool, ...refused } };
}

async function readServers(kernel: IpvsKernel, family: Family) {
  const [sets, addresses] = [await kernel.readSets(), await kernel.readAddresses()];
  return parseState({ rules: "", sets, addresses, servers: await kernel.readServers() }, family).state.servers;
}
