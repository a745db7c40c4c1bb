// A chain made ready for walking. In: DumpChain, Surroundings. Out: Step[], and which of them can matter to a packet.
import type { DumpChain } from "../iptables/text/parse-dump.ts";
import type { Rule } from "../iptables/ruleset/rule.ts";
import type { Fraction } from "./fraction.ts";
import { protocolOf } from "./packet.ts";
import type { Traveller } from "./traveller.ts";
import { questionsOf } from "./match/compile-match.ts";
import { optionsOf, type Surroundings, type Test } from "./match/test.ts";
import { effectOf, type Effect } from "./effect.ts";

export type Step = {
  readonly line: number;
  readonly rule: Rule;
  readonly tests: readonly Test[];
  readonly chance: Fraction;
  readonly effect: Effect;
  /** What the rule does with `recent` lists besides asking them. */
  readonly recent: RecentUse | undefined;
};

/** `remembers`, `forgets`: the list that the client is put in, or taken out of. `seconds`: how long ago it may have come at most to be found. */
export type RecentUse = {
  readonly remembers: string | undefined;
  readonly forgets: string | undefined;
  readonly seconds: number | undefined;
};

/** The steps of a chain, and an index of those that ask for one destination address or one port. */
export type WalkableChain = {
  readonly steps: readonly Step[];
  readonly index: Index | undefined;
};

type Index = {
  /** Numbers of steps by `address`, or `protocol port` where a step asks for no single address. */
  readonly by: ReadonlyMap<string, readonly number[]>;
  /** Numbers of all other steps, and these steps. */
  readonly others: readonly number[];
  readonly otherSteps: readonly Step[];
};

/** Chains of at most so many rules are gone through one by one. */
const fewRules = 8;

/** Compiles a chain. `isChain` tells names of chains in its table from those of other targets. */
export function compileChain(
  { rules }: DumpChain,
  surroundings: Surroundings,
  isChain: (name: string) => boolean,
): WalkableChain {
  const steps = rules.map(({ line, rule }): Step => ({
    line,
    rule,
    ...questionsOf(rule, surroundings),
    effect: effectOf(rule, isChain),
    recent: recentUse(rule),
  }));
  return { steps, index: steps.length > fewRules ? indexOf(steps) : undefined };
}

/** The steps that may match a packet with these headers, in order. The rest cannot. */
export function stepsFor({ steps, index }: WalkableChain, traveller: Traveller): readonly Step[] {
  const { destination, protocol, destinationPort } = traveller;
  // Of a packet whose port is not known, a rule that asks for one may match or not: none can be left out.
  if (index === undefined || destinationPort === undefined) return steps;
  const toAddress = index.by.get(destination.ip) ?? none;
  const toPort = index.by.get(portKey(protocol, destinationPort)) ?? none;
  if (toAddress.length + toPort.length === 0) return index.otherSteps;
  const numbers = [...index.others, ...toAddress, ...toPort].sort((a, b) => a - b);
  return numbers.map((number) => steps[number]).filter((step) => step !== undefined);
}

const none: readonly number[] = [];

function recentUse({ matches }: Rule): RecentUse | undefined {
  for (const match of matches) {
    if (match.kind === "recent") {
      const isSet = match.action === "set";
      return {
        remembers: isSet ? match.list : undefined,
        forgets: undefined,
        seconds: isSet ? undefined : match.reapSeconds,
      };
    }
    if (match.kind !== "other" || match.module !== "recent") continue;
    const options = optionsOf(match.options);
    const value = (name: string) => options.find((option) => option.name === name)?.values[0];
    const has = (...names: readonly string[]) => options.some(({ name, not }) => !not && names.includes(name));
    const seconds = value("--seconds");
    // A list of destinations says nothing of clients.
    const list = has("--rdest") ? undefined : value("--name");
    return {
      remembers: has("--set", "--update") ? list : undefined,
      forgets: has("--remove") ? list : undefined,
      seconds: seconds === undefined ? undefined : Number(seconds),
    };
  }
  return undefined;
}

function indexOf(steps: readonly Step[]): Index {
  const by = new Map<string, number[]>();
  const others: number[] = [];
  for (const [number, { rule }] of steps.entries()) {
    const key = keyOf(rule);
    if (key === undefined) others.push(number);
    else {
      const list = by.get(key);
      if (list === undefined) by.set(key, [number]);
      else list.push(number);
    }
  }
  return { by, others, otherSteps: others.map((number) => steps[number]).filter((step) => step !== undefined) };
}

/** What a packet must have for the rule to match at all, where that is one value. */
function keyOf({ destination, protocol, matches }: Rule): string | undefined {
  if (destination !== undefined && destination.not !== true && /\/(?:32|128)$/.test(destination.is)) {
    const single = destination.is.endsWith("/128") || !destination.is.includes(":");
    if (single) return destination.is.slice(0, destination.is.lastIndexOf("/"));
  }
  if (protocol === undefined || protocol.not === true) return undefined;
  const port = matches.find((match) => match.kind === "destination-ports");
  return port?.kind === "destination-ports" && port.low === port.high
    ? portKey(protocolOf(protocol.is), port.low)
    : undefined;
}

function portKey(protocol: string, port: number): string {
  return `${protocol} ${port}`;
}
