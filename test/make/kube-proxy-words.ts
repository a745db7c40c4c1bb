// kube-proxy's rules in the words in which the kernel gives them back. In: what a rule says. Out: text as in iptables-save's output.
import type { Family } from "../../rules/net/ip.ts";

export type TableName = "mangle" | "filter" | "nat";

/** A rule and where it stands. */
export type Placed = { readonly table: TableName; readonly chain: string; readonly rule: Rule };

/** The parts of a rule. An address block or interface may begin with `! `: anything but it. */
export type Rule = {
  /** Source block. */
  readonly from?: string | undefined;
  /** Destination block. */
  readonly to?: string | undefined;
  /** The interface that the packet came in by. */
  readonly inBy?: string | undefined;
  /** `tcp`, `udp` or `sctp`. */
  readonly protocol?: string | undefined;
  /** Matches of modules, in the order in which kube-proxy wrote them. */
  readonly modules?: readonly string[];
  /** Chain or target with its options; undefined: the rule only counts. */
  readonly target?: string;
};

/** A rule as a line of iptables-save: addresses, interface and protocol come first, whatever the order in which they were written. */
export function renderRule({ chain, rule }: Placed): string {
  const { from, to, inBy, protocol, modules = [], target } = rule;
  const words = [`-A ${chain}`, block("-s", from), block("-d", to), option("-i", inBy), option("-p", protocol)];
  words.push(...modules, option("-j", target));
  return words.filter((word) => word !== "").join(" ");
}

/** Text that holds nothing to escape: names of Services are DNS labels. A space, `/` or `:` in it is why it is always in quotes. */
export function comment(text: string): string {
  return `-m comment --comment "${text}"`;
}

export function ctstate(states: string): string {
  return `-m conntrack --ctstate ${states}`;
}

/** Whether the bit is set, with a `! ` in front whether it is not. */
export function markMatch(mark: number, not = ""): string {
  return `-m mark ${not}--mark ${hex(mark)}/${hex(mark)}`;
}

/** Sets the bit (`--or-mark`) or flips it (`--xor-mark`): both are read back as `--set-xmark`. */
export function changeMark(mark: number, how: "set" | "flip"): string {
  return `MARK --set-xmark ${hex(mark)}/${how === "set" ? hex(mark) : "0x0"}`;
}

/** Whether the client was sent to that endpoint's chain within so many seconds. */
export function recentCheck(chain: string, seconds: number, family: Family): string {
  return `-m recent --rcheck --seconds ${seconds} --reap ${recentList(chain, family)}`;
}

/** Notes that the client is sent to that endpoint's chain. */
export function recentSet(chain: string, family: Family): string {
  return `-m recent --set ${recentList(chain, family)}`;
}

/** One in `count`: kube-proxy writes 10 decimals, the kernel keeps multiples of 2^-31, iptables-save prints 11 decimals. */
export function oneIn(count: number): string {
  const kept = Math.round(Number((1 / count).toFixed(10)) * 2 ** 31) / 2 ** 31;
  return `-m statistic --mode random --probability ${kept.toFixed(11)}`;
}

export function reject(family: Family): string {
  return `REJECT --reject-with ${family === 4 ? "icmp" : "icmp6"}-port-unreachable`;
}

function recentList(chain: string, family: Family): string {
  const mask = family === 4 ? "255.255.255.255" : Array.from({ length: 8 }, () => "ffff").join(":");
  return `--name ${chain} --mask ${mask} --rsource`;
}

/** A block that holds every address is not printed. */
function block(name: string, value: string | undefined): string {
  return value === "0.0.0.0/0" || value === "::/0" ? "" : option(name, value);
}

function option(name: string, value: string | undefined): string {
  if (value === undefined) return "";
  return value.startsWith("! ") ? `! ${name} ${value.slice(2)}` : `${name} ${value}`;
}

function hex(mark: number): string {
  return `0x${mark.toString(16)}`;
}
