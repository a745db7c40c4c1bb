// `rulewright plan`: prints what a node would get. In: manifests or a cluster, and options. Out: text on standard output; exit status.
import type { Logger } from "winston";
import { InputError, servesSomething, type Desired } from "../desired/desired.ts";
import { renderIpvsShell } from "../output/ipvs-shell.ts";
import { renderIpvsPlan, renderToolInput } from "../output/ipvs-text.ts";
import { renderPlanJson } from "../output/plan-json.ts";
import { placeholderLine, renderPlan, renderShell } from "../output/plan-text.ts";
import { renderSummary } from "../output/summary.ts";
import { never } from "../../rules/never.ts";
import type { ClusterOptions, OptionalInputOptions, VariantOptions } from "./options.ts";
import { readWanted } from "./read-wanted.ts";
import { exit, reportInput } from "./report.ts";

export type PlanOptions = OptionalInputOptions &
  ClusterOptions &
  VariantOptions & { readonly output: (typeof planOutputs)[number] };

/** `rules`: input for the tools; those named by a tool: input for that one; the others are for people and programs. */
export const planOutputs = ["rules", "iptables", "ipset", "ip", "ipvsadm", "sh", "json", "summary"] as const;

/** Reads, builds, prints. */
export async function plan(options: PlanOptions, log: Logger): Promise<number> {
  const desired = await readWanted(options, log);
  const { backend, placeholders } = desired;
  const isOfOtherMode = ["ipset", "ip", "ipvsadm"].includes(options.output) && backend !== "ipvs";
  if (isOfOtherMode)
    throw new InputError(
      `-o ${options.output} is of IPVS mode, and this is ${backend} mode: give --backend ipvs or a configuration with mode: ipvs, or take -o iptables`,
    );
  const failed = reportInput(desired, log);
  // ipvsadm reads no comments, so what was made up is told beside it.
  if (options.output === "ipvsadm") for (const each of placeholders) log.info(placeholderLine(each).slice(2));
  for (const part of render(choose(desired, options, log), options)) process.stdout.write(part);
  return failed ? exit.problems : exit.ok;
}

function render(desired: Desired, { output, variant = "nft" }: PlanOptions): Iterable<string> {
  const isIpvs = desired.backend === "ipvs";
  switch (output) {
    case "rules":
      return isIpvs ? renderIpvsPlan(desired, variant) : renderPlan(desired, variant);
    case "iptables":
      return isIpvs ? renderToolInput(desired, output, variant) : renderPlan(desired, variant);
    case "ipset":
    case "ip":
    case "ipvsadm":
      return renderToolInput(desired, output, variant);
    case "sh":
      return [isIpvs ? renderIpvsShell(desired, variant) : renderShell(desired, variant)];
    case "json":
      return [renderPlanJson(desired)];
    case "summary":
      return [renderSummary(desired)];
    default:
      return never(output);
  }
}

/**
 * Text for iptables-restore can be fed to one tool only, so without `--family` it is that of the one family that has Services, or
 * IPv4's; so is that for the other tools, which belongs to it. A shell script leaves out a family without Services. Other outputs show both.
 */
function choose(desired: Desired, options: PlanOptions, log: Logger): Desired {
  if (options.family !== undefined || options.output === "json" || options.output === "summary") return desired;
  const families = desired.models.map(({ view }) => view.family);
  const serving = desired.models.filter((model) => servesSomething({ model })).map(({ view }) => view.family);
  const used = serving.length === 0 ? families.slice(0, 1) : serving;
  if (options.output !== "sh" && used.length > 1)
    log.info("there are IPv6 rules too: --family 6 prints them, --family both prints both");
  const chosen = options.output === "sh" ? used : used.slice(0, 1);
  const isChosen = ({ model }: Pick<Desired["builds"][number], "model">) => chosen.includes(model.view.family);
  return { ...desired, builds: desired.builds.filter(isChosen), ipvsBuilds: desired.ipvsBuilds.filter(isChosen) };
}
