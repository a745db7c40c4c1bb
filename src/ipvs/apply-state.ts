// Makes the kernel as IPVS mode wants it. In: IpvsKernel, desired state. Out: what was changed, what drains, whether it reads back so.
import {
  connectionKey,
  diffStates,
  type Cidr,
  type Connections,
  type DrainView,
  type IpvsChange,
  type IpvsState,
  type IpvsStep,
} from "../../rules/index.ts";
import { values } from "../../rules/radix/radix.ts";
import type { IpvsKernel } from "./ipvs-kernel.ts";
import { observe, type Observed } from "./observe.ts";
import { writeSteps, type RefusedStep } from "./write-steps.ts";

/** What one pass over one family did. */
export type AppliedState = {
  readonly steps: readonly IpvsStep[];
  /** How many of the steps are in force now. */
  readonly done: number;
  readonly refused: RefusedStep | undefined;
  /** Real servers that stay until their connections are over. */
  readonly draining: number;
  /** What still differs after a read-back, besides what drains. Undefined where nothing was written. */
  readonly left: readonly IpvsChange[] | undefined;
  readonly problems: readonly string[];
};

/** `idle`: real servers go when no connection is left; `now`: at once. */
export type StateOptions = { readonly drained: "idle" | "now"; readonly excludeCidrs: readonly Cidr[] };

/** The changes that `desired` needs in this kernel. */
export async function readSteps(
  kernel: IpvsKernel,
  desired: IpvsState,
  options: StateOptions,
): Promise<{ readonly observed: Observed; readonly steps: readonly IpvsStep[] }> {
  const observed = await observe(kernel, desired.family);
  return { observed, steps: stepsTo(observed, desired, options) };
}

/** The part of `readSteps` after the kernel is read. */
export function stepsTo(
  observed: Observed,
  desired: IpvsState,
  { drained, excludeCidrs }: StateOptions,
): readonly IpvsStep[] {
  const isDrained: DrainView["isDrained"] =
    drained === "now" ? () => true : (server, real) => isIdle(observed.connections, connectionKey(server, real));
  return diffStates(observed.state, desired, { isDrained, excludeCidrs, others: observed.others }).steps;
}

function isIdle(connections: Connections, key: string): boolean {
  return (connections.get(key) ?? 0) === 0;
}

/** Real servers without weight, and virtual servers that stay for them. */
export function drainingIn({ state: { servers } }: Observed): number {
  return values(servers).reduce(
    (sum, { servers: reals }) => sum + reals.filter(({ weight }) => weight === 0).length,
    0,
  );
}

/**
 * Reads, writes the difference, reads back; stops at the first step that is refused. What drains takes as many rounds as it has stages
 * where `drained` is `now`: weight, then the server, then what it stood in.
 */
export async function applyState(kernel: IpvsKernel, desired: IpvsState, options: StateOptions): Promise<AppliedState> {
  const steps: IpvsStep[] = [];
  let round = await readSteps(kernel, desired, options);
  for (let rounds = 0; round.steps.length > 0 && rounds < mostRounds; rounds++) {
    const written = await writeSteps(kernel, desired.family, round.steps);
    const done = steps.length + (written.ok ? 0 : written.done);
    steps.push(...round.steps);
    if (!written.ok) return ended(round.observed, { steps, done, refused: written.refused, left: undefined });
    round = await readSteps(kernel, desired, options);
  }
  const left = steps.length === 0 ? undefined : round.steps.flatMap((step): readonly IpvsChange[] => step.changes);
  return ended(round.observed, { steps, done: steps.length, refused: undefined, left });
}

/** One for what is wanted, and up to three more for what goes; a kernel that is never as written must not be written to for ever. */
const mostRounds = 5;

function ended(observed: Observed, applied: Omit<AppliedState, "draining" | "problems">): AppliedState {
  return { ...applied, draining: drainingIn(observed), problems: observed.problems };
}
