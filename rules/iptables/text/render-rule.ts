// One rule as text. In: Rule. Out: what follows `-A CHAIN`, in the words and order in which iptables-save gives it back.
import { never } from "../../never.ts";
import { shareUnit, type Match, type Negatable, type Rule, type Target } from "../ruleset/rule.ts";
import { quote, quoteComment } from "./quote.ts";

/**
 * The canonical text of a rule: what iptables-save prints for it (both variants print the same), and what rules are compared
 * by. Begins with a space unless it is empty. Source: read back from iptables 1.8.9.
 */
export function renderRule(rule: Rule): string {
  let text = "";
  if (rule.source !== undefined) text += option("-s", rule.source);
  if (rule.destination !== undefined) text += option("-d", rule.destination);
  if (rule.inInterface !== undefined) text += option("-i", rule.inInterface);
  if (rule.outInterface !== undefined) text += option("-o", rule.outInterface);
  if (rule.protocol !== undefined) text += option("-p", rule.protocol);
  for (const match of rule.matches) text += renderMatch(match);
  return rule.target === undefined ? text : text + renderTarget(rule.target);
}

/** The line that a rule of a chain is in a script or a dump. */
export function ruleLine(chain: string, rule: Rule): string {
  return `-A ${quote(chain)}${renderRule(rule)}`;
}

function option(name: string, value: Negatable<string> | undefined): string {
  return value === undefined ? "" : `${value.not === true ? " !" : ""} ${name} ${quote(value.is)}`;
}

function renderMatch(match: Match): string {
  switch (match.kind) {
    case "comment":
      return ` -m comment --comment ${quoteComment(match.text)}`;
    case "destination-ports":
      return ` -m ${quote(match.protocol)} --dport ${match.low}${match.low === match.high ? "" : `:${match.high}`}`;
    case "address-type":
      return ` -m addrtype${option("--src-type", match.source)}${option("--dst-type", match.destination)}`;
    case "connection-state":
      return ` -m conntrack${match.not === true ? " !" : ""} --ctstate ${match.states.map(quote).join(",")}`;
    case "mark":
      return ` -m mark${match.not === true ? " !" : ""} --mark ${markText(match.value, match.mask)}`;
    case "recent": {
      const seconds = match.reapSeconds === undefined ? "" : ` --seconds ${match.reapSeconds} --reap`;
      return ` -m recent --${match.action}${seconds} --name ${quote(match.list)} --mask ${quote(match.mask)} --rsource`;
    }
    case "statistic":
      return ` -m statistic --mode random --probability ${(match.share / shareUnit).toFixed(11)}`;
    case "other":
      return `${match.module === "" ? "" : ` -m ${quote(match.module)}`}${match.options.map((word) => (word === "!" ? " !" : ` ${quote(word)}`)).join("")}`;
    default:
      return never(match);
  }
}

function renderTarget(target: Target): string {
  switch (target.kind) {
    case "jump":
      return ` -j ${quote(target.chain)}`;
    case "verdict":
      return ` -j ${target.verdict}`;
    case "reject":
      return ` -j REJECT --reject-with ${quote(target.with)}`;
    case "dnat":
      return ` -j DNAT --to-destination ${quote(target.to)}`;
    case "masquerade":
      return ` -j MASQUERADE${target.randomFully ? " --random-fully" : ""}`;
    case "set-mark":
      return ` -j MARK --set-xmark ${hex(target.value)}/${hex(target.mask)}`;
    case "other":
      return target.words.map((word) => ` ${quote(word)}`).join("");
    default:
      return never(target);
  }
}

/** A full mask is not printed. */
function markText(value: number, mask: number): string {
  return mask === 0xffffffff ? hex(value) : `${hex(value)}/${hex(mask)}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
