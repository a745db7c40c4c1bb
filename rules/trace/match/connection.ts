// Matches on connection tracking, marks and recent clients. In: a match or a module's options. Out: Ask, or undefined where it is not known here.
import { parseCidr, hostCidr } from "../../net/cidr.ts";
import { parseIp } from "../../net/ip.ts";
import type { Match, RecentMatch } from "../../iptables/ruleset/rule.ts";
import { blockTest, type Address } from "../packet.ts";
import type { Traveller } from "../traveller.ts";
import { every, some, unless, type Answer, type Ask, type Option } from "./test.ts";

/** States, and the DNAT and SNAT that stand for a translated connection. Source: iptables-extensions(8), conntrack. */
export function stateAsk({ states, not }: Extract<Match, { kind: "connection-state" }>): Ask {
  return (traveller) =>
    unless(
      not === true,
      states.some((state) => isInState(traveller, state)),
    );
}

/** Module conntrack, beyond a single `--ctstate`; and module state. */
export function conntrackMatch(options: readonly Option[]): Ask | undefined {
  const asks = options.map(conntrackOption);
  const known = asks.filter((ask) => ask !== undefined);
  return known.length < asks.length ? undefined : (traveller) => every(known.map((ask) => ask(traveller)));
}

/** Bits of the packet's mark. */
export function markAsk({ value, mask, not }: Extract<Match, { kind: "mark" }>): Ask {
  return ({ mark }) => unless(not === true, hasBits(mark, value, mask));
}

/** Module connmark. */
export function connmarkMatch(options: readonly Option[]): Ask | undefined {
  const [option] = options;
  const found = /^(0x[0-9a-f]+|\d+)(?:\/(0x[0-9a-f]+|\d+))?$/i.exec(option?.values[0] ?? "");
  if (option?.name !== "--mark" || options.length !== 1 || found === null) return undefined;
  const [value, mask] = [Number(found[1]), found[2] === undefined ? 0xffffffff : Number(found[2])];
  return ({ connectionMark }) => unless(option.not, hasBits(connectionMark, value, mask));
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
  switch (name) {
    case "--ctstate":
    case "--state":
      return (traveller) =>
        unless(
          not,
          value.split(",").some((state) => isInState(traveller, state)),
        );
    case "--ctproto":
      return ({ protocol }) => unless(not, protocolNumber(value) === protocolNumber(protocol));
    case "--ctdir":
      // A reply is translated back before any table that could ask; what is traced goes the original way.
      return () => unless(not, value === "ORIGINAL");
    case "--ctstatus":
      return (traveller) => unless(not, some(value.split(",").map((status) => hasStatus(traveller, status))));
    case "--ctorigsrc":
      return addressAsk(value, not, ({ original }) => original.source);
    case "--ctorigdst":
      return addressAsk(value, not, ({ original }) => original.destination);
    case "--ctreplsrc":
      return addressAsk(value, not, ({ destination }) => destination);
    case "--ctorigsrcport":
      return portAsk(value, not, ({ original }) => original.sourcePort);
    case "--ctorigdstport":
      return portAsk(value, not, ({ original }) => original.destinationPort);
    case "--ctreplsrcport":
      return portAsk(value, not, ({ destinationPort }) => destinationPort);
    default:
      return undefined;
  }
}

/** The number of a protocol that has a name in iptables' output. Source: IANA protocol numbers. */
export function protocolNumber(text: string): string {
  const numbers: Readonly<Record<string, string>> = {
    icmp: "1",
    tcp: "6",
    udp: "17",
    "ipv6-icmp": "58",
    icmpv6: "58",
    sctp: "132",
  };
  return numbers[text] ?? text;
}

function isInState({ state, dnat, snat }: Traveller, wanted: string): boolean {
  if (wanted === "DNAT") return dnat;
  return wanted === "SNAT" ? snat !== undefined : wanted === state;
}

function hasStatus({ state }: Traveller, status: string): Answer {
  switch (status) {
    case "NONE":
      return state === "UNTRACKED" || state === "INVALID" ? true : undefined;
    case "SEEN_REPLY":
    case "ASSURED":
    case "CONFIRMED":
      return state === "NEW" ? false : undefined;
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
