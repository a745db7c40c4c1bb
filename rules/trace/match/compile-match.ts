// From the conditions of a rule to questions. In: Rule, Surroundings. Out: Test[], and the chance that the rule draws lots with.
import type { Cidr } from "../../net/cidr.ts";
import { never } from "../../never.ts";
import { shareUnit, type Match, type Negatable, type Rule } from "../../iptables/ruleset/rule.ts";
import { renderRule } from "../../iptables/text/render-rule.ts";
import { certain, fraction, times, type Fraction } from "../fraction.ts";
import { blockTest, protocolOf } from "../packet.ts";
import { outOf, type Traveller } from "../traveller.ts";
import { addressTypeMatch, rangeMatch, setMatch } from "./addresses.ts";
import { ipvsMatch } from "./balanced.ts";
import { connmarkMatch, conntrackMatch, markAsk, recentAsk, recentMatch, stateAsk } from "./connection.ts";
import { multiportMatch, protocolMatch } from "./ports.ts";
import {
  optionsOf,
  unless,
  type Answer,
  type Ask,
  type Lasting,
  type Lesson,
  type Option,
  type Surroundings,
  type Test,
} from "./test.ts";

/** What a rule asks. Tests come cheapest first, and those that tell clients apart after those that do not. */
export type Questions = { readonly tests: readonly Test[]; readonly chance: Fraction };

/** The questions of a rule. A match that is not known here becomes one that nothing answers. */
export function questionsOf(rule: Rule, surroundings: Surroundings): Questions {
  const tests: Test[] = [];
  let chance = certain;
  const { destination, protocol, source, inInterface, outInterface, matches } = rule;
  if (destination !== undefined) tests.push(test(blockAsk(destination), { destination, matches: [] }));
  if (protocol !== undefined) tests.push(test(protocolAsk(protocol), { protocol, matches: [] }));
  for (const match of matches) {
    const lots = chanceOf(match);
    if (lots !== undefined) chance = times(lots, chance);
    else if (match.kind !== "comment") tests.push(matchTest(match, surroundings));
  }
  if (source !== undefined) tests.push(test(sourceAsk(source, surroundings), { source, matches: [] }));
  if (inInterface !== undefined)
    tests.push({
      ...test(inAsk(inInterface, surroundings), { inInterface, matches: [] }),
      ...lesson(nameLesson(inInterface, (name) => ({ inInterface: name }))),
    });
  if (outInterface !== undefined)
    tests.push({
      ...test(outAsk(outInterface), { outInterface, matches: [] }),
      lasts: "destination",
      ...lesson(nameLesson(outInterface, (name) => ({ outInterface: name }))),
    });
  return { tests, chance };
}

/** A test in the words of `part`, which are made once, when somebody reads them. */
function test(ask: Ask, part: Rule): Test {
  let words: string | undefined;
  return { ask, text: () => (words ??= renderRule(part).trim()), lasts: "always" };
}

function matchTest(match: Match, surroundings: Surroundings): Test {
  const ask = matchAsk(match, surroundings) ?? (() => undefined);
  return { ...test(ask, { matches: [match] }), lasts: lastingOf(match), ...lesson(lessonOf(match)) };
}

/** Modules whose rules count or measure. */
const fickle = new Set([
  ...["limit", "hashlimit", "quota", "quota2", "connlimit", "statistic", "connbytes", "time", "rateest", "recent"],
]);

/** Modules that ask what nothing on the way changes. */
const steady = new Set([
  ...["tcp", "udp", "udplite", "dccp", "sctp", "multiport", "icmp", "icmp6", "ipv6-icmp", "ah", "esp", "iprange"],
  ...["conntrack", "state", "owner", "cgroup", "string", "length", "mac", "pkttype"],
]);

function lastingOf(match: Match): Lasting {
  if (match.kind === "mark") return "mark";
  if (match.kind === "address-type") return "destination";
  if (match.kind !== "other") return "always";
  if (fickle.has(match.module)) return "never";
  if (match.module === "connmark") return "connection-mark";
  if (match.module === "addrtype" || match.module === "socket") return "destination";
  return steady.has(match.module) ? "always" : "hook";
}

/** A whole value that is taken for granted is known from then on: of `--dport 80` and `--dport 443` not both hold. */
function lessonOf(match: Match): Lesson | undefined {
  if (match.kind === "destination-ports")
    return match.low === match.high ? learning(true, { destinationPort: match.low }) : undefined;
  if (match.kind === "mark") return match.mask === 0xffffffff ? learning(!match.not, { mark: match.value }) : undefined;
  if (match.kind !== "other") return undefined;
  const [option, ...more] = optionsOf(match.options);
  const value = option?.values[0] ?? "";
  if (option === undefined || more.length > 0 || !/^(?:\d+|0x[0-9a-f]+)$/.test(value)) return undefined;
  if (match.module === "connmark") return learning(!option.not, { connectionMark: Number(value) });
  return option.name === "--sport" ? learning(!option.not, { sourcePort: Number(value) }) : undefined;
}

function nameLesson({ is, not }: Negatable<string>, fields: (name: string) => Partial<Traveller>): Lesson | undefined {
  return is.endsWith("+") ? undefined : learning(not !== true, fields(is));
}

function learning(from: boolean, fields: Partial<Traveller>): Lesson {
  return { from, then: (traveller) => ({ ...traveller, ...fields }) };
}

function lesson(learn: Lesson | undefined): Pick<Test, "learn"> {
  return learn === undefined ? {} : { learn };
}

function matchAsk(match: Match, surroundings: Surroundings): Ask | undefined {
  switch (match.kind) {
    case "comment":
      return () => true;
    case "statistic":
      // Of a probability that is none: see chanceOf.
      return undefined;
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
    case "ipvs":
      return ipvsMatch(options);
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
      // What came in by an interface belongs to no process yet, so that only rules match that ask for none (Linux xt_owner.c). Of one
      // that this node made, whose it is is not known.
      return ({ isOwn }) => (isOwn ? undefined : options.every(({ not }) => not));
    case "cgroup":
      // Linux xt_cgroup.c: no process, no match, with or without `!`.
      return ({ isOwn }) => (isOwn ? undefined : false);
    case "physdev":
      // What this node made came through no port of a bridge; of other packets it is not known whether they did (Linux xt_physdev.c).
      return ({ isOwn }) => (isOwn ? options.every(({ not }) => not) : undefined);
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
  if (match.kind === "statistic")
    return match.share >= 0 && match.share <= shareUnit ? fraction(match.share, shareUnit) : undefined;
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

function blockAsk({ is, not }: Negatable<Cidr>): Ask {
  const holds = blockTest(is);
  return not === true ? ({ destination }) => !holds(destination) : ({ destination }) => holds(destination);
}

function sourceAsk({ is, not }: Negatable<Cidr>, { witness }: Surroundings): Ask {
  const holds = blockTest(is);
  return ({ source }) => {
    witness.tell?.({ kind: "block", block: is });
    return holds(source) !== (not === true);
  };
}

function protocolAsk({ is, not }: Negatable<string>): Ask {
  const name = protocolOf(is);
  return ({ protocol }) => (protocol === name) !== (not === true);
}

/** Behind routing it is still known where a packet came in. Source: Linux 5.7, "Support iif matches in POSTROUTING". */
function inAsk({ is, not }: Negatable<string>, { witness }: Surroundings): Ask {
  return ({ inInterface, isOwn }) => {
    if (!isOwn) witness.tell?.({ kind: "interface", name: is });
    return unless(not === true, isInterface(is, inInterface));
  };
}

function outAsk({ is, not }: Negatable<string>): Ask {
  return (traveller) => unless(not === true, isInterface(is, outOf(traveller)));
}

/** `name+` stands for every interface whose name begins so. Source: iptables(8), -i. */
export function isInterface(pattern: string, name: string | undefined): Answer {
  if (pattern === "+") return true;
  if (name === undefined) return undefined;
  return pattern.endsWith("+") ? name.startsWith(pattern.slice(0, -1)) && name !== "" : name === pattern;
}
