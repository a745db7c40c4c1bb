// Chains that only choose among endpoints. In: a chain's name, the chains of its table. Out: each endpoint's chance, or that it does more.
import { calledChain, type DumpChain } from "../iptables/text/parse-dump.ts";
import { shareUnit, type Rule, type Target } from "../iptables/ruleset/rule.ts";
import { certain, fraction, isNever, plus, rest, times, type Fraction } from "../trace/fraction.ts";
import { conditions, type Unsaid } from "./conditions.ts";
import { markChain } from "./frontends.ts";

/** `opened` keeps what was found of each chain while one Service port is drawn. */
export type Groups = {
  readonly chains: ReadonlyMap<string, DumpChain>;
  readonly unsaid: Unsaid;
  readonly opened: Map<string, Group | undefined>;
};

/** Chances by endpoint (`ip:port`); what they lack to 1 goes back to the chain before. */
export type Group = { readonly chances: ReadonlyMap<string, Fraction> };

/**
 * What a KUBE-SEP- chain chooses among: kube-proxy's hold one endpoint, ours one or a group. Undefined for other chains, and for one with a
 * rule that does anything but choose, remember the client, or mark what the endpoint sends to itself.
 */
export function openGroup(name: string, groups: Groups): Group | undefined {
  if (groups.opened.has(name)) return groups.opened.get(name);
  // For the chain that leads back here: loops are no groups.
  groups.opened.set(name, undefined);
  const chain = name.startsWith("KUBE-SEP-") ? groups.chains.get(name) : undefined;
  const group = chain === undefined ? undefined : readGroup(chain, groups);
  groups.opened.set(name, group);
  return group;
}

/** The address that a DNAT leads to, whatever other options it has. */
export function targetAddress(target: Target | undefined): string | undefined {
  if (target?.kind === "dnat") return target.to;
  if (target?.kind !== "other" || target.words[0] !== "-j" || target.words[1] !== "DNAT") return undefined;
  return target.words[target.words.indexOf("--to-destination") + 1];
}

function readGroup(chain: DumpChain, groups: Groups): Group | undefined {
  const chances = new Map<string, Fraction>();
  let left = certain;
  const add = (to: string, chance: Fraction) => {
    const known = chances.get(to);
    chances.set(to, known === undefined ? chance : plus(known, chance));
  };
  for (const { rule } of chain.rules) {
    if (rule.target === undefined || isHairpinMark(rule, groups.unsaid)) continue;
    if (conditions(rule, groups.unsaid).length > 0) return undefined;
    const address = targetAddress(rule.target);
    const inner = address === undefined ? openGroup(calledChain(rule) ?? "", groups) : undefined;
    if (address === undefined && inner === undefined) return undefined;
    const statistic = rule.matches.find((match) => match.kind === "statistic");
    const taken = statistic === undefined ? certain : fraction(Math.min(statistic.share, shareUnit), shareUnit);
    const here = times(left, taken);
    if (address !== undefined) add(address, here);
    else for (const [to, chance] of inner?.chances ?? []) add(to, times(here, chance));
    left = times(left, rest(taken));
    if (isNever(left)) break;
  }
  return chances.size === 0 ? undefined : { chances };
}

/** kube-proxy's first rule of an endpoint's chain. */
function isHairpinMark(rule: Rule, unsaid: Unsaid): boolean {
  return calledChain(rule) === markChain && rule.source !== undefined && conditions(rule, unsaid).length === 1;
}
