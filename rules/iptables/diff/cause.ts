// Why a chain changes, told from its rules before and after. In: two states of a chain. Out: Cause.
import type { Chain } from "../ruleset/chain.ts";
import type { Rule } from "../ruleset/rule.ts";
import { serviceOf } from "../text/parse.ts";
import { renderRule } from "../text/render-rule.ts";
import type { Cause } from "./change.ts";

/** The cause of a chain's coming, changing or going. Told from the rules alone, so it works for a dump as well as for a build. */
export function causeOf(before: Chain | undefined, after: Chain | undefined): Cause {
  const owner = after?.owner ?? before?.owner;
  const { gone, added } = difference(before?.rules ?? [], after?.rules ?? []);
  if (owner !== undefined) return { services: [owner], texts: ownedTexts({ before, after }, gone, added) };
  const services = [...new Set([...gone, ...added].flatMap((rule) => serviceOf(rule) ?? []))].sort();
  const texts = services.map((service) => {
    const [was, is] = [gone, added].map((rules) => rules.some((rule) => serviceOf(rule) === service));
    return `${service}: frontend ${was === is ? "changed" : is === true ? "added" : "removed"}`;
  });
  return { services, texts: texts.length > 0 ? texts : ["the dispatch tree or the node's settings changed"] };
}

/** The cause of a jump's coming or going. */
export function causeOfJump(rule: Rule): Cause {
  const chain = rule.target?.kind === "jump" ? rule.target.chain : "a chain";
  return { services: [], texts: [`every node has one jump to ${chain}`] };
}

function ownedTexts(
  chain: { before: Chain | undefined; after: Chain | undefined },
  gone: readonly Rule[],
  added: readonly Rule[],
): string[] {
  const was = new Set(gone.flatMap(endpointOf));
  const is = new Set(added.flatMap(endpointOf));
  const texts = [
    ...[...is].filter((endpoint) => !was.has(endpoint)).map((endpoint) => `endpoint ${endpoint} is new`),
    ...[...was].filter((endpoint) => !is.has(endpoint)).map((endpoint) => `endpoint ${endpoint} is gone`),
  ];
  if (texts.length > 0) return texts;
  if (chain.before === undefined) return ["chain is new"];
  return [chain.after === undefined ? "chain is no longer used" : "how its traffic is treated changed"];
}

function endpointOf(rule: Rule): string[] {
  return rule.target?.kind === "dnat" ? [rule.target.to] : [];
}

function difference(
  before: readonly Rule[],
  after: readonly Rule[],
): { gone: readonly Rule[]; added: readonly Rule[] } {
  if (before.length === 0 || after.length === 0) return { gone: before, added: after };
  const [old, now] = [before, after].map((rules) => new Set(rules.map(renderRule))) as [Set<string>, Set<string>];
  return {
    gone: before.filter((rule) => !now.has(renderRule(rule))),
    added: after.filter((rule) => !old.has(renderRule(rule))),
  };
}
