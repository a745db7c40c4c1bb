// `rulewright apply`: makes this host's kernel as the manifests want it. In: manifests. Out: what was done; exit status.
import type { Logger } from "winston";
import { causeOf, chainOf, needsRouteLocalnet } from "../../rules/index.ts";
import { readDesired, type Desired } from "../desired/desired.ts";
import { apply as applyRuleset, rehearse, type Applied, type Refusal } from "../kernel/apply.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { openKernel } from "../kernel/tools.ts";
import { renderChanges, renderCount, wantsColour } from "../output/changes.ts";
import { placeholderLine } from "../output/plan-text.ts";
import { thisHost, toDesiredOptions, type InputOptions, type VariantOptions } from "./options.ts";
import { exit, reportInput } from "./report.ts";

export type ApplyOptions = InputOptions & VariantOptions & { readonly dryRun?: true };

/** Reads what is there, applies the difference family by family, reads back, and says what it did. */
export async function apply(options: ApplyOptions, log: Logger): Promise<number> {
  const desired = await readDesired(toDesiredOptions(options), thisHost());
  const failed = reportInput(desired, log);
  const kernel = await openKernel(options.variant);
  log.info(`using iptables-${kernel.variant} for node ${desired.node.name ?? "(unnamed)"}`);
  for (const placeholder of desired.placeholders) process.stdout.write(`${placeholderLine(placeholder)}\n`);
  await applySysctls(desired, kernel, { log, dryRun: options.dryRun === true });
  let troubled = false;
  for (const { ruleset } of desired.builds) {
    const applied = await (options.dryRun === true ? rehearse(kernel, ruleset) : applyRuleset(kernel, ruleset));
    troubled = !report(ruleset.family, applied, { log, dryRun: options.dryRun === true }) || troubled;
  }
  return troubled ? exit.trouble : failed ? exit.problems : exit.ok;
}

/** Node ports on 127.0.0.0/8 need the kernel to route loopback addresses. Source: kube-proxy; ip-sysctl.rst route_localnet. */
async function applySysctls(
  desired: Desired,
  kernel: Kernel,
  { log, dryRun }: { readonly log: Logger; readonly dryRun: boolean },
): Promise<void> {
  const name = "net/ipv4/conf/all/route_localnet";
  if (!desired.builds.some(({ model }) => needsRouteLocalnet(model.view))) return;
  if ((await kernel.readSysctl(name)) === "1") return;
  if (!dryRun) await kernel.writeSysctl(name, "1");
  log.info(`${dryRun ? "would set" : "set"} ${name} to 1, for node ports on 127.0.0.0/8`);
}

/** Says what was done to one family. Returns whether it went as it should. */
export function report(
  family: 4 | 6,
  applied: Applied,
  { log, dryRun }: { readonly log: Logger; readonly dryRun: boolean },
): boolean {
  const { changes, batches, refused, left } = applied;
  if (dryRun) process.stdout.write(renderChanges(changes, wantsColour()));
  const verb = dryRun ? "would be: " : "";
  process.stdout.write(
    `IPv${family}: ${verb}${renderCount(changes)}${batches.length > 1 ? `, in ${batches.length} batches` : ""}\n`,
  );
  if (refused !== undefined) log.error(refusalLine(family, applied, refused));
  if (left !== undefined && left.length > 0) {
    log.error(
      `IPv${family}: reads back otherwise than written: ${renderCount(left)} left\n${renderChanges(left, false)}`,
    );
  }
  return refused === undefined && (left?.length ?? 0) === 0;
}

function refusalLine(family: 4 | 6, applied: Applied, { batch, message, line, change }: Refusal): string {
  const where = line === undefined ? "" : `, line ${line}`;
  const whose =
    change === undefined
      ? ""
      : `, chain ${chainOf(change)} for ${causeOf(change).services.join(", ") || "all Services"}`;
  const done = applied.done === 0 ? "nothing was written" : `the ${applied.done} batches before it are in force`;
  return `IPv${family}: batch ${batch} of ${applied.batches.length} was refused${where}${whose}: ${message}; ${done}, later ones were not tried`;
}
