// What a rule asks of a packet, in words. In: Rule. Out: short phrases.
import { never } from "../never.ts";
import type { Match, Negatable, Rule } from "../iptables/ruleset/rule.ts";

/** What to leave unsaid: the protocol of the Service port, and for a frontend's own rule its address and port. */
export type Unsaid = { readonly protocol: string | undefined; readonly frontend?: true };

/**
 * All that must be true of a packet, but for chance (`statistic`), comments and matches that only count or remember. None: the rule is for
 * every packet.
 */
export function conditions(rule: Rule, { protocol, frontend }: Unsaid): string[] {
  const asked = rule.protocol;
  return [
    ...said("from", rule.source),
    ...(frontend === true ? [] : said("to", rule.destination)),
    ...said("entering by", rule.inInterface),
    ...said("leaving by", rule.outInterface),
    ...(asked === undefined || (asked.is === protocol && asked.not !== true) ? [] : said("over", asked)),
    ...rule.matches.flatMap((match) =>
      frontend === true && match.kind === "destination-ports" ? [] : matchWords(match),
    ),
  ];
}

function said(word: string, value: Negatable<string> | undefined): string[] {
  return value === undefined ? [] : [`${value.not === true ? "not " : ""}${word} ${oneAddress(value.is)}`];
}

/** A block of one address is said as the address. */
function oneAddress(text: string): string {
  const [address = "", length] = text.split("/");
  return length === (text.includes(":") ? "128" : "32") ? address : text;
}

function matchWords(match: Match): string[] {
  switch (match.kind) {
    case "comment":
    case "statistic":
      return [];
    case "destination-ports":
      return [`to port ${match.low === match.high ? match.low : `${match.low}-${match.high}`}`];
    case "address-type":
      return [...typeWords("from", match.source), ...typeWords("to", match.destination)];
    case "connection-state":
      return [`${match.not === true ? "not " : ""}in state ${match.states.join(",")}`];
    case "mark":
      return [`${match.not === true ? "not " : ""}marked 0x${match.value.toString(16)}/0x${match.mask.toString(16)}`];
    case "recent":
      if (match.action === "set") return [];
      return [`client seen${match.reapSeconds === undefined ? "" : ` within ${match.reapSeconds} s`}`];
    case "other":
      if (onlyCounts.has(match.module) || isBare(match)) return [];
      return [[match.module, ...match.options].join(" ").trim()];
    default:
      return never(match);
  }
}

/** Always true: it counts packets for kube-proxy's metrics. Source: iptables-extensions(8). */
const onlyCounts = new Set(["nfacct"]);

/** `-m tcp` without options, as kube-proxy writes it before a DNAT: says no more than `-p tcp`. */
function isBare({ module, options }: Extract<Match, { kind: "other" }>): boolean {
  return options.length === 0 && /^(?:tcp|udp|sctp)$/.test(module);
}

function typeWords(word: string, type: Negatable<string> | undefined): string[] {
  if (type === undefined) return [];
  const whom = type.is === "LOCAL" ? "the node" : `a ${type.is} address`;
  return [`${type.not === true ? "not " : ""}${word} ${whom}`];
}

/** What is said of a rule that marks for masquerading. */
export function masqueradeWords(words: readonly string[]): string {
  return words.length === 0 ? "masquerade" : `masquerade if ${words.join(" and ")}`;
}
