// What a plan of one family says, read as the kernel's tools would. In: Desired. Out: Firewall, whose lines are those of the plan.
import type { Family } from "../../rules/index.ts";
import { parseFirewalls, type Firewall } from "../../rules/trace/firewall.ts";
import type { Desired } from "../desired/desired.ts";
import { renderIpvsPlan } from "../output/ipvs-text.ts";
import { renderPlan } from "../output/plan-text.ts";

/** Undefined: nothing of the family is wanted. Lines are those of `rulewright plan --family 4` (or 6). */
export function plannedFirewall(desired: Desired, family: Family): Firewall | undefined {
  const one = {
    ...desired,
    builds: desired.builds.filter((build) => build.ruleset.family === family),
    ipvsBuilds: desired.ipvsBuilds.filter(({ state }) => state.family === family),
  };
  const text = desired.backend === "ipvs" ? renderIpvsPlan(one, "nft") : renderPlan(one, "nft");
  const { firewalls, problems } = parseFirewalls([...text].join(""));
  if (problems[0] !== undefined) throw new Error(`bug: our own plan cannot be read: ${problems[0].text}`);
  return firewalls[family];
}
