// One table at one hook. In: a Traveller about to enter. Out: those that go on to the next hook; what ended is handed to the journey.
import type { Dump, DumpChain, DumpTable } from "../iptables/text/parse-dump.ts";
import { renderRule } from "../iptables/text/render-rule.ts";
import { compileChain, stepsFor, type RecentUse, type Step, type WalkableChain } from "./chain.ts";
import { change } from "./change.ts";
import { decide, type Decision } from "./decide.ts";
import type { End } from "./end.ts";
import type { Surroundings } from "./match/test.ts";
import { lengthOf, longer, type Traveller } from "./traveller.ts";
import type { ServerTable } from "./virtual-servers.ts";

/** What one trace works with, and how far it has come. */
export type Journey = {
  readonly dump: Dump;
  /** Undefined: ip_vs has nothing to do. */
  readonly servers: ServerTable | undefined;
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
  const fallen = walkFrom(visit, traveller.hook, traveller);
  if (chain.policy !== "DROP") return [...visit.accepted, ...fallen];
  const hop = { table, chain: chain.name, line: undefined, rule: undefined, does: "policy DROP" };
  for (const one of fallen) {
    journey.ended.push({ traveller: { ...one, hops: longer(one.hops, hop) }, end: { kind: "dropped" } });
  }
  return visit.accepted;
}

/** Puts an end to a way. */
export function end({ ended }: Journey, traveller: Traveller, how: End): Outcome {
  ended.push({ traveller, end: how });
  return nothing;
}

/** One pass through one table. `accepted`: those that the table is done with. */
type Visit = { readonly journey: Journey; readonly table: DumpTable; readonly accepted: Traveller[] };

/** What comes of a rule that matched. `returned` leave the chain, `goesOn` meet its next rule; others have ended or been accepted. */
type Outcome = { readonly goesOn: readonly Traveller[]; readonly returned: readonly Traveller[] };

/** Deepest nesting that is followed. iptables-nft takes 16, iptables-legacy what its memory allows. */
const deepest = 10_000;

/** Chains that are kept ready. */
const mostReady = 2000;

/** What a split takes from the budget besides the lengths of what each branch carries: so fifty thousand branches end it. */
export const splitCost = 200;

/** What a jump takes from the budget besides the rules behind it. */
const callCost = 50;

/** A chain that is being walked. All who are in it meet a rule, one after the other, before the first meets the next rule. */
type Frame = {
  readonly chain: string;
  readonly steps: readonly Step[];
  /** The number of the rule that is met. */
  at: number;
  here: readonly Traveller[];
  /** How many of `here` have met it. */
  met: number;
  /** Those who go on after it; undefined while all of them go on as they are, so that a rule that matches nobody makes nothing anew. */
  next: Traveller[] | undefined;
  readonly returned: Traveller[];
  /** Who is in a chain that the rule calls. */
  calling: Call | undefined;
};

type Call = {
  readonly chain: string;
  readonly isGoto: boolean;
  readonly decision: Decision;
  /** Before and after the jump was noted. */
  readonly before: Traveller;
  readonly noted: Traveller;
  /** How many had ended or been accepted. */
  readonly endings: number;
  /** What the split took from the budget. */
  readonly cost: number;
};

/** Those that come out of the chain, at its end or by RETURN. Chains may nest deeper than functions may, so frames are kept by hand. */
function walkFrom(visit: Visit, name: string, first: Traveller): readonly Traveller[] {
  const frames: Frame[] = [];
  for (let frame = enter(visit, name, first); ;) {
    advance(visit, frame);
    const { calling } = frame;
    if (calling !== undefined) {
      if (frames.length < deepest) {
        frames.push(frame);
        visit.journey.budget -= callCost;
        frame = enter(visit, calling.chain, calling.noted);
      } else {
        end(visit.journey, calling.noted, { kind: "undecided", on: `chains that nest deeper than ${deepest}` });
        comeBack(visit, frame, { ...calling, back: [] });
      }
      continue;
    }
    const { here, returned } = frame;
    const back = returned.length === 0 ? here : [...here, ...returned];
    const caller = frames.pop();
    if (caller?.calling === undefined) return back;
    comeBack(visit, caller, { ...caller.calling, back });
    frame = caller;
  }
}

function enter(visit: Visit, chain: string, first: Traveller): Frame {
  const steps = stepsFor(readyChain(visit, chain), first);
  return { chain, steps, at: 0, here: [first], met: 0, next: undefined, returned: [], calling: undefined };
}

/** Goes on to the end of the chain, or to the next that it calls. */
function advance(visit: Visit, frame: Frame): void {
  const { journey } = visit;
  while (frame.here.length > 0) {
    const step = frame.steps[frame.at];
    if (step === undefined) return;
    while (frame.met < frame.here.length) {
      if (journey.budget <= 0) {
        giveUp(visit, frame);
        return;
      }
      const traveller = frame.here[frame.met];
      if (traveller === undefined) break;
      journey.budget -= 1 + lengthOf(traveller.conditions);
      const decision = decide(step, traveller);
      if (decision === undefined) {
        frame.next?.push(traveller);
        frame.met++;
        continue;
      }
      const endings = journey.ended.length + visit.accepted.length;
      const cost = decision.left.length === 0 ? 0 : costOf(traveller);
      journey.budget -= cost;
      const out = take(visit, { chain: frame.chain, step }, decision.taken);
      if ("noted" in out) {
        frame.calling = { ...out, decision, endings, cost };
        return;
      }
      settle(visit, frame, { decision, endings, cost, out });
    }
    nextRule(frame);
  }
}

/** Each branch carries a copy of all this in the end. */
function costOf({ conditions, hops, lots }: Traveller): number {
  return splitCost + lengthOf(conditions) + lengthOf(hops) + (lots >> 3);
}

function nextRule(frame: Frame): void {
  frame.here = frame.next ?? frame.here;
  frame.next = undefined;
  frame.met = 0;
  frame.at++;
}

/** Those who come back from a called chain. After a goto they leave the chain, too. */
function comeBack(visit: Visit, frame: Frame, call: Call & { readonly back: readonly Traveller[] }): void {
  const { before, noted, isGoto, decision, endings, cost } = call;
  frame.calling = undefined;
  visit.journey.budget -= call.back.length;
  if (visit.journey.budget <= 0) leaveOpen(visit, call.back);
  const arrived = visit.journey.budget <= 0 ? [] : call.back;
  // A jump after which nothing matched took no part.
  const back =
    noted === before ? arrived : arrived.map((one) => (one.hops === noted.hops ? { ...one, hops: before.hops } : one));
  settle(visit, frame, {
    decision,
    endings,
    cost,
    out: isGoto ? { goesOn: [], returned: back } : { goesOn: back, returned: [] },
  });
}

type Settled = Pick<Call, "decision" | "endings" | "cost"> & { readonly out: Outcome };

/** One has met the rule, which took him. */
function settle({ journey, accepted }: Visit, frame: Frame, { decision, endings, cost, out }: Settled): void {
  const traveller = frame.here[frame.met];
  if (traveller === undefined) throw new Error("bug: nobody met the rule");
  const { taken, left } = decision;
  if (left.length > 0) {
    const [same] = out.goesOn;
    const hasEnded = endings < journey.ended.length + accepted.length;
    // A detour that comes back with nothing changed is no reason for more than one branch.
    if (!hasEnded && out.returned.length === 0 && out.goesOn.length === 1 && isUnchanged(same, taken)) {
      journey.budget += cost;
      frame.next?.push(traveller);
      frame.met++;
      return;
    }
  }
  frame.next ??= frame.here.slice(0, frame.met);
  for (const one of left) frame.next.push(one);
  for (const one of out.goesOn) frame.next.push(one);
  for (const one of out.returned) frame.returned.push(one);
  frame.met++;
}

/** Where there are more branches, or more rules, than anybody could mean. */
function giveUp(visit: Visit, frame: Frame): void {
  const { here, met, next, returned } = frame;
  leaveOpen(visit, [...(next ?? here.slice(0, met)), ...here.slice(met), ...returned]);
  frame.here = [];
  frame.next = undefined;
  returned.length = 0;
}

function leaveOpen(visit: Visit, travellers: readonly Traveller[]): void {
  for (const one of travellers)
    end(visit.journey, one, { kind: "undecided", on: "more branches than can be followed" });
}

type At = { readonly chain: string; readonly step: Step };

/** What the rule does to a packet that it takes, or the chain that it calls for it. */
function take(visit: Visit, at: At, traveller: Traveller): Outcome | Omit<Call, "decision" | "endings" | "cost"> {
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
      return end(visit.journey, noted, { kind: "dropped" });
    case "reject":
      return end(visit.journey, noted, { kind: "rejected", with: effect.with });
    case "unknown":
      return end(visit.journey, noted, { kind: "undecided", on: targetText(at.step) });
    case "call":
      return { chain: effect.chain, isGoto: effect.isGoto, before: arrived, noted };
    default: {
      const changed = change(noted, effect, visit.journey.surroundings.node);
      if (changed === undefined) return end(visit.journey, noted, { kind: "undecided", on: targetText(at.step) });
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

const nothing: Outcome = { goesOn: [], returned: [] };

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
