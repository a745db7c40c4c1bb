// `rulewright plan`: prints what a node would get. In: manifests or a cluster, and options. Out: text on standard output; exit status.
import type { Logger } from "winston";
import type { Build } from "../../rules/index.ts";
import { servesSomething, type Desired } from "../desired/desired.ts";
import { renderPlanJson } from "../output/plan-json.ts";
import { renderPlan, renderShell } from "../output/plan-text.ts";
import { renderSummary } from "../output/summary.ts";
import type { ClusterOptions, OptionalInputOptions, VariantOptions } from "./options.ts";
import { readWanted } from "./read-wanted.ts";
import { exit, reportInput } from "./report.ts";

export type PlanOptions = OptionalInputOptions &
  ClusterOptions &
  VariantOptions & { readonly output: (typeof planOutputs)[number] };

export const planOutputs = ["iptables", "sh", "json", "summary"] as const;

/** Reads, builds, prints. */
export async function plan(options: PlanOptions, log: Logger): Promise<number> {
  const desired = await readWanted(options, log);
  const failed = reportInput(desired, log);
  for (const part of render(choose(desired, options, log), options)) process.stdout.write(part);
  return failed ? exit.problems : exit.ok;
}

function render(desired: Desired, { output, variant }: PlanOptions): Iterable<string> {
  switch (output) {
    case "iptables":
      return renderPlan(desired, variant ?? "nft");
    case "sh":
      return [renderShell(desired, variant ?? "nft")];
    case "json":
      return [renderPlanJson(desired)];
    case "summary":
      return [renderSummary(desired)];
  }
}

/**
 * Text for iptables-restore can be fed to one tool only, so without `--family` it is that of the one family that has Services, or
 * IPv4's. A shell script leaves out a family without Services. Other outputs show both.
 */
function choose(desired: Desired, options: PlanOptions, log: Logger): Desired {
  if (options.family !== undefined) return desired;
  const serving = desired.builds.filter(servesSomething);
  const used = serving.length === 0 ? desired.builds.slice(0, 1) : serving;
  if (options.output === "sh") return { ...desired, builds: used };
  if (options.output !== "iptables") return desired;
  const [first, other] = used;
  if (other !== undefined) log.info("there are IPv6 rules too: --family 6 prints them, --family both prints both");
  return { ...desired, builds: ([first] as (Build | undefined)[]).filter((build) => build !== undefined) };
}
