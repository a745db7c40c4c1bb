// Spreads connections evenly. In: endpoints, each with the rule end that leads to it. Out: rules, and chains for groups of many.
import { sha256 } from "@noble/hashes/sha2.js";
import { utf8ToBytes } from "@noble/hashes/utils.js";
import { emptyRadix, leafSize, radixOf, values, type Radix } from "../../radix/radix.ts";
import { type Chain } from "./chain.ts";
import { hashedName, type ChainName } from "./chain-name.ts";
import { jumpTo, shareUnit, type Match, type Rule } from "./rule.ts";
import { partsOf, replaceTree, type Part, type Shape } from "./tree.ts";

/** One way a connection can go: `rule` takes it there. `id` (`ip:port`) tells it from the others. */
export type Choice = { readonly id: string; readonly rule: Rule };

/** Whose choice it is: names the chains of groups, and marks them as the Service port's. */
export type Chooser = { readonly chain: ChainName; readonly owner: string };

/**
 * Rules that take each of `choices` with the same probability, and the chains they need. Up to 16 stand side by side, in the
 * order given. More become a tree of groups (a radix tree over a hash of `id`, so that one that comes or goes changes only
 * the chains above it), each group taken with a probability in proportion to its size.
 */
export function balance(
  choices: readonly Choice[],
  chooser: Chooser,
): { readonly rules: readonly Rule[]; readonly chains: readonly Chain[] } {
  if (choices.length <= leafSize) return { rules: share(choices.map(({ rule }) => ({ size: 1, rule }))), chains: [] };
  const tree = radixOf(choices.map((choice) => ({ key: digits(choice.id), value: choice })));
  const shape = groupShape(chooser);
  const chains = values(replaceTree<Choice>(emptyRadix(), { before: emptyRadix(), after: tree }, shape));
  return { rules: shape.rules(tree, ""), chains };
}

function groupShape(chooser: Chooser): Shape<Choice> {
  const name = (cover: string) => hashedName("KUBE-SEP-", `${chooser.chain} ${cover}`);
  const ruleOf = (part: Part<Choice>): Rule =>
    part.kind === "entry" ? part.value.rule : { matches: [], target: jumpTo(name(part.cover)) };
  return {
    name,
    owner: chooser.owner,
    rules: (node: Radix<Choice>) => share(partsOf(node).map((part) => ({ size: part.size, rule: ruleOf(part) }))),
  };
}

/** Each rule is reached only where those before it were not taken, so its share is of what is left; the last takes the rest. */
function share(parts: readonly { readonly size: number; readonly rule: Rule }[]): Rule[] {
  let left = parts.reduce((sum, part) => sum + part.size, 0);
  return parts.map(({ size, rule }, index) => {
    const part = Math.round((size / left) * shareUnit);
    left -= size;
    if (index === parts.length - 1) return rule;
    return { ...rule, matches: rule.matches.length === 0 ? oneInMany(part) : rule.matches.concat(statistic(part)) };
  });
}

function statistic(share: number): Match {
  return { kind: "statistic", share };
}

/** The matches of a rule that only takes its share: as many rules as endpoints have them, and few differ. */
function oneInMany(share: number): readonly Match[] {
  const known = shares.get(share);
  if (known !== undefined) return known;
  const made = [statistic(share)];
  if (shares.size < 1000) shares.set(share, made);
  return made;
}

const shares = new Map<number, readonly Match[]>();

/**
 * Digits of base 4: evenly spread, so that groups are of like size, and few to a group, since the rules of a group are tried one
 * after the other: a connection to one of 1,000 endpoints passes 14 of them on average (computed from the rules).
 */
function digits(id: string): string {
  return [...sha256(utf8ToBytes(id)).subarray(0, 8)].map((byte) => byte.toString(4).padStart(4, "0")).join("");
}
