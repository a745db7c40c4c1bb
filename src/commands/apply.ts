// `rulewright apply`: makes this host's kernel as the manifests want it. In: manifests. Out: what was done; exit status.
import { release } from "node:os";
import type { Logger } from "winston";
import {
  causeOf,
  chainOf,
  needsRouteLocalnet,
  ownedByIpvs,
  ownedByUs,
  type Build,
  type Family,
} from "../../rules/index.ts";
import { InputError, readDesired, type Desired } from "../desired/desired.ts";
import type { IpvsKernel } from "../ipvs/ipvs-kernel.ts";
import { openIpvsKernel } from "../ipvs/ipvs-tools.ts";
import { findIpvsState } from "../ipvs/leave.ts";
import { hostOf, preflight, tellPreflight } from "../ipvs/preflight.ts";
import { writeTimeouts } from "../ipvs/write-timeouts.ts";
import { apply as applyRuleset, rehearse, type Applied, type Refusal } from "../kernel/apply.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { NoKernelError, openKernel } from "../kernel/tools.ts";
import { renderChanges, renderCount, wantsColour } from "../output/changes.ts";
import { placeholderLine } from "../output/plan-text.ts";
import { applySysctls, rehearseSysctls, renderSysctl } from "../sysctl/apply-sysctls.ts";
import { ipvsSysctls } from "../sysctl/ipvs-sysctls.ts";
import { hostFiles } from "../sysctl/sysctl-files.ts";
import { enterIpvsMode, leaveIpvsMode, type Acting } from "./apply-ipvs.ts";
import { thisHost, toDesiredOptions, type InputOptions, type VariantOptions } from "./options.ts";
import { exit, reportInput } from "./report.ts";

export type ApplyOptions = InputOptions &
  VariantOptions & { readonly dryRun?: true; readonly ipvsDrainTimeout?: string };

/** Reads what is there, applies the difference family by family, reads back, and says what it did. */
export async function apply(options: ApplyOptions, log: Logger): Promise<number> {
  const acting: Acting = {
    log,
    dryRun: options.dryRun === true,
    drained: readDrained(options.ipvsDrainTimeout),
    print: (text) => process.stdout.write(text),
  };
  const desired = await readDesired(toDesiredOptions(options), thisHost());
  const failed = reportInput(desired, log);
  const kernel = await openKernel(options.variant);
  const ipvs = desired.backend === "ipvs" ? await openIpvs(desired, kernel, acting) : await findIpvsState(kernel);
  log.info(`using iptables-${kernel.variant} for node ${desired.node.name ?? "(unnamed)"}`);
  for (const placeholder of desired.placeholders) acting.print(`${placeholderLine(placeholder)}\n`);
  const untuned = desired.backend === "ipvs" && !(await tuneForIpvs(desired, acting));
  if (desired.backend === "ipvs" && ipvs !== undefined && !acting.dryRun)
    await writeTimeouts(ipvs, desired.timeouts, log);
  const { troubled, lacking } = await applyDesired(desired, { kernel, ipvs }, acting);
  return troubled || untuned ? exit.trouble : failed || lacking ? exit.problems : exit.ok;
}

/** `--ipvs-drain-timeout`. Throws InputError for what one look at the node cannot do. */
export function readDrained(seconds: string | undefined): Acting["drained"] {
  if (seconds === undefined) return "idle";
  if (seconds === "0") return "now";
  throw new InputError(
    `--ipvs-drain-timeout is ${JSON.stringify(seconds)}: apply does not wait, so it must be 0 (real servers that are gone are removed at once) or left out (those with open connections stay until a later apply finds them idle)`,
  );
}

/** Throws NoKernelError with all that IPVS mode lacks here, before anything is written. */
async function openIpvs({ ipvsBuilds }: Desired, kernel: Kernel, { log, dryRun }: Acting): Promise<IpvsKernel> {
  const schedulers = ipvsBuilds.slice(0, 1).map(({ node }) => node.scheduler);
  const found = await preflight(hostOf(kernel), { schedulers, writes: !dryRun });
  const missing = tellPreflight(found, log);
  if (missing.length > 0) throw new NoKernelError(`mode ipvs cannot be served here:\n${missing.join("\n")}`);
  return openIpvsKernel(kernel);
}

/** Makes the kernel settings without which virtual servers do not work as they should. Returns whether all could be made. */
async function tuneForIpvs(desired: Desired, { log, dryRun }: Acting): Promise<boolean> {
  const tune = dryRun ? rehearseSysctls : applySysctls;
  const { changes, problems } = await tune(ipvsSysctls(desired, release()), hostFiles());
  for (const change of changes) log.info(`${dryRun ? "would set" : "set"} ${renderSysctl(change)}`);
  for (const { text } of problems) log.error(text);
  return problems.length === 0;
}

/** The kernel's tools; `ipvs` in IPVS mode, and where a node in iptables mode holds state of it. */
export type Tools = { readonly kernel: Kernel; readonly ipvs: IpvsKernel | undefined };

/** The part of `apply` after everything is read and opened. `lacking`: some Service is not served, for reasons that were logged. */
export async function applyDesired(
  desired: Pick<Desired, "builds" | "ipvsBuilds">,
  tools: Tools,
  acting: Acting,
): Promise<{ readonly troubled: boolean; readonly lacking: boolean }> {
  await routeLocalnet(desired.builds, tools.kernel, acting);
  let [troubled, lacking] = [false, false];
  for (const { ruleset } of desired.builds) {
    const act = acting.dryRun ? rehearse : applyRuleset;
    const applied = await act(tools.kernel, ruleset, tools.ipvs === undefined ? ownedByUs : ownedByIpvs);
    const good = report(ruleset.family, applied, acting);
    // Rules first: while they are not in force, connections still come in through virtual servers.
    const left = tools.ipvs === undefined || !good || (await leaveIpvsMode(tools.ipvs, ruleset.family, acting));
    troubled = !good || !left || troubled;
  }
  for (const build of desired.ipvsBuilds) {
    if (tools.ipvs === undefined) throw new Error("bug: IPVS mode without its tools");
    const entered = await enterIpvsMode(tools.ipvs, build, acting);
    troubled ||= entered.troubled;
    lacking ||= entered.lacking;
  }
  return { troubled, lacking };
}

/** Node ports on 127.0.0.0/8 need the kernel to route loopback addresses. Source: kube-proxy; ip-sysctl.rst route_localnet. */
async function routeLocalnet(builds: readonly Build[], kernel: Kernel, { log, dryRun }: Acting): Promise<void> {
  const name = "net/ipv4/conf/all/route_localnet";
  if (!builds.some(({ model }) => needsRouteLocalnet(model.view))) return;
  if ((await kernel.readSysctl(name)) === "1") return;
  if (!dryRun) await kernel.writeSysctl(name, "1");
  log.info(`${dryRun ? "would set" : "set"} ${name} to 1, for node ports on 127.0.0.0/8`);
}

/** Says what was done to one family's rules. Returns whether it went as it should. */
export function report(family: Family, applied: Applied, { log, dryRun, print }: Omit<Acting, "drained">): boolean {
  const { changes, batches, refused, left } = applied;
  if (dryRun) print(renderChanges(changes, wantsColour()));
  const verb = dryRun ? "would be: " : "";
  print(`IPv${family}: ${verb}${renderCount(changes)}${batches.length > 1 ? `, in ${batches.length} batches` : ""}\n`);
  if (refused !== undefined) log.error(refusalLine(family, applied, refused));
  if (left !== undefined && left.length > 0) {
    log.error(
      `IPv${family}: reads back otherwise than written: ${renderCount(left)} left\n${renderChanges(left, false)}`,
    );
  }
  return refused === undefined && (left?.length ?? 0) === 0;
}

function refusalLine(family: Family, applied: Applied, { batch, message, line, change }: Refusal): string {
  const where = line === undefined ? "" : `, line ${line}`;
  const whose =
    change === undefined
      ? ""
      : `, chain ${chainOf(change)} for ${causeOf(change).services.join(", ") || "all Services"}`;
  const done = applied.done === 0 ? "nothing was written" : `the ${applied.done} batches before it are in force`;
  return `IPv${family}: batch ${batch} of ${applied.batches.length} was refused${where}${whose}: ${message}; ${done}, later ones were not tried`;
}
