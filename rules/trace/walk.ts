// One table at one hook. In: a Traveller about to enter. Out: those that go on to the next hook; what ended is handed to the journey.
import type { Dump, DumpChain, DumpTable } from "../iptables/text/parse-dump.ts";
import { renderRule } from "../iptables/text/render-rule.ts";
import { compileChain, stepsFor, type RecentUse, type Step, type WalkableChain } from "./chain.ts";
import { change } from "./change.ts";
import { decide } from "./decide.ts";
import type { End } from "./end.ts";
import type { Surroundings } from "./match/test.ts";
import { lengthOf, longer, type Traveller } from "./traveller.ts";

/** What one trace works with, and how far it has come. */
export type Journey = {
  readonly dump: Dump;
  readonly surroundings: Surroundings;
  /** Chains made ready; kept from one trace to the next. */
  readonly chains: Map<DumpChain, WalkableChain>;
  /** Whether rules that took part are kept; without them a trace costs less. */
  readonly keepsHops: boolean;
  readonly ended: { readonly traveller: Traveller; readonly end: End }[];
  /** Rules that may still be asked; at none left the journey is given up. */
  budget: number;
};

/** Sends a packet through a table's built-in chain. Without the table or the chain it goes on as it is. */
export function passTable(journey: Journey, table: string, traveller: Traveller): Traveller[] {
  const found = journey.dump.tables.get(table);
  const chain = found?.chains.get(traveller.hook);
  if (found === undefined || chain === undefined) return [traveller];
  const visit: Visit = { journey, table: found, accepted: [] };
  const fallen = walkChain(visit, { chain: traveller.hook, depth: 0 }, traveller);
  if (chain.policy !== "DROP") return [...visit.accepted, ...fallen];
  const hop = { table, chain: chain.name, line: undefined, rule: undefined, does: "policy DROP" };
  for (const one of fallen) {
    journey.ended.push({ traveller: { ...one, hops: longer(one.hops, hop) }, end: { kind: "dropped" } });
  }
  return visit.accepted;
}

/** One pass through one table. `accepted`: those that the table is done with. */
type Visit = { readonly journey: Journey; readonly table: DumpTable; readonly accepted: Traveller[] };

type Place = { readonly chain: string; readonly depth: number };

/** What comes of a rule that matched. `returned` leave the chain, `goesOn` meet its next rule; others have ended or been accepted. */
type Outcome = { readonly goesOn: readonly Traveller[]; readonly returned: readonly Traveller[] };

/** Deepest nesting that is followed. iptables-nft takes 16, iptables-legacy what its memory allows. */
const deepest = 1100;

/** Chains that are kept ready. */
const mostReady = 2000;

/** What a split takes from the budget besides the lengths of what each branch carries: so a hundred thousand branches end it. */
const splitCost = 100;

/** Those that come out of the chain, at its end or by RETURN. */
function walkChain(visit: Visit, place: Place, first: Traveller): readonly Traveller[] {
  const { journey } = visit;
  let here: readonly Traveller[] = [first];
  const returned: Traveller[] = [];
  for (const step of stepsFor(readyChain(visit, place.chain), first)) {
    // Most rules match nobody: nothing is made anew for them.
    let next: Traveller[] | undefined;
    const at = { chain: place.chain, depth: place.depth, step };
    for (let index = 0; index < here.length; index++) {
      const traveller = here[index];
      if (traveller === undefined) break;
      if (journey.budget <= 0)
        return giveUp(visit, [...(next ?? here.slice(0, index)), ...here.slice(index), ...returned]);
      journey.budget -= 1 + lengthOf(traveller.conditions);
      const out = meet(visit, at, traveller);
      if (out === undefined) next?.push(traveller);
      else {
        next ??= here.slice(0, index);
        for (const one of out.goesOn) next.push(one);
        for (const one of out.returned) returned.push(one);
      }
    }
    here = next ?? here;
    if (here.length === 0) break;
  }
  return returned.length === 0 ? here : [...here, ...returned];
}

/** One packet and one rule; undefined where the packet goes on as it is. */
function meet(visit: Visit, at: At, traveller: Traveller): Outcome | undefined {
  const decision = decide(at.step, traveller);
  if (decision === undefined) return undefined;
  const { taken, left } = decision;
  const { journey, accepted } = visit;
  const endings = journey.ended.length + accepted.length;
  const out = take(visit, at, taken);
  if (left.length === 0) return out;
  const [same] = out.goesOn;
  const hasEnded = endings < journey.ended.length + accepted.length;
  // A detour that comes back with nothing changed is no reason for more than one branch.
  if (!hasEnded && out.returned.length === 0 && out.goesOn.length === 1 && isUnchanged(same, taken)) return undefined;
  journey.budget -= splitCost + lengthOf(traveller.conditions) + lengthOf(traveller.hops) + (traveller.lots >> 3);
  return { goesOn: [...left, ...out.goesOn], returned: out.returned };
}

/** Where there are more branches, or more rules, than anybody could mean. */
function giveUp(visit: Visit, travellers: readonly Traveller[]): readonly Traveller[] {
  for (const one of travellers) end(visit, one, { kind: "undecided", on: "more branches than can be followed" });
  return [];
}

type At = Place & { readonly step: Step };

function take(visit: Visit, at: At, traveller: Traveller): Outcome {
  const { effect, recent } = at.step;
  const arrived = recent === undefined ? traveller : used(traveller, recent);
  const noted = note(visit, at, arrived);
  switch (effect.kind) {
    case "none":
      return { goesOn: [arrived], returned: [] };
    case "return":
      return { goesOn: [], returned: [noted] };
    case "accept":
      visit.accepted.push(noted);
      return nothing;
    case "drop":
      return end(visit, noted, { kind: "dropped" });
    case "reject":
      return end(visit, noted, { kind: "rejected", with: effect.with });
    case "unknown":
      return end(visit, noted, { kind: "undecided", on: targetText(at.step) });
    case "call":
      return leave(effect.isGoto, call(visit, at, { to: effect.chain, before: arrived, noted }));
    default: {
      const changed = change(noted, effect, visit.journey.surroundings.node);
      if (changed === undefined) return end(visit, noted, { kind: "undecided", on: targetText(at.step) });
      if (!changed.endsTable) return { goesOn: [changed.traveller], returned: [] };
      visit.accepted.push(changed.traveller);
      return nothing;
    }
  }
}

/** What a rule with the `recent` match does to its lists, which later rules may ask. */
function used(traveller: Traveller, { remembers, forgets, seconds }: RecentUse): Traveller {
  const { recent, remembered, heldSeconds } = traveller;
  const kept = forgets === undefined ? recent : new Set([...recent].filter((list) => list !== forgets));
  return {
    ...traveller,
    heldSeconds: seconds ?? heldSeconds,
    recent: remembers === undefined || kept.has(remembers) ? kept : new Set([...kept, remembers]),
    remembered: remembers === undefined ? remembered : longer(remembered, remembers),
  };
}

/** After a goto a packet does not come back to the chain that it left. */
function leave(isGoto: boolean, back: readonly Traveller[]): Outcome {
  return isGoto ? { goesOn: [], returned: back } : { goesOn: back, returned: [] };
}

const nothing: Outcome = { goesOn: [], returned: [] };

type Call = { readonly to: string; readonly before: Traveller; readonly noted: Traveller };

/** Those that come back from a chain. */
function call(visit: Visit, at: Place, { to, before, noted }: Call): readonly Traveller[] {
  const depth = at.depth + 1;
  if (depth > deepest) {
    end(visit, noted, { kind: "undecided", on: `chains that nest deeper than ${deepest}` });
    return [];
  }
  const back = walkChain(visit, { chain: to, depth }, noted);
  // A jump after which nothing matched took no part.
  return noted === before ? back : back.map((one) => (one.hops === noted.hops ? { ...one, hops: before.hops } : one));
}

function end(visit: Visit, traveller: Traveller, how: End): Outcome {
  visit.journey.ended.push({ traveller, end: how });
  return nothing;
}

function note({ journey, table }: Visit, { chain, step }: At, traveller: Traveller): Traveller {
  if (!journey.keepsHops || step.effect.kind === "none") return traveller;
  const hop = { table: table.name, chain, line: step.line, rule: step.rule, does: targetText(step) };
  return { ...traveller, hops: longer(traveller.hops, hop) };
}

function targetText({ rule }: Step): string {
  return rule.target === undefined ? "" : renderRule({ matches: [], target: rule.target }).trim();
}

function isUnchanged(after: Traveller | undefined, before: Traveller): boolean {
  return (
    after !== undefined &&
    after.mark === before.mark &&
    // What was and is not known is not the same.
    (after.mark !== undefined || after.markChanges === before.markChanges) &&
    after.connectionMark === before.connectionMark &&
    (after.connectionMark !== undefined || after.connectionMarkChanges === before.connectionMarkChanges) &&
    after.state === before.state &&
    after.recent === before.recent &&
    after.remembered === before.remembered &&
    after.changedSets === before.changedSets &&
    after.hops === before.hops
  );
}

function readyChain({ journey, table }: Visit, name: string): WalkableChain {
  const chain = table.chains.get(name);
  if (chain === undefined) throw new Error(`bug: there is no chain ${name}`);
  const known = journey.chains.get(chain);
  if (known !== undefined) return known;
  const ready = compileChain(chain, journey.surroundings, (each) => table.chains.has(each));
  // Chains of Services come by the ten thousand, each for a few packets; the long lists that all packets meet are worth keeping.
  if (journey.chains.size > mostReady)
    for (const [each, { steps }] of journey.chains) if (steps.length < 100) journey.chains.delete(each);
  journey.chains.set(chain, ready);
  return ready;
}
