// Why a change is made, told from the rules before and after. In: Change. Out: Cause.
import type { Chain } from "../ruleset/chain.ts";
import type { Rule } from "../ruleset/rule.ts";
import { serviceOf } from "../text/parse.ts";
import { renderRule } from "../text/render-rule.ts";
import type { Change } from "./change.ts";

/** Why a change is made. */
export type Cause = {
  /** The Service ports (`namespace/name[:port]`) it is made for, sorted; empty where it is made for all. */
  readonly services: readonly string[];
  /** What happened to them, e.g. `endpoint 10.0.0.5:80 is new`; one text for each thing that happened. */
  readonly texts: readonly string[];
};

/** The cause of a change. Told from the rules alone, so it works for a dump as well as for a build. */
export function causeOf(change: Change): Cause {
  switch (change.kind) {
    case "create-chain":
      return causeOfChain(undefined, change.after);
    case "rewrite-chain":
      return causeOfChain(change.before, change.after);
    case "delete-chain":
      return causeOfChain(change.before, undefined);
    case "move-jump":
      return { services: [], texts: ["rules of others have come before this jump"] };
    case "insert-jump":
    case "delete-jump": {
      const { target } = change.rule;
      return {
        services: [],
        texts: [`every node has one jump to ${target?.kind === "jump" ? target.chain : "a chain"}`],
      };
    }
  }
}

function causeOfChain(before: Chain | undefined, after: Chain | undefined): Cause {
  const owner = after?.owner ?? before?.owner;
  const turn = difference(before?.rules ?? [], after?.rules ?? []);
  if (owner === undefined) return sharedCause(turn);
  const texts = endpointTexts(turn);
  if (texts.length > 0) return { services: [owner], texts };
  const text =
    before === undefined
      ? "chain is new"
      : after === undefined
        ? "chain is no longer used"
        : "how its traffic is treated changed";
  return { services: [owner], texts: [text] };
}

/** The rules that only one of two states has. */
type Turn = { readonly gone: readonly Rule[]; readonly added: readonly Rule[] };

/** A chain that serves several: their frontends, or, where rules name no Service, endpoints that may talk to themselves. */
function sharedCause(turn: Turn): Cause {
  const [gone, added] = [turn.gone, turn.added].map((rules) => new Set(rules.flatMap((rule) => serviceOf(rule) ?? [])));
  const services = [...new Set([...(gone ?? []), ...(added ?? [])])].sort();
  if (services.length === 0) {
    const texts = endpointTexts(turn);
    return { services, texts: texts.length > 0 ? texts : ["the dispatch tree or the node's settings changed"] };
  }
  const texts = services.map((service) => {
    const what = gone?.has(service) !== true ? "is new" : added?.has(service) === true ? "changed" : "is gone";
    return `${services.length === 1 ? "" : `${service}: `}frontend ${what}`;
  });
  return { services, texts };
}

function endpointTexts({ gone, added }: Turn): string[] {
  const was = new Set(gone.flatMap(endpointOf));
  const is = new Set(added.flatMap(endpointOf));
  return [
    ...[...is].filter((endpoint) => !was.has(endpoint)).map((endpoint) => `endpoint ${endpoint} is new`),
    ...[...was].filter((endpoint) => !is.has(endpoint)).map((endpoint) => `endpoint ${endpoint} is gone`),
  ];
}

/** The endpoint that a rule leads to, or whose traffic to itself it masquerades. */
function endpointOf({ source, destination, target }: Rule): string[] {
  if (target?.kind === "dnat") return [target.to];
  if (target?.kind === "masquerade" && source !== undefined && source.is === destination?.is)
    return [source.is.replace(/\/.*/, "")];
  return [];
}

function difference(before: readonly Rule[], after: readonly Rule[]): Turn {
  if (before.length === 0 || after.length === 0) return { gone: before, added: after };
  const [old, now] = [before, after].map((rules) => new Set(rules.map(renderRule)));
  return {
    gone: before.filter((rule) => now?.has(renderRule(rule)) !== true),
    added: after.filter((rule) => old?.has(renderRule(rule)) !== true),
  };
}
