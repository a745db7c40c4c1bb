// Brings one family into IPVS mode, or out of it. In: IpvsKernel, what is wanted. Out: what was done, told; whether it went as it should.
import type { Logger } from "winston";
import {
  causeOfIpvs,
  emptyState,
  type Family,
  type IpvsBuild,
  type IpvsChange,
  type IpvsState,
  type IpvsStep,
} from "../../rules/index.ts";
import { printable } from "../../rules/problem.ts";
import { applyTowards, rehearseSteps, stepsTo, type AppliedState, type StateOptions } from "../ipvs/apply-state.ts";
import type { IpvsKernel } from "../ipvs/ipvs-kernel.ts";
import { nothingBut } from "../ipvs/leave.ts";
import { observe, type Observed } from "../ipvs/observe.ts";
import type { RefusedStep } from "../ipvs/write-steps.ts";
import { renderChanges, renderCount, wantsColour } from "../output/changes.ts";
import { reportObserved } from "./report.ts";

/** How a command acts, and where it tells of it. */
export type Acting = {
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  readonly dryRun: boolean;
  /** Whether real servers that are gone wait for the end of their connections. */
  readonly drained: StateOptions["drained"];
  readonly print: (text: string) => void;
};

/** Makes a family as `build` wants it. `lacking`: a Service is not served, since somebody else has a virtual server there. */
export async function enterIpvsMode(
  kernel: IpvsKernel,
  build: IpvsBuild,
  acting: Acting,
): Promise<{ readonly troubled: boolean; readonly lacking: boolean }> {
  const { family } = build.state;
  const options = { drained: acting.drained, excludeCidrs: build.node.excludeCidrs };
  const { good, found } = await bring(kernel, { family, towards: () => build.state, options }, acting);
  return { troubled: !good, lacking: reportObserved(build, found, acting.log) };
}

/** Drains and removes all but the rules, which must be those of iptables mode by now. Returns whether it went as it should. */
export async function leaveIpvsMode(kernel: IpvsKernel, family: Family, acting: Acting): Promise<boolean> {
  const options = { drained: acting.drained, excludeCidrs: [] };
  const { good, found } = await bring(kernel, { family, towards: nothingBut, options }, acting);
  reportObserved(undefined, found, acting.log);
  return good;
}

/** Removes all of this mode's state at once, rules too. Returns whether it went as it should. */
export async function clearIpvsMode(
  kernel: IpvsKernel,
  family: Family,
  acting: Omit<Acting, "drained">,
): Promise<boolean> {
  const options = { drained: "now", excludeCidrs: [] } as const;
  const { good, found } = await bring(kernel, { family, towards: () => emptyState(family), options }, acting);
  reportObserved(undefined, found, acting.log);
  return good;
}

type Way = {
  readonly family: Family;
  readonly towards: (observed: IpvsState) => IpvsState;
  readonly options: StateOptions;
};

type Brought = { readonly good: boolean; readonly found: Observed };

async function bring(
  kernel: IpvsKernel,
  { family, towards, options }: Way,
  { log, dryRun, print }: Omit<Acting, "drained">,
): Promise<Brought> {
  if (dryRun) {
    const found = await observe(kernel, family);
    const steps = stepsTo(found, towards(found.state), options);
    print(renderChanges(changesOf(steps), wantsColour()));
    print(`IPv${family}: would be: ${renderCount(changesOf(steps))}\n`);
    const checked = await rehearseSteps(kernel, family, steps);
    if (!checked.ok) log.error(`IPv${family}: iptables-restore would refuse the rules: ${checked.message}`);
    return { good: checked.ok, found };
  }
  const applied = await applyTowards(kernel, { family, towards }, options);
  print(`IPv${family}: ${renderCount(changesOf(applied.steps))}\n`);
  if (applied.draining > 0)
    print(
      `IPv${family}: ${applied.draining} real servers drain: they get no new connections, and go once the open ones are over; run again\n`,
    );
  return { good: tellTrouble(family, applied, log), found: applied.found };
}

function tellTrouble(family: Family, { steps, done, refused, left }: AppliedState, log: Acting["log"]): boolean {
  if (refused !== undefined) log.error(refusalLine({ family, steps, done, refused }));
  if (left !== undefined && left.length > 0)
    log.error(
      `IPv${family}: reads back otherwise than written: ${renderCount(left)} left\n${renderChanges(left, false)}`,
    );
  return refused === undefined && (left?.length ?? 0) === 0;
}

type Refused = {
  readonly family: Family;
  readonly steps: readonly IpvsStep[];
  readonly done: number;
  readonly refused: RefusedStep;
};

/** Services named by at most so many of the changes to blame. */
const mostNamed = 10;

function refusalLine({ family, steps, done, refused }: Refused): string {
  const services = [...new Set(refused.changes.flatMap((change) => causeOfIpvs(change).services))];
  const more = services.length > mostNamed ? ` and ${services.length - mostNamed} more` : "";
  const whose =
    refused.changes.length === 0
      ? ""
      : ` for ${services.length === 0 ? "all Services" : services.slice(0, mostNamed).join(", ")}${more}`;
  const before = done === 0 ? "nothing was written" : `the ${done} steps before it are in force`;
  const message = refused.message.split("\n").map(printable).join("; ");
  return `IPv${family}: step ${done + 1} of ${steps.length}, by ${refused.tool}, was refused${whose}: ${message}; ${before}, later ones were not tried`;
}

function changesOf(steps: readonly IpvsStep[]): readonly IpvsChange[] {
  return steps.flatMap((step): readonly IpvsChange[] => step.changes);
}
