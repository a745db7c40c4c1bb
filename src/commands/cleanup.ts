// `rulewright cleanup`: removes what we and kube-proxy own, and nothing else. In: this host's kernel. Out: what was removed; exit status.
import type { Logger } from "winston";
import { emptyRuleset, ownedByUsOrKubeProxy } from "../../rules/index.ts";
import { apply as applyRuleset, rehearse } from "../kernel/apply.ts";
import { openKernel } from "../kernel/tools.ts";
import { report } from "./apply.ts";
import { familiesOf, type FamilyChoice, type VariantOptions } from "./options.ts";
import { exit } from "./report.ts";

export type CleanupOptions = VariantOptions & { readonly family?: FamilyChoice; readonly dryRun?: true };

/** Removes our chains, the jumps into them, and kube-proxy's canaries. Running it again finds nothing to do. */
export async function cleanup(options: CleanupOptions, log: Logger): Promise<number> {
  const kernel = await openKernel(options.variant);
  let troubled = false;
  for (const family of familiesOf(options.family ?? "both")) {
    const act = options.dryRun === true ? rehearse : applyRuleset;
    const applied = await act(kernel, emptyRuleset(family), ownedByUsOrKubeProxy);
    troubled = !report(family, applied, { log, dryRun: options.dryRun === true }) || troubled;
  }
  return troubled ? exit.trouble : exit.ok;
}
