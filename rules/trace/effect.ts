// What a rule does once it matches. In: Rule. Out: Effect.
import { never } from "../never.ts";
import { parseIp, type Ip } from "../net/ip.ts";
import type { Rule } from "../iptables/ruleset/rule.ts";
import { optionsOf, type Option } from "./match/test.ts";

/** `bits` changes a mark: mark = (mark and not mask) xor value. */
export type Bits = { readonly value: number; readonly mask: number };

export type Effect =
  /** Counts, logs or changes nothing that any rule here asks about. */
  | { readonly kind: "none" }
  | { readonly kind: "accept" | "drop" | "return" }
  | { readonly kind: "call"; readonly chain: string; readonly isGoto: boolean }
  | { readonly kind: "reject"; readonly with: string }
  /** Absent parts stay as they are. */
  | { readonly kind: "dnat"; readonly ip: Ip | undefined; readonly port: number | undefined }
  /** To an address of this node. */
  | { readonly kind: "redirect"; readonly port: number | undefined }
  | { readonly kind: "snat"; readonly ip: Ip | undefined }
  | { readonly kind: "masquerade" }
  | { readonly kind: "set-mark"; readonly bits: Bits }
  | { readonly kind: "set-connection-mark"; readonly bits: Bits }
  /** The bits of `from` are taken from the one mark, those of `to` cleared in the other. */
  | { readonly kind: "save-mark" | "restore-mark"; readonly from: number; readonly to: number }
  /** Puts something into a set, or takes it out. */
  | { readonly kind: "change-set"; readonly set: string }
  | { readonly kind: "untrack" }
  /** May end the walk, or change the packet, or neither. */
  | { readonly kind: "unknown" };

/** Targets after which a packet goes on as it was, as far as any rule can tell. Source: iptables-extensions(8). */
const passing = new Set([
  ...["LOG", "NFLOG", "ULOG", "TRACE", "AUDIT", "TEE", "RATEEST", "LED", "IDLETIMER"],
  ...["TCPMSS", "TCPOPTSTRIP", "DSCP", "TOS", "TTL", "HL", "ECN", "CLASSIFY", "CHECKSUM", "SECMARK", "CONNSECMARK"],
]);

/** The effect of a rule. A target that is not known here, or with options that are not, is `unknown`: it may end the walk or not. */
export function effectOf({ target }: Rule, isChain: (name: string) => boolean): Effect {
  switch (target?.kind) {
    case undefined:
      return { kind: "none" };
    case "verdict":
      return { kind: ({ ACCEPT: "accept", DROP: "drop", RETURN: "return" } as const)[target.verdict] };
    case "jump":
      if (isChain(target.chain)) return { kind: "call", chain: target.chain, isGoto: false };
      return targetEffect(target.chain, []);
    case "reject":
      return { kind: "reject", with: target.with };
    case "dnat":
      return dnatEffect(target.to);
    case "masquerade":
      return { kind: "masquerade" };
    case "set-mark":
      return { kind: "set-mark", bits: target };
    case "other": {
      const [flag, name = "", ...options] = target.words;
      if (flag === "-g") return isChain(name) ? { kind: "call", chain: name, isGoto: true } : { kind: "unknown" };
      return targetEffect(name, optionsOf(options));
    }
    default:
      return never(target);
  }
}

function targetEffect(name: string, options: readonly Option[]): Effect {
  const value = (option: string) => options.find((each) => each.name === option)?.values[0];
  if (passing.has(name)) return { kind: "none" };
  switch (name) {
    case "REJECT":
      return { kind: "reject", with: value("--reject-with") ?? "icmp-port-unreachable" };
    case "DNAT":
      return dnatEffect(value("--to-destination") ?? "");
    case "SNAT":
      return snatEffect(value("--to-source") ?? "");
    case "MASQUERADE":
      return { kind: "masquerade" };
    case "REDIRECT":
      return redirectEffect(value("--to-ports"));
    case "MARK":
      return markEffect(options);
    case "CONNMARK":
      return connmarkEffect(options);
    case "SET": {
      const set = value("--add-set") ?? value("--del-set") ?? value("--map-set");
      return set === undefined ? { kind: "unknown" } : { kind: "change-set", set };
    }
    case "NOTRACK":
      return { kind: "untrack" };
    case "CT":
      // Zones, helpers and time limits change no fate that is traced.
      return { kind: options.some((option) => option.name === "--notrack") ? "untrack" : "none" };
    default:
      return { kind: "unknown" };
  }
}

/** Of ranges nobody knows which one the kernel takes. */
function dnatEffect(to: string): Effect {
  const { address, ports } = splitPlace(to);
  const ip = parseIp(address);
  if (address !== "" && ip === undefined) return { kind: "unknown" };
  if (ports === undefined) return ip === undefined ? { kind: "unknown" } : { kind: "dnat", ip, port: undefined };
  return /^\d{1,5}$/.test(ports) ? { kind: "dnat", ip, port: Number(ports) } : { kind: "unknown" };
}

/** With ports alone the address stays as it is, and nothing that is traced changes. */
function snatEffect(to: string): Effect {
  const { address, ports } = splitPlace(to);
  if (address !== "") return { kind: "snat", ip: parseIp(address) };
  return ports === undefined ? { kind: "unknown" } : { kind: "accept" };
}

/** `ip`, `ip:ports`, `[ip]:ports`, `:ports`. IPv6 has brackets wherever there are ports. Source: iptables libxt_NAT.c. */
function splitPlace(text: string): { readonly address: string; readonly ports: string | undefined } {
  const close = text.indexOf("]");
  if (text.startsWith("[") && close > 0) {
    const rest = text.slice(close + 1);
    return { address: text.slice(1, close), ports: rest.startsWith(":") ? rest.slice(1) : undefined };
  }
  const colon = text.indexOf(":");
  if (colon < 0 || colon !== text.lastIndexOf(":")) return { address: text, ports: undefined };
  return { address: text.slice(0, colon), ports: text.slice(colon + 1) };
}

function redirectEffect(ports: string | undefined): Effect {
  if (ports === undefined) return { kind: "redirect", port: undefined };
  return /^\d{1,5}$/.test(ports) ? { kind: "redirect", port: Number(ports) } : { kind: "unknown" };
}

function markEffect(options: readonly Option[]): Effect {
  const bits = bitsOf(options);
  return bits === undefined ? { kind: "unknown" } : { kind: "set-mark", bits };
}

/** Source: iptables-extensions(8), MARK: how each spelling is a value and a mask. */
function bitsOf(options: readonly Option[]): Bits | undefined {
  const [option] = options;
  const found = /^(0x[0-9a-f]+|\d+)(?:\/(0x[0-9a-f]+|\d+))?$/i.exec(option?.values[0] ?? "");
  if (option === undefined || options.length !== 1 || found === null) return undefined;
  const [value, mask] = [Number(found[1]), found[2] === undefined ? 0xffffffff : Number(found[2])];
  switch (option.name) {
    case "--set-xmark":
      return { value, mask };
    case "--set-mark":
      return { value, mask: (mask | value) >>> 0 };
    case "--or-mark":
      return { value, mask: value };
    case "--xor-mark":
      return { value, mask: 0 };
    case "--and-mark":
      return { value: 0, mask: ~value >>> 0 };
    default:
      return undefined;
  }
}

function connmarkEffect(options: readonly Option[]): Effect {
  const mask = (name: string) => Number(options.find((option) => option.name === name)?.values[0] ?? 0xffffffff);
  const [first] = options;
  if (first?.name === "--save-mark" || first?.name === "--restore-mark") {
    const kind = first.name === "--save-mark" ? "save-mark" : "restore-mark";
    const known = options.every(({ name }) => [first.name, "--nfmask", "--ctmask", "--mask"].includes(name));
    const both = mask("--mask");
    const [nf, ct] = [(mask("--nfmask") & both) >>> 0, (mask("--ctmask") & both) >>> 0];
    if (!known || Number.isNaN(both + mask("--nfmask") + mask("--ctmask"))) return { kind: "unknown" };
    return kind === "save-mark" ? { kind, from: nf, to: ct } : { kind, from: ct, to: nf };
  }
  const bits = bitsOf(options);
  return bits === undefined ? { kind: "unknown" } : { kind: "set-connection-mark", bits };
}
