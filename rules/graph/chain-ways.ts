// Where a chain sends connections, and how likely. In: DumpChain, the chains around it. Out: ChainWays.
import { never } from "../never.ts";
import { calledChain, type DumpChain } from "../iptables/text/parse-dump.ts";
import { shareUnit, type Rule } from "../iptables/ruleset/rule.ts";
import { certain, fraction, isCertain, isNever, plus, rest, times, type Fraction } from "../trace/fraction.ts";
import { conditions, masqueradeWords, type Unsaid } from "./conditions.ts";
import { openGroup, targetAddress, type Groups } from "./endpoint-chains.ts";
import { markChain } from "./frontends.ts";

export type Goal =
  | { readonly kind: "chain"; readonly name: string }
  /** `to` is `ip:port`. */
  | { readonly kind: "endpoint"; readonly to: string }
  | { readonly kind: "verdict"; readonly text: string }
  /** The endpoint of a client that was seen within `seconds`; undefined: ever. */
  | { readonly kind: "again"; readonly seconds: number | undefined }
  /** Back to the chain before. */
  | { readonly kind: "return" };

/** `share` is undefined where the rule has a condition: the chance is of packets that no condition takes. */
export type Way = { readonly goal: Goal; readonly share: Fraction | undefined; readonly words: readonly string[] };

export type ChainWays = {
  readonly ways: readonly Way[];
  /** Who is masqueraded, where that is not the same as who takes one of the ways. */
  readonly masquerades: readonly string[];
};

/** Reads the rules of a chain in order. Ways through chains that only choose among endpoints lead to those endpoints. */
export function chainWays(chain: DumpChain, groups: Groups, unsaid: Unsaid): ChainWays {
  const reader: Reader = { groups, unsaid, ways: [], marks: [], left: certain, asked: false };
  for (const { rule } of chain.rules) if (!isNever(reader.left)) readRule(reader, rule);
  if (!isNever(reader.left)) addWays(reader, [{ goal: { kind: "return" }, chance: certain }]);
  const masquerades = reader.marks.filter(({ used }) => !used).map(({ words }) => masqueradeWords(words));
  return { ways: reader.ways, masquerades };
}

type Mark = { readonly words: readonly string[]; used: boolean };
type Reader = {
  readonly groups: Groups;
  readonly unsaid: Unsaid;
  readonly ways: Way[];
  readonly marks: Mark[];
  /** The chance to get to the next rule where no condition was met. */
  left: Fraction;
  /** Whether a condition took some elsewhere before. */
  asked: boolean;
};
type Chance = { readonly goal: Goal; readonly chance: Fraction };

function readRule(reader: Reader, rule: Rule): void {
  const called = calledChain(rule);
  const words = conditions(rule, reader.unsaid);
  if (called === markChain) {
    // A rule that names the frontend is told of where the frontend is.
    if (!rule.matches.some(({ kind }) => kind === "destination-ports")) reader.marks.push({ words, used: false });
    return;
  }
  const goals = goalsOf(rule, reader.groups);
  if (goals.length === 0) return;
  const seen = rule.matches.find((match) => match.kind === "recent" && match.action === "rcheck");
  if (seen?.kind === "recent" && goals.every(({ goal }) => goal.kind === "endpoint")) {
    const goal: Goal = { kind: "again", seconds: seen.reapSeconds };
    reader.ways.push({ goal, share: undefined, words: masqueraded(reader, words) });
    return;
  }
  const statistic = rule.matches.find((match) => match.kind === "statistic");
  const chance = statistic === undefined ? certain : fraction(Math.min(statistic.share, shareUnit), shareUnit);
  if (words.length === 0) {
    addWays(
      reader,
      goals.map((each) => ({ ...each, chance: times(chance, each.chance) })),
    );
    return;
  }
  const odds = isCertain(chance) ? [] : ["by chance"];
  for (const { goal } of goals)
    reader.ways.push({ goal, share: undefined, words: masqueraded(reader, [...words, ...odds]) });
  reader.asked = true;
}

/** Ways of packets that no condition takes; `chances` are of those that get to this rule. */
function addWays(reader: Reader, chances: readonly Chance[]): void {
  const others = reader.asked ? ["others"] : [];
  const marked = masqueraded(reader, others);
  for (const { goal, chance } of chances) reader.ways.push({ goal, share: times(reader.left, chance), words: marked });
  reader.left = times(reader.left, rest(chances.map(({ chance }) => chance).reduce(plus)));
}

/** A mark set under the same condition, or under none, is on all that go this way. */
function masqueraded(reader: Reader, words: readonly string[]): string[] {
  const text = words.join();
  let marked = false;
  for (const mark of reader.marks)
    if (mark.words.length === 0 || mark.words.join() === text) {
      mark.used = true;
      marked = true;
    }
  return marked ? [...words, "masquerade"] : [...words];
}

/** Where a rule's target takes packets; nowhere for one that lets them go on to the next rule. */
function goalsOf(rule: Rule, groups: Groups): Chance[] {
  const { target } = rule;
  const address = targetAddress(target);
  if (address !== undefined) return [{ goal: { kind: "endpoint", to: address }, chance: certain }];
  const called = calledChain(rule);
  if (called !== undefined) {
    if (called === "KUBE-MARK-DROP") return verdict("dropped");
    const group = openGroup(called, groups);
    if (group !== undefined)
      return [...group.chances].map(([to, chance]) => ({ goal: { kind: "endpoint", to }, chance }));
    return groups.chains.has(called) ? [{ goal: { kind: "chain", name: called }, chance: certain }] : [];
  }
  switch (target?.kind) {
    case undefined:
    case "set-mark":
    case "jump":
    case "dnat":
      return [];
    case "verdict":
      if (target.verdict === "RETURN") return [{ goal: { kind: "return" }, chance: certain }];
      return verdict(target.verdict === "DROP" ? "dropped" : "not translated");
    case "reject":
      return verdict("refused");
    case "masquerade":
      return verdict("masqueraded only");
    case "other":
      return goesOn.has(target.words[1] ?? "") ? [] : verdict(target.words.slice(1).join(" "));
    default:
      return never(target);
  }
}

function verdict(text: string): Chance[] {
  return [{ goal: { kind: "verdict", text }, chance: certain }];
}

/** Targets with options after which the next rule is tried. Source: iptables-extensions(8). */
const goesOn = new Set([
  "LOG",
  "NFLOG",
  "ULOG",
  "TRACE",
  "MARK",
  "CONNMARK",
  "AUDIT",
  "SET",
  "CLASSIFY",
  "TOS",
  "DSCP",
]);
