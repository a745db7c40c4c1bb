// Makes the kernel as IPVS mode wants it. In: IpvsKernel, desired state. Out: what was changed, what drains, whether it reads back so.
import {
  connectionKey,
  diffStates,
  realKey,
  serverKey,
  type Cidr,
  type Connections,
  type DrainView,
  type Family,
  type IpvsChange,
  type IpvsState,
  type IpvsStep,
  type IpvsTable,
} from "../../rules/index.ts";
import { get, radixOf, values } from "../../rules/radix/radix.ts";
import { chainsPerBatch } from "../kernel/apply.ts";
import type { Restored } from "../kernel/kernel.ts";
import type { IpvsKernel } from "./ipvs-kernel.ts";
import { observe, type Observed } from "./observe.ts";
import { renderStep, writeSteps, type RefusedStep } from "./write-steps.ts";

/** What one pass over one family did. */
export type AppliedState = {
  /** What was there before. */
  readonly found: Observed;
  readonly steps: readonly IpvsStep[];
  /** How many of the steps are in force now. */
  readonly done: number;
  readonly refused: RefusedStep | undefined;
  /** Real servers that stay until their connections are over. */
  readonly draining: number;
  /** What still differs after a read-back, besides what drains. Undefined where nothing was written. */
  readonly left: readonly IpvsChange[] | undefined;
  /** Lines of the tools that cannot be understood. */
  readonly problems: readonly string[];
};

/** `idle`: real servers go when no connection is left; `now`: at once. */
export type StateOptions = { readonly drained: "idle" | "now"; readonly excludeCidrs: readonly Cidr[] };

/** What one family is brought to: a state that may hang on what is there. */
export type Target = { readonly family: Family; readonly towards: (observed: IpvsState) => IpvsState };

/** The changes that `desired` needs in this kernel. */
export async function readSteps(
  kernel: IpvsKernel,
  desired: IpvsState,
  options: StateOptions,
): Promise<{ readonly observed: Observed; readonly steps: readonly IpvsStep[] }> {
  return readTowards(kernel, { family: desired.family, towards: () => desired }, options);
}

async function readTowards(
  kernel: IpvsKernel,
  { family, towards, others = new Set() }: Target & { readonly others?: ReadonlySet<string> },
  options: StateOptions,
) {
  const read = await observe(kernel, family);
  const observed = { ...read, others: new Set([...others, ...read.others]) };
  return { observed, steps: stepsTo(observed, towards(observed.state), options) };
}

/** The part of `readSteps` after the kernel is read. */
export function stepsTo(
  { state, others, connections }: Observed,
  desired: IpvsState,
  { drained, excludeCidrs }: StateOptions,
): readonly IpvsStep[] {
  if (drained === "idle") {
    const isDrained: DrainView["isDrained"] = (server, real) => isIdle(connections, connectionKey(server, real));
    return diffStates(state, desired, { isDrained, excludeCidrs, others }).steps;
  }
  const servers = unweighted(state.servers, desired.servers);
  return diffStates({ ...state, servers }, desired, { isDrained: () => true, excludeCidrs, others }).steps;
}

function isIdle(connections: Connections, key: string): boolean {
  return (connections.get(key) ?? 0) === 0;
}

/** The table with real servers that nobody wants as if they had lost their weight already: what goes then goes in one batch. */
function unweighted(observed: IpvsTable, desired: IpvsTable): IpvsTable {
  const changed = values(observed).map((server) => {
    const wanted = new Set((get(desired, serverKey(server))?.servers ?? []).map(realKey));
    return {
      ...server,
      servers: server.servers.map((real) => (wanted.has(realKey(real)) ? real : { ...real, weight: 0 })),
    };
  });
  return radixOf(changed.map((server) => ({ key: serverKey(server), value: server })));
}

/** Real servers without weight, and virtual servers that stay for them. */
export function drainingIn({ state: { servers } }: Observed): number {
  return values(servers).reduce(
    (sum, { servers: reals }) => sum + reals.filter(({ weight }) => weight === 0).length,
    0,
  );
}

/**
 * Reads, writes the difference, reads back; stops at the first step that is refused. What drains takes rounds, as it has stages: weight,
 * then the server, then what it stood in.
 */
export async function applyState(kernel: IpvsKernel, desired: IpvsState, options: StateOptions): Promise<AppliedState> {
  return applyTowards(kernel, { family: desired.family, towards: () => desired }, options);
}

/** The same for a state that hangs on what is there. */
export async function applyTowards(kernel: IpvsKernel, target: Target, options: StateOptions): Promise<AppliedState> {
  const steps: IpvsStep[] = [];
  const first = await readTowards(kernel, target, options);
  const found = first.observed;
  let round = first;
  for (let rounds = 0; round.steps.length > 0 && rounds < mostRounds; rounds++) {
    const written = await writeSteps(kernel, target.family, round.steps);
    const done = steps.length + (written.ok ? 0 : written.done);
    steps.push(...round.steps);
    if (!written.ok) return ended(round.observed, { found, steps, done, refused: written.refused, left: undefined });
    // Once its sets are written, a virtual server of others at a wanted place cannot be told from ours any more.
    const { others } = round.observed;
    round = await readTowards(kernel, { ...target, others }, options);
  }
  const left = steps.length === 0 ? undefined : round.steps.flatMap((step): readonly IpvsChange[] => step.changes);
  return ended(round.observed, { found, steps, done: steps.length, refused: undefined, left });
}

/**
 * Has iptables check the rules of `steps`, and writes nothing. Where sets are to be made first it cannot: a rule may only name a set that
 * is there.
 */
export async function rehearseSteps(
  kernel: Pick<IpvsKernel, "rules">,
  family: Family,
  steps: readonly IpvsStep[],
): Promise<Restored> {
  const wantsSets = steps.some(
    ({ tool, changes }) => tool === "ipset" && changes.some(({ kind }) => kind === "create-set"),
  );
  const rules = steps.filter(({ tool }) => tool === "iptables");
  if (wantsSets || rules.length === 0) return { ok: true };
  const chains = chainsPerBatch(kernel.rules.variant);
  return kernel.rules.check(family, rules.flatMap((step) => renderStep(step, family, chains)).join(""));
}

/** One for what is wanted, and up to three more for what goes; a kernel that is never as written must not be written to for ever. */
const mostRounds = 5;

function ended(observed: Observed, applied: Omit<AppliedState, "draining" | "problems">): AppliedState {
  return { ...applied, draining: drainingIn(observed), problems: observed.problems };
}
