// Matches on connection tracking, marks and recent clients. In: a match or a module's options. Out: Ask, or undefined where it is not known here.
import { parseCidr, hostCidr } from "../../net/cidr.ts";
import { parseIp } from "../../net/ip.ts";
import type { Match, RecentMatch } from "../../iptables/ruleset/rule.ts";
import { blockTest, protocolOf, type Address } from "../packet.ts";
import type { Traveller } from "../traveller.ts";
import { every, some, unless, type Answer, type Ask, type Option } from "./test.ts";

/** States, and the DNAT and SNAT that stand for a translated connection. Source: iptables-extensions(8), conntrack. */
export function stateAsk({ states, not }: Extract<Match, { kind: "connection-state" }>): Ask {
  return (traveller) =>
    unless(
      not === true,
      some(states, (state) => isInState(traveller, state)),
    );
}

/**
 * Module conntrack, beyond a single `--ctstate`; and module state. Of a packet that is not tracked only the state is asked; a rule that
 * asks for none does not match, whatever else it asks and with or without `!`. Source: Linux xt_conntrack.c, conntrack_mt.
 */
export function conntrackMatch(options: readonly Option[]): Ask {
  const asks = options.map((option) => conntrackOption(option) ?? open);
  const states = asks.filter((_, at) => isStateOption(options[at]));
  const untracked = states.length === 0 ? [no] : states;
  return (traveller) => every(hasConnection(traveller) ? asks : untracked, (ask) => ask(traveller));
}

const open: Ask = () => undefined;
const no: Ask = () => false;

function isStateOption(option: Option | undefined): boolean {
  return option?.name === "--ctstate" || option?.name === "--state";
}

/** Whether connection tracking knows the packet's connection. */
export function hasConnection({ isTracked, state }: Traveller): boolean {
  return isTracked && state !== "UNTRACKED" && state !== "INVALID";
}

/** Bits of the packet's mark. */
export function markAsk({ value, mask, not }: Extract<Match, { kind: "mark" }>): Ask {
  return ({ mark }) => unless(not === true, hasBits(mark, value, mask));
}

/** Module connmark. Without a connection it does not match, with or without `!`. Source: Linux xt_connmark.c, connmark_mt. */
export function connmarkMatch(options: readonly Option[]): Ask | undefined {
  const [option] = options;
  const found = /^(0x[0-9a-f]+|\d+)(?:\/(0x[0-9a-f]+|\d+))?$/i.exec(option?.values[0] ?? "");
  if (option?.name !== "--mark" || options.length !== 1 || found === null) return undefined;
  const [value, mask] = [Number(found[1]), found[2] === undefined ? 0xffffffff : Number(found[2])];
  return (traveller) => hasConnection(traveller) && unless(option.not, hasBits(traveller.connectionMark, value, mask));
}

/** The `recent` match in the two forms that Services use: putting the client in a list always matches, looking it up only if it is there. */
export function recentAsk({ action, list }: RecentMatch): Ask {
  return action === "set" ? () => true : ({ recent }) => recent.has(list);
}

/** Module recent in other forms. Lists of destinations, and how often a client came, are not known. */
export function recentMatch(options: readonly Option[]): Ask | undefined {
  const list = options.find(({ name }) => name === "--name")?.values[0];
  const action = options.find(({ name }) => ["--set", "--rcheck", "--update", "--remove"].includes(name));
  const simple = new Set([
    "--set",
    "--rcheck",
    "--update",
    "--remove",
    "--name",
    "--seconds",
    "--reap",
    "--mask",
    "--rsource",
  ]);
  if (list === undefined || action === undefined || options.some(({ name }) => !simple.has(name))) return undefined;
  if (action.name === "--set") return () => !action.not;
  return ({ recent }) => unless(action.not, recent.has(list));
}

function conntrackOption({ name, not, values }: Option): Ask | undefined {
  const [value = ""] = values;
  const names = value.split(",");
  switch (name) {
    case "--ctstate":
    case "--state":
      return (traveller) =>
        unless(
          not,
          some(names, (state) => isInState(traveller, state)),
        );
    case "--ctproto":
      return ({ protocol }) => unless(not, protocolOf(value) === protocol);
    case "--ctdir":
      return ofFirst(() => unless(not, value === "ORIGINAL"));
    case "--ctstatus":
      return (traveller) =>
        unless(
          not,
          some(names, (status) => hasStatus(traveller, status)),
        );
    case "--ctorigsrc":
      return ofFirst(addressAsk(value, not, ({ original }) => original.source));
    case "--ctorigdst":
      return ofFirst(addressAsk(value, not, ({ original }) => original.destination));
    case "--ctreplsrc":
      return ofFirst(addressAsk(value, not, ({ destination }) => destination));
    case "--ctorigsrcport":
      return ofFirst(portAsk(value, not, ({ original }) => original.sourcePort));
    case "--ctorigdstport":
      return ofFirst(portAsk(value, not, ({ original }) => original.destinationPort));
    case "--ctreplsrcport":
      return ofFirst(portAsk(value, not, ({ destinationPort }) => destinationPort));
    default:
      return undefined;
  }
}

/** A later packet may be a reply, and its connection may have been translated: only of the first is known what its connection is. */
function ofFirst(ask: Ask | undefined): Ask | undefined {
  return ask && ((traveller) => (traveller.state === "NEW" ? ask(traveller) : undefined));
}

function isInState(traveller: Traveller, wanted: string): Answer {
  switch (wanted) {
    case "DNAT":
      return hasConnection(traveller) && isElsewhere(traveller);
    case "SNAT":
      return hasConnection(traveller) && hasOtherSource(traveller);
    case "INVALID":
      return traveller.state === "INVALID" || (!traveller.isTracked && traveller.state !== "UNTRACKED");
    case "UNTRACKED":
      return traveller.state === "UNTRACKED";
    default:
      return hasConnection(traveller) && traveller.state === wanted;
  }
}

/**
 * Whether the kernel calls the connection DNATed: only if its destination became another one (Linux nf_nat_core.c, nf_nat_setup_info).
 * Of a later packet nobody knows.
 */
function isElsewhere({ state, dnat, destination, destinationPort, original }: Traveller): Answer {
  if (!dnat) return state === "NEW" || state === "RELATED" ? false : undefined;
  if (destination.bits !== original.destination.bits) return true;
  return destinationPort !== undefined && original.destinationPort === undefined
    ? undefined
    : destinationPort !== original.destinationPort;
}

/** The same of its source, which changes last. Where the address stays, the port may have changed. */
function hasOtherSource({ state, snat, original }: Traveller): Answer {
  if (snat === undefined) return state === "NEW" || state === "RELATED" ? false : undefined;
  return snat.to !== undefined && snat.to.bits !== original.source.bits ? true : undefined;
}

function hasStatus({ state, isOwn, hook }: Traveller, status: string): Answer {
  switch (status) {
    // No bit at all, which no connection has. Source: iptables libxt_conntrack.c, NONE is 0.
    case "NONE":
      return false;
    case "CONFIRMED":
      // What comes back by lo was confirmed on its way out.
      return state === "NEW" ? isOwn && (hook === "PREROUTING" || hook === "INPUT") : undefined;
    case "SEEN_REPLY":
    case "ASSURED":
    case "EXPECTED":
      return state === "NEW" ? false : undefined;
    default:
      return undefined;
  }
}

function addressAsk(value: string, not: boolean, of: (traveller: Traveller) => Address): Ask | undefined {
  const ip = parseIp(value);
  const block = ip === undefined ? parseCidr(value) : hostCidr(ip);
  if (block === undefined) return undefined;
  const holds = blockTest(block);
  return (traveller) => unless(not, holds(of(traveller)));
}

function portAsk(value: string, not: boolean, of: (traveller: Traveller) => number | undefined): Ask | undefined {
  const found = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(value);
  if (found === null) return undefined;
  const [low, high] = [Number(found[1]), Number(found[2] ?? found[1])];
  return (traveller) => {
    const port = of(traveller);
    return port === undefined ? undefined : unless(not, port >= low && port <= high);
  };
}

function hasBits(mark: number | undefined, value: number, mask: number): Answer {
  return mark === undefined ? (mask === 0 ? value === 0 : undefined) : (mark & mask) >>> 0 === value;
}
