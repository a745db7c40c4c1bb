// The way of clients for whom a virtual server has the wrong endpoints. In: Service ports and frontends of policy Local. Out: chains and rules.
import { buildServiceChains, frontendMatch, servicePortChain } from "../iptables/ruleset/service-chains.ts";
import type { Chain } from "../iptables/ruleset/chain.ts";
import { jumpTo, type Rule } from "../iptables/ruleset/rule.ts";
import type { Frontend, ServicePort } from "../model/service-port.ts";
import type { View } from "../model/view.ts";
import { isDetoured } from "./entries.ts";

/**
 * The chains by which pods and the node itself reach every endpoint of a Service port with externalTrafficPolicy Local: those of iptables
 * mode, but that whoever else comes passes through untranslated, to the virtual server. None where nobody needs them.
 */
export function detourChains(port: ServicePort, view: View): Chain[] {
  const frontends = port.frontends.flatMap((frontend) => {
    const fates = detouredFates(frontend);
    return fates.length === 0 ? [] : [{ ...frontend, fates, sourceRanges: undefined }];
  });
  if (frontends.length === 0) return [];
  return buildServiceChains({ ...port, frontends, localEndpoints: [], sourceRanges: undefined }, view);
}

/** The rule that leads from a frontend's destination into those chains; undefined where there are none. */
export function detourRule(frontend: Frontend): Rule | undefined {
  if (detouredFates(frontend).length === 0) return undefined;
  return {
    ...frontendMatch(frontend, "external destinations"),
    target: jumpTo(servicePortChain("KUBE-EXT-", frontend)),
  };
}

function detouredFates(frontend: Frontend): Frontend["fates"] {
  if (!isDetoured(frontend)) return [];
  return frontend.fates.filter(({ from, verdict }) => from !== "anyone" && verdict.kind === "balance");
}
