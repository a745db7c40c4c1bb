// Brings the steps of IPVS mode into the kernel. In: IpvsKernel, IpvsStep[]. Out: WrittenSteps: done, or what was refused and for which Services.
import { causeOfIpvs, type Family, type IpvsChange, type IpvsStep } from "../../rules/index.ts";
import type { IpvsKernel } from "../ipvs/ipvs-kernel.ts";
import { writeSteps, type RefusedStep } from "../ipvs/write-steps.ts";
import { writeChanges, type Refused } from "./kernel-writer.ts";
import type { LeftBehind } from "./rules-keeper.ts";

/** How it ended. Steps before the refused one are in force. `rules`: what became of the changes of rules. */
export type WrittenSteps =
  | { readonly ok: true; readonly batches: number; readonly rules: LeftBehind }
  | { readonly ok: false; readonly batches: number; readonly refused: Refused };

/** Writes step by step, each in one batch, but for rules, which go as in iptables mode. Stops at the first that is refused. */
export async function writeAll(kernel: IpvsKernel, family: Family, steps: readonly IpvsStep[]): Promise<WrittenSteps> {
  let batches = 0;
  let rules: LeftBehind = { changes: [], left: undefined, leftChains: [] };
  for (const step of steps) {
    if (step.tool === "iptables") {
      const written = await writeChanges(kernel.rules, family, step.changes);
      if (!written.ok) return { ok: false, batches: batches + written.done, refused: written.refused };
      batches += written.batches;
      rules = {
        changes: [...rules.changes, ...written.changes],
        left: rules.left ?? written.left,
        leftChains: [...rules.leftChains, ...written.leftChains],
      };
    } else {
      const written = await writeSteps(kernel, family, [step]);
      if (!written.ok) return { ok: false, batches, refused: refusedOf(step, written.refused) };
      batches += written.batches;
    }
  }
  return { ok: true, batches, rules };
}

/** Where ipvsadm refuses so much at once, it is not for what a Service asks. */
const mostRefused = 20;

/**
 * Whom the tool's refusal is held against. ipset and ip stop at a line, or name the first. Of ipvsadm the changes that were not made are
 * known: all that the kernel refused, line by line, or, where ipvsadm itself refused a line, that one and all behind it. A batch of many
 * Services of which the kernel takes none is trouble of the machine.
 */
function refusedOf(step: IpvsStep, { tool, message, script, changes }: RefusedStep): Refused {
  const refused = { message: `${tool}: ${message.trim().replaceAll(/\s*\n\s*/g, "; ")}`, script };
  const services = servicesOf(changes);
  if (isOfMachine(message)) return { ...refused, namesLine: false, services: [] };
  if (tool !== "ipvsadm") return { ...refused, namesLine: changes.length > 0, services };
  if (isUsage(message)) return { ...refused, namesLine: changes.length > 0, services: servicesOf(changes.slice(0, 1)) };
  const isAll = changes.length === step.changes.length && services.length > mostRefused;
  return { ...refused, namesLine: services.length > 0 && !isAll, services, eachRefused: true };
}

/** No Service's fault, whatever line it is said of. Source: libipvs ip_vs_strerror; ipset's errcode.c; strerror(3). */
function isOfMachine(message: string): boolean {
  return /memory|not permitted|permission|temporarily|busy|buffer space|can't initialize|cannot open session/i.test(
    message,
  );
}

/** What ipvsadm says of a line that it does not hand to the kernel, which ends the batch. Source: ipvsadm.c 1.31; seen. */
function isUsage(message: string): boolean {
  return /illegal |invalid |unknown |unexpected |Try `|Zero port|Different address family|can't be used|not supported/.test(
    message,
  );
}

/** `namespace/name` of the Services that changes are made for, each once. */
export function servicesOf(changes: readonly IpvsChange[]): string[] {
  return [
    ...new Set(changes.flatMap((change) => causeOfIpvs(change).services.map((name) => name.replace(/:.*$/, "")))),
  ];
}
