// Follows a packet through rules. In: text as iptables-save prints it, a packet. Out: where it ends, with exact probabilities.
// Reads the text by itself: what it finds does not rest on the parser that is tested with it.
import ipaddr from "ipaddr.js";

/** Rules by table, then by chain, compiled for walking. */
export type Dump = ReadonlyMap<string, ReadonlyMap<string, readonly Step[]>>;

export type Packet = {
  readonly from: string;
  readonly to: string;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly port: number;
  readonly inInterface?: string;
  /** Addresses that `addrtype LOCAL` holds for, besides 127.0.0.0/8 and ::1. */
  readonly localIps?: readonly string[];
  /** Default NEW. */
  readonly states?: readonly string[];
  readonly mark?: number;
  /** `recent` lists in which the sender is. */
  readonly recent?: ReadonlySet<string>;
};

/** A probability of `share / 2 ** bits`. */
export type Fraction = { readonly share: bigint; readonly bits: number };

/** One way a packet may go: its last target with options (`DNAT --to-destination 10.0.0.1:80`), or "" where no rule decides. */
export type End = { readonly target: string; readonly mark: number; readonly chance: Fraction };

type Step = {
  readonly matches: readonly ((packet: Traveller) => boolean)[];
  readonly share: number | undefined;
  readonly target: readonly string[];
};

type Traveller = Packet & {
  readonly fromAddress: ipaddr.IPv4 | ipaddr.IPv6;
  readonly toAddress: ipaddr.IPv4 | ipaddr.IPv6;
};
type State = { readonly mark: number; readonly chance: Fraction };

const whole: Fraction = { share: 1n, bits: 0 };

/** Reads a dump. Fails on options that it does not know. */
export function readDump(text: string): Dump {
  const tables = new Map<string, Map<string, Step[]>>();
  let chains = new Map<string, Step[]>();
  for (const line of text.split("\n")) {
    if (line.startsWith("*")) {
      chains = new Map();
      tables.set(line.slice(1), chains);
    } else if (line.startsWith(":")) chains.set(line.slice(1, line.indexOf(" ")), []);
    else if (line.startsWith("-A ")) {
      const [, name = "", ...words] = wordsOf(line);
      const steps = chains.get(name) ?? [];
      steps.push(compile(words));
      chains.set(name, steps);
    }
  }
  return tables;
}

/** Every way that `packet` may go from `chain` on. The chances add up to 1. */
export function walk(dump: Dump, start: { readonly table: string; readonly chain: string }, packet: Packet): End[] {
  const chains = dump.get(start.table) ?? new Map<string, readonly Step[]>();
  const traveller = { ...packet, fromAddress: ipaddr.parse(packet.from), toAddress: ipaddr.parse(packet.to) };
  const ends: End[] = [];
  const follow = (name: string, first: State): State[] => {
    const steps = chains.get(name);
    if (steps === undefined) throw new Error(`there is no chain ${name}`);
    let states: State[] = [first];
    const returned: State[] = [];
    for (const step of steps) {
      const next: State[] = [];
      for (const state of states) {
        const { taken, left } = split(step, { ...traveller, mark: state.mark }, state);
        if (left !== undefined) next.push(left);
        if (taken === undefined) continue;
        const [kind, ...options] = step.target;
        if (kind === undefined) next.push(taken);
        else if (kind === "RETURN") returned.push(taken);
        else if (kind === "MARK") next.push({ ...taken, mark: remark(taken.mark, options) });
        else if (chains.has(kind)) next.push(...follow(kind, taken));
        else if (terminal.has(kind)) ends.push({ ...taken, target: step.target.join(" ") });
        else throw new Error(`there is no chain ${kind}`);
      }
      states = next;
    }
    return [...states, ...returned];
  };
  const fallen = follow(start.chain, { mark: packet.mark ?? 0, chance: whole });
  return [...ends, ...fallen.map((state) => ({ ...state, target: "" }))];
}

const terminal = new Set(["ACCEPT", "DROP", "REJECT", "DNAT", "MASQUERADE", "SNAT"]);

/** Whether a chance is `1 / count`, within one millionth of it. */
export function isOneIn(chance: Fraction, count: number): boolean {
  const one = 1n << BigInt(chance.bits);
  const off = chance.share * BigInt(count) - one;
  return (off < 0n ? -off : off) * 1_000_000n <= one;
}

/** Sums chances of ends with the same target. */
export function byTarget(ends: readonly End[]): Map<string, Fraction> {
  const sums = new Map<string, Fraction>();
  for (const { target, chance } of ends) sums.set(target, add(sums.get(target) ?? { share: 0n, bits: 0 }, chance));
  return sums;
}

/** Where the packets of a DNAT go, sorted. */
export function destinations(ends: readonly End[]): string[] {
  return [
    ...new Set(
      ends
        .filter(({ target }) => target.startsWith("DNAT "))
        .map(({ target }) => target.slice("DNAT --to-destination ".length)),
    ),
  ].sort();
}

function add(a: Fraction, b: Fraction): Fraction {
  const bits = Math.max(a.bits, b.bits);
  return { share: (a.share << BigInt(bits - a.bits)) + (b.share << BigInt(bits - b.bits)), bits };
}

function split(step: Step, packet: Traveller, state: State): { taken?: State; left?: State } {
  if (!step.matches.every((match) => match(packet))) return { left: state };
  if (step.share === undefined) return { taken: state };
  const part = (share: number): State => ({
    mark: state.mark,
    chance: { share: state.chance.share * BigInt(share), bits: state.chance.bits + 31 },
  });
  if (step.share >= 2 ** 31) return { taken: state };
  return { taken: part(step.share), left: part(2 ** 31 - step.share) };
}

function remark(mark: number, options: readonly string[]): number {
  const [value = 0, mask = 0] = (options[1] ?? "").split("/").map(Number);
  return ((mark & ~mask) ^ value) >>> 0;
}

function compile(words: readonly string[]): Step {
  const matches: ((packet: Traveller) => boolean)[] = [];
  let share: number | undefined;
  let not = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    if (word === "-j" || word === "-g") return { matches, share, target: words.slice(at + 1) };
    const value = words[at + 1] ?? "";
    const wanted = !not;
    not = word === "!";
    if (not || word === "--rsource" || word === "--reap" || word === "--set") continue;
    at++;
    if (word === "--probability") share = Math.round(Number(value) * 2 ** 31);
    else if (word === "--rcheck") matches.push(recentMatch(words));
    else {
      const match = matcher(word, value);
      if (match !== undefined) matches.push((packet) => match(packet) === wanted);
    }
    if (word === "--rcheck") at--;
  }
  return { matches, share, target: [] };
}

function recentMatch(words: readonly string[]): (packet: Traveller) => boolean {
  const list = words[words.indexOf("--name") + 1] ?? "";
  return (packet) => packet.recent?.has(list) ?? false;
}

function matcher(word: string, value: string): ((packet: Traveller) => boolean) | undefined {
  switch (word) {
    case "-s":
    case "-d": {
      const [network, bits] = ipaddr.parseCIDR(value);
      return (packet) => {
        const address = word === "-s" ? packet.fromAddress : packet.toAddress;
        return address.kind() === network.kind() && address.match([network, bits] as never);
      };
    }
    case "-p":
      return (packet) => packet.protocol === value;
    case "-i":
      return ({ inInterface = "" }) =>
        value.endsWith("+") ? inInterface.startsWith(value.slice(0, -1)) : inInterface === value;
    case "--dport": {
      const [low = 0, high = low] = value.split(":").map(Number);
      return ({ port }) => port >= low && port <= high;
    }
    case "--src-type":
      return (packet) => isLocal(packet, packet.from);
    case "--dst-type":
      return (packet) => isLocal(packet, packet.to);
    case "--ctstate":
      return ({ states = ["NEW"] }) => value.split(",").some((state) => states.includes(state));
    case "--mark": {
      const [mark = 0, mask = 0xffffffff] = value.split("/").map(Number);
      return (packet) => ((packet.mark ?? 0) & mask) >>> 0 === mark;
    }
    case "-m":
    case "--comment":
    case "--name":
    case "--mask":
    case "--seconds":
    case "--mode":
      return undefined;
    default:
      throw new Error(`walk knows no option ${word}`);
  }
}

function isLocal({ localIps = [] }: Packet, ip: string): boolean {
  return ip.startsWith("127.") || ip === "::1" || localIps.includes(ip);
}

function wordsOf(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, inQuotes, bare]) => inQuotes?.replaceAll(/\\(.)/g, "$1") ?? bare ?? "",
  );
}
