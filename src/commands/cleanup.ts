// `rulewright cleanup`: removes what we and kube-proxy own, and nothing else. In: this host's kernel. Out: what was removed; exit status.
import type { Logger } from "winston";
import { emptyRuleset, ownedByUsOrKubeProxy, type Family } from "../../rules/index.ts";
import { findIpvsState } from "../ipvs/leave.ts";
import { apply as applyRuleset, rehearse } from "../kernel/apply.ts";
import { openKernel } from "../kernel/tools.ts";
import { report, type Tools } from "./apply.ts";
import { clearIpvsMode, type Acting } from "./apply-ipvs.ts";
import { familiesOf, type FamilyChoice, type VariantOptions } from "./options.ts";
import { exit } from "./report.ts";

export type CleanupOptions = VariantOptions & { readonly family?: FamilyChoice; readonly dryRun?: true };

/** Removes our chains, the jumps into them, kube-proxy's canaries, and all of IPVS mode. Running it again finds nothing to do. */
export async function cleanup(options: CleanupOptions, log: Logger): Promise<number> {
  const kernel = await openKernel(options.variant);
  const ipvs = await findIpvsState(kernel);
  const acting = { log, dryRun: options.dryRun === true, print: (text: string) => process.stdout.write(text) };
  const cleaned = await clean({ kernel, ipvs }, familiesOf(options.family ?? "both"), acting);
  return cleaned ? exit.ok : exit.trouble;
}

/** The part of `cleanup` after everything is opened. Returns whether it went as it should. */
export async function clean(
  { kernel, ipvs }: Tools,
  families: readonly Family[],
  acting: Omit<Acting, "drained">,
): Promise<boolean> {
  let good = true;
  for (const family of families) {
    const act = acting.dryRun ? rehearse : applyRuleset;
    if (ipvs === undefined) {
      good = report(family, await act(kernel, emptyRuleset(family), ownedByUsOrKubeProxy), acting) && good;
      continue;
    }
    // Rules of both modes go here, after virtual servers and before the sets that they look into.
    const cleared = await clearIpvsMode(ipvs, family, acting);
    const canaries = await act(kernel, emptyRuleset(family), (chain) => chain === "KUBE-PROXY-CANARY");
    good = (canaries.changes.length === 0 || report(family, canaries, acting)) && cleared && good;
  }
  return good;
}
