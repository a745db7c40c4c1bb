// `rulewright diff`: what would change. In: manifests or a cluster, and a dump or this host's kernel. Out: changes; exit 0 none, 1 some, 2 trouble.
import type { Logger } from "winston";
import {
  diffRulesets,
  parseRuleset,
  type Family,
  type IpvsChange,
  type IpvsStep,
  type Placeholder,
} from "../../rules/index.ts";
import { InputError, readText, type Desired } from "../desired/desired.ts";
import { stepsTo, type StateOptions } from "../ipvs/apply-state.ts";
import type { IpvsKernel } from "../ipvs/ipvs-kernel.ts";
import { openIpvsKernel } from "../ipvs/ipvs-tools.ts";
import { findIpvsState, stepsToRules } from "../ipvs/leave.ts";
import { holdsState, observe, parseState, type Observed } from "../ipvs/observe.ts";
import { splitState } from "../ipvs/state-dump.ts";
import { renderStep } from "../ipvs/write-steps.ts";
import { chainsPerBatch } from "../kernel/apply.ts";
import type { Kernel, Variant } from "../kernel/kernel.ts";
import { openKernel } from "../kernel/tools.ts";
import { changeJson, renderChanges, renderCount, wantsColour } from "../output/changes.ts";
import { commandOf } from "../output/ipvs-text.ts";
import { placeholderLine } from "../output/plan-text.ts";
import { thisHost, type ClusterOptions, type OptionalInputOptions, type VariantOptions } from "./options.ts";
import { readWanted } from "./read-wanted.ts";
import { exit, reportInput, reportObserved } from "./report.ts";

export type DiffOptions = OptionalInputOptions &
  ClusterOptions &
  VariantOptions & { readonly against: string; readonly output: (typeof diffOutputs)[number] };

export const diffOutputs = ["text", "json", "script"] as const;

/** Compares and prints. */
export async function diff(options: DiffOptions, log: Logger): Promise<number> {
  const live = options.against === "live";
  const desired = await readWanted(options, log, live ? thisHost() : undefined);
  const failed = reportInput(desired, log);
  const there = live
    ? await thereLive(await openKernel(options.variant), desired.backend)
    : thereIn(await readText(options.against), desired.backend);
  const found = await findDifferences(desired, there, log);
  if (found.length === 0)
    throw new InputError(
      `${JSON.stringify(options.against)} holds nothing to compare with: give a dump of this family`,
    );
  const variant = options.variant ?? there.variant ?? "nft";
  process.stdout.write(renderDifferences({ found, placeholders: desired.placeholders, variant }, options.output));
  if (failed) return exit.trouble;
  return found.some(({ steps }) => changesOf(steps).length > 0) ? exit.differences : exit.ok;
}

/** What is compared with: one family's rules (undefined: it holds none), and the state of IPVS mode where that counts. */
export type There = {
  readonly variant: Variant | undefined;
  readonly readRules: (family: Family) => Promise<string | undefined>;
  readonly readState: ((family: Family) => Promise<Observed>) | undefined;
};

async function thereLive(kernel: Kernel, backend: Desired["backend"]): Promise<There> {
  const ipvs: IpvsKernel | undefined = backend === "ipvs" ? await openIpvsKernel(kernel) : await findIpvsState(kernel);
  const { variant, readRules } = kernel;
  return { variant, readRules, readState: ipvs && ((family) => observe(ipvs, family)) };
}

/** A dump of iptables' tools, or of all five; in iptables mode the others count where they show state of IPVS mode, which would go. */
export function thereIn(text: string, backend: Desired["backend"]): There {
  const dump = splitState(text);
  const read = (family: Family) => parseState({ ...dump, rules: dump.rules[family] ?? "" }, family);
  const counts = backend === "ipvs" || ([4, 6] as const).some((family) => holdsState(read(family)));
  return {
    variant: undefined,
    readRules: (family) => Promise.resolve(dump.rules[family]),
    readState: counts ? (family) => Promise.resolve(read(family)) : undefined,
  };
}

/** What would be done to a family, tool by tool. */
export type FamilySteps = { readonly family: Family; readonly steps: readonly IpvsStep[] };

/** The steps of each family that is wanted and there. */
export async function findDifferences(
  { builds, ipvsBuilds }: Pick<Desired, "builds" | "ipvsBuilds">,
  { readRules, readState }: There,
  log: Pick<Logger, "info" | "warn" | "error">,
): Promise<readonly FamilySteps[]> {
  const found: FamilySteps[] = [];
  for (const build of [...builds, ...ipvsBuilds]) {
    const { family } = build.model.view;
    const text = await readRules(family);
    if (text === undefined) {
      log.info(`the dump holds nothing of IPv${family}, which is left out`);
      continue;
    }
    const observed = await readState?.(family);
    if (observed !== undefined) reportObserved("state" in build ? build : undefined, observed, log);
    found.push({ family, steps: stepsOf(build, text, observed) });
  }
  return found;
}

function stepsOf(
  build: Desired["builds"][number] | Desired["ipvsBuilds"][number],
  text: string,
  observed: Observed | undefined,
): readonly IpvsStep[] {
  if ("state" in build) {
    if (observed === undefined) throw new Error("bug: state of IPVS mode is wanted, and none was read");
    return stepsTo(observed, build.state, { drained: "idle", excludeCidrs: build.node.excludeCidrs });
  }
  if (observed !== undefined) return stepsToRules(observed, build.ruleset, leaving);
  return [{ tool: "iptables", changes: diffRulesets(parseRuleset(text, build.ruleset.family), build.ruleset) }];
}

const leaving: StateOptions = { drained: "idle", excludeCidrs: [] };

type Differences = {
  readonly found: readonly FamilySteps[];
  readonly placeholders: readonly Placeholder[];
  readonly variant: Variant;
};

/** As text for people, JSON, or the input of each tool in the order in which they are to be run, parted by comments. */
export function renderDifferences(
  { found, placeholders, variant }: Differences,
  output: DiffOptions["output"],
): string {
  const madeUp = placeholders.map((each) => `${placeholderLine(each)}\n`).join("");
  switch (output) {
    case "text": {
      const texts = found.map(({ family, steps }) => {
        const changes = changesOf(steps);
        return `IPv${family}: ${renderCount(changes)}\n${renderChanges(changes, wantsColour())}`;
      });
      return texts.join("") + madeUp;
    }
    case "json": {
      const families = found.map(({ family, steps }) => ({ family, changes: changesOf(steps).map(changeJson) }));
      return `${JSON.stringify({ families, placeholders }, undefined, 2)}\n`;
    }
    case "script": {
      const scripts = found.flatMap(({ family, steps }) =>
        steps.flatMap((step) => [
          `# for ${commandOf(step.tool, family)}\n`,
          ...renderStep(step, family, chainsPerBatch(variant)),
        ]),
      );
      return madeUp + scripts.join("");
    }
  }
}

function changesOf(steps: readonly IpvsStep[]): readonly IpvsChange[] {
  return steps.flatMap((step): readonly IpvsChange[] => step.changes);
}
