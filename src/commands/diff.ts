// `rulewright diff`: what would change. In: manifests or a cluster, and a dump or this host's kernel. Out: changes; exit 0 none, 1 some, 2 trouble.
import type { Logger } from "winston";
import {
  diffRulesets,
  orderChanges,
  parseRuleset,
  renderScript,
  type Change,
  type Family,
  type Placeholder,
} from "../../rules/index.ts";
import { InputError, readText } from "../desired/desired.ts";
import { chainsPerBatch, readChanges } from "../kernel/apply.ts";
import { openKernel } from "../kernel/tools.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { changeJson, renderChanges, renderCount, wantsColour } from "../output/changes.ts";
import { placeholderLine } from "../output/plan-text.ts";
import { splitDumps } from "../kernel/dump.ts";
import { thisHost, type ClusterOptions, type OptionalInputOptions, type VariantOptions } from "./options.ts";
import { readWanted } from "./read-wanted.ts";
import { exit, reportInput } from "./report.ts";

export type DiffOptions = OptionalInputOptions &
  ClusterOptions &
  VariantOptions & { readonly against: string; readonly output: (typeof diffOutputs)[number] };

export const diffOutputs = ["text", "json", "script"] as const;

type FamilyChanges = { readonly family: Family; readonly changes: readonly Change[] };

/** Compares and prints. */
export async function diff(options: DiffOptions, log: Logger): Promise<number> {
  const live = options.against === "live";
  const desired = await readWanted(options, log, live ? thisHost() : undefined);
  const failed = reportInput(desired, log);
  const kernel = live ? await openKernel(options.variant) : undefined;
  const dumps = live ? undefined : splitDumps(await readText(options.against));
  const found: FamilyChanges[] = [];
  for (const { ruleset, model } of desired.builds) {
    const { family } = model.view;
    if (kernel !== undefined) found.push({ family, changes: await readChanges(kernel, ruleset) });
    else if (dumps?.[family] === undefined) log.info(`the dump holds nothing of IPv${family}, which is left out`);
    else found.push({ family, changes: diffRulesets(parseRuleset(dumps[family], family), ruleset) });
  }
  if (found.length === 0)
    throw new InputError(
      `${JSON.stringify(options.against)} holds nothing to compare with: give a dump of this family`,
    );
  process.stdout.write(render({ found, placeholders: desired.placeholders, kernel }, options));
  if (failed) return exit.trouble;
  return found.some(({ changes }) => changes.length > 0) ? exit.differences : exit.ok;
}

type Difference = {
  readonly found: readonly FamilyChanges[];
  readonly placeholders: readonly Placeholder[];
  readonly kernel: Kernel | undefined;
};

function render({ found, placeholders, kernel }: Difference, options: DiffOptions): string {
  const madeUp = placeholders.map((each) => `${placeholderLine(each)}\n`).join("");
  switch (options.output) {
    case "text":
      return (
        found
          .map(
            ({ family, changes }) => `IPv${family}: ${renderCount(changes)}\n${renderChanges(changes, wantsColour())}`,
          )
          .join("") + madeUp
      );
    case "json": {
      const families = found.map(({ family, changes }) => ({ family, changes: changes.map(changeJson) }));
      return `${JSON.stringify({ families, placeholders }, undefined, 2)}\n`;
    }
    case "script": {
      const limit = chainsPerBatch(options.variant ?? kernel?.variant ?? "nft");
      const tool = (family: Family) => (family === 4 ? "iptables-restore" : "ip6tables-restore");
      return (
        madeUp +
        found
          .map(
            ({ family, changes }) => `# for ${tool(family)} --noflush\n${renderScript(orderChanges(changes, limit))}`,
          )
          .join("")
      );
    }
  }
}
