// From the conditions of a rule to questions. In: Rule, Surroundings. Out: Test[], and the chance that the rule draws lots with.
import type { Cidr } from "../../net/cidr.ts";
import { never } from "../../never.ts";
import { shareUnit, type Match, type Negatable, type Rule } from "../../iptables/ruleset/rule.ts";
import { renderRule } from "../../iptables/text/render-rule.ts";
import { certain, fraction, times, type Fraction } from "../fraction.ts";
import { blockTest } from "../packet.ts";
import { addressTypeMatch, rangeMatch, setMatch } from "./addresses.ts";
import {
  connmarkMatch,
  conntrackMatch,
  markAsk,
  protocolNumber,
  recentAsk,
  recentMatch,
  stateAsk,
} from "./connection.ts";
import { multiportMatch, protocolMatch } from "./ports.ts";
import { optionsOf, unless, type Answer, type Ask, type Option, type Surroundings, type Test } from "./test.ts";

/** What a rule asks. Tests come cheapest first, and those that tell clients apart after those that do not. */
export type Questions = { readonly tests: readonly Test[]; readonly chance: Fraction };

/** The questions of a rule. A match that is not known here becomes one that nothing answers. */
export function questionsOf(rule: Rule, surroundings: Surroundings): Questions {
  const tests: Test[] = [];
  let chance = certain;
  const add = (ask: Ask, part: Rule) => tests.push({ ask, text: () => renderRule(part).trim(), repeatable: true });
  if (rule.destination !== undefined)
    add(blockAsk(rule.destination, "destination"), { destination: rule.destination, matches: [] });
  if (rule.protocol !== undefined) add(protocolAsk(rule.protocol), { protocol: rule.protocol, matches: [] });
  for (const match of rule.matches) {
    const lots = chanceOf(match);
    if (lots !== undefined) chance = times(lots, chance);
    else if (match.kind !== "comment") tests.push(matchTest(match, surroundings));
  }
  if (rule.source !== undefined) add(sourceAsk(rule.source, surroundings), { source: rule.source, matches: [] });
  if (rule.inInterface !== undefined)
    add(inAsk(rule.inInterface, surroundings), { inInterface: rule.inInterface, matches: [] });
  if (rule.outInterface !== undefined) add(outAsk(rule.outInterface), { outInterface: rule.outInterface, matches: [] });
  return { tests, chance };
}

/** Modules whose rules count or measure: two with the same words need not agree. */
const unrepeatable = new Set(["limit", "hashlimit", "quota", "quota2", "connlimit", "statistic", "connbytes", "time"]);

function matchTest(match: Match, surroundings: Surroundings): Test {
  const text = () => renderRule({ matches: [match] }).trim();
  const repeatable = match.kind !== "other" || !unrepeatable.has(match.module);
  return { ask: matchAsk(match, surroundings) ?? (() => undefined), text, repeatable };
}

function matchAsk(match: Match, surroundings: Surroundings): Ask | undefined {
  switch (match.kind) {
    case "comment":
    case "statistic":
      return () => true;
    case "destination-ports": {
      const { low, high } = match;
      return ({ destinationPort: port }) => (port === undefined ? undefined : port >= low && port <= high);
    }
    case "address-type":
      return addressTypeMatch(typeOptions(match), surroundings);
    case "connection-state":
      return stateAsk(match);
    case "mark":
      return markAsk(match);
    case "recent":
      return recentAsk(match);
    case "other":
      return moduleAsk(match.module, optionsOf(match.options), surroundings);
    default:
      return never(match);
  }
}

function moduleAsk(module: string, options: readonly Option[], surroundings: Surroundings): Ask | undefined {
  switch (module) {
    // They count, and match always.
    case "comment":
    case "nfacct":
      return () => true;
    case "tcp":
    case "udp":
    case "udplite":
    case "dccp":
    case "sctp":
      return protocolMatch(options);
    case "multiport":
      return multiportMatch(options);
    case "addrtype":
      return addressTypeMatch(options, surroundings);
    case "iprange":
      return rangeMatch(options, surroundings);
    case "set":
      return setMatch(options, surroundings);
    case "conntrack":
    case "state":
      return conntrackMatch(options);
    case "connmark":
      return connmarkMatch(options);
    case "recent":
      return recentMatch(options);
    case "owner":
    case "cgroup":
      // A packet that came in by an interface belongs to no process yet. Of one that this node made, whose it is is not known.
      return ({ isOwn }) =>
        isOwn
          ? undefined
          : unless(
              options.some(({ not }) => not),
              false,
            );
    default:
      return undefined;
  }
}

function typeOptions({ source, destination }: Extract<Match, { kind: "address-type" }>): Option[] {
  const option = (name: string, value: Negatable<string> | undefined): Option[] =>
    value === undefined ? [] : [{ name, not: value.not === true, values: [value.is] }];
  return [...option("--src-type", source), ...option("--dst-type", destination)];
}

/** Of each `every` packets one matches an nth rule; which of them a packet is nobody can know beforehand. */
function chanceOf(match: Match): Fraction | undefined {
  if (match.kind === "statistic") return fraction(match.share, shareUnit);
  if (match.kind !== "other" || match.module !== "statistic") return undefined;
  const options = optionsOf(match.options);
  const value = (name: string) => options.find((option) => option.name === name);
  const every = Number(value("--every")?.values[0]);
  if (value("--mode")?.values[0] === "nth" && Number.isInteger(every) && every > 0) {
    return value("--every")?.not === true ? fraction(every - 1, every) : fraction(1, every);
  }
  const probability = Number(value("--probability")?.values[0]);
  if (value("--mode")?.values[0] !== "random" || !(probability >= 0 && probability <= 1)) return undefined;
  const share = Math.round(probability * shareUnit);
  return value("--probability")?.not === true ? fraction(shareUnit - share, shareUnit) : fraction(share, shareUnit);
}

function blockAsk({ is, not }: Negatable<Cidr>, side: "destination"): Ask {
  const holds = blockTest(is);
  return not === true ? (traveller) => !holds(traveller[side]) : (traveller) => holds(traveller[side]);
}

function sourceAsk({ is, not }: Negatable<Cidr>, { witness }: Surroundings): Ask {
  const holds = blockTest(is);
  return ({ source }) => {
    witness.tell?.({ kind: "block", block: is });
    return holds(source) !== (not === true);
  };
}

function protocolAsk({ is, not }: Negatable<string>): Ask {
  const number = protocolNumber(is);
  return ({ protocol }) => (protocol === is || protocolNumber(protocol) === number) !== (not === true);
}

function inAsk({ is, not }: Negatable<string>, { witness }: Surroundings): Ask {
  return ({ inInterface, hook, isOwn }) => {
    if (!isOwn) witness.tell?.({ kind: "interface", name: is });
    // Behind routing it is no longer known where a packet came in. Source: Linux nf_hook_state of NF_INET_POST_ROUTING.
    const name = hook === "POSTROUTING" || hook === "OUTPUT" ? "" : inInterface;
    return unless(not === true, isInterface(is, name));
  };
}

function outAsk({ is, not }: Negatable<string>): Ask {
  return ({ outInterface, hook }) =>
    unless(not === true, isInterface(is, hook === "PREROUTING" || hook === "INPUT" ? "" : outInterface));
}

/** `name+` stands for every interface whose name begins so. Source: iptables(8), -i. */
export function isInterface(pattern: string, name: string | undefined): Answer {
  if (pattern === "+") return true;
  if (name === undefined) return undefined;
  return pattern.endsWith("+") ? name.startsWith(pattern.slice(0, -1)) && name !== "" : name === pattern;
}
