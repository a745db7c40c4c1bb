// An iptables rule as data. In: nothing. Out: the types of rules, and small makers for the parts that are written often.
import type { Protocol } from "../../decode/protocol.ts";
import { flat } from "../../flat.ts";
import type { Cidr } from "../../net/cidr.ts";
import type { ChainName } from "./chain-name.ts";

/**
 * One rule. Fields stand in the order in which iptables-save prints them, `matches` too; equal rules have equal text
 * (`renderRule`), which is also what the kernel gives back. Source: iptables(8), iptables-extensions(8).
 */
export type Rule = {
  readonly source?: Negatable<Cidr>;
  readonly destination?: Negatable<Cidr>;
  readonly inInterface?: Negatable<string>;
  readonly outInterface?: Negatable<string>;
  /** Lower case: `tcp`, `udp`, `sctp`, or whatever the kernel prints for others. */
  readonly protocol?: Negatable<string>;
  readonly matches: readonly Match[];
  /** Absent: the rule only counts. */
  readonly target?: Target;
};

/** A value to match, or (`not`) to differ from. */
export type Negatable<T> = { readonly not?: true; readonly is: T };

export type Match =
  | { readonly kind: "comment"; readonly text: string }
  | { readonly kind: "destination-ports"; readonly protocol: string; readonly low: number; readonly high: number }
  | { readonly kind: "address-type"; readonly source?: Negatable<string>; readonly destination?: Negatable<string> }
  /** States in the order in which the kernel prints them. */
  | { readonly kind: "connection-state"; readonly not?: true; readonly states: readonly string[] }
  | { readonly kind: "mark"; readonly not?: true; readonly value: number; readonly mask: number }
  | RecentMatch
  /** True in `share` of 2^31 cases, as the kernel keeps it. */
  | { readonly kind: "statistic"; readonly share: number }
  /** Any other module, or one with options not known here: its words as iptables-save prints them. */
  | { readonly kind: "other"; readonly module: string; readonly options: readonly string[] };

/** The `recent` match: lists of source addresses with the time they were last seen. */
export type RecentMatch = {
  readonly kind: "recent";
  readonly action: "set" | "rcheck";
  readonly list: string;
  /** Only entries seen within these seconds match; older ones are removed. */
  readonly reapSeconds?: number;
  readonly mask: string;
};

export type Target =
  | { readonly kind: "jump"; readonly chain: ChainName }
  | { readonly kind: "verdict"; readonly verdict: "ACCEPT" | "DROP" | "RETURN" }
  | { readonly kind: "reject"; readonly with: string }
  /** `to` is `ip:port`, IPv6 in brackets. */
  | { readonly kind: "dnat"; readonly to: string }
  | { readonly kind: "masquerade"; readonly randomFully: boolean }
  /** mark = (mark and not mask) xor value. */
  | { readonly kind: "set-mark"; readonly value: number; readonly mask: number }
  /** Any other target, `-j` or `-g`: its words as iptables-save prints them. */
  | { readonly kind: "other"; readonly words: readonly string[] };

/** Probabilities in the kernel are multiples of 2^-31. Source: xt_statistic.h. */
export const shareUnit = 2 ** 31;

/** `parts` make the text. */
export function comment(...parts: readonly string[]): Match {
  return { kind: "comment", text: flat(...parts) };
}

/** `-p` for a Service port's protocol: one object for all rules that have it, of which there are as many as endpoints. */
export function protocolMatch(protocol: Protocol): Negatable<string> {
  return protocols[protocol];
}

const protocols: Readonly<Record<Protocol, Negatable<string>>> = {
  TCP: { is: "tcp" },
  UDP: { is: "udp" },
  SCTP: { is: "sctp" },
};

/** One object for all rules with that port: there are as many as Services, and most have one of a few. */
export function destinationPort(protocol: string, port: number): Match {
  const key = `${protocol} ${port}`;
  const known = destinationPorts.get(key);
  if (known !== undefined) return known;
  const made: Match = { kind: "destination-ports", protocol, low: port, high: port };
  if (destinationPorts.size < 1000) destinationPorts.set(key, made);
  return made;
}

const destinationPorts = new Map<string, Match>();

export function jumpTo(chain: ChainName): Target {
  return { kind: "jump", chain };
}

export const drop: Target = { kind: "verdict", verdict: "DROP" };
export const accept: Target = { kind: "verdict", verdict: "ACCEPT" };
export const masquerade: Target = { kind: "masquerade", randomFully: true };
