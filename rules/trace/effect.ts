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
  | { readonly kind: "save-mark" | "restore-mark"; readonly mask: number }
  | { readonly kind: "untrack" }
  /** May end the walk, or change the packet, or neither. */
  | { readonly kind: "unknown" };

/** Targets after which a packet goes on as it was, as far as any rule can tell. Source: iptables-extensions(8). */
const passing = new Set([
  ...["LOG", "NFLOG", "ULOG", "TRACE", "AUDIT", "TEE", "RATEEST", "LED", "IDLETIMER", "SET"],
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
      return {
        kind: "snat",
        ip: parseIp((value("--to-source") ?? "").replace(/^\[(.*)\].*$/, "$1").replace(/:\d+(-\d+)?$/, "")),
      };
    case "MASQUERADE":
      return { kind: "masquerade" };
    case "REDIRECT":
      return redirectEffect(value("--to-ports"));
    case "MARK":
      return markEffect(options);
    case "CONNMARK":
      return connmarkEffect(options);
    case "NOTRACK":
      return { kind: "untrack" };
    case "CT":
      // Zones, helpers and time limits change no fate that is traced.
      return { kind: options.some((option) => option.name === "--notrack") ? "untrack" : "none" };
    default:
      return { kind: "unknown" };
  }
}

/** `ip`, `ip:port`, `[ip]:port`, `:port`. Of ranges nobody knows which one the kernel takes. */
function dnatEffect(to: string): Effect {
  const found = /^(?:\[([^\]]+)\]|([^:]*|[^\]]*:[^\]]*:[^\]]*))(?::(\d{1,5}))?$/.exec(to);
  const text = found?.[1] ?? found?.[2] ?? "";
  const ip = parseIp(text);
  if (found === null || (text !== "" && ip === undefined)) return { kind: "unknown" };
  return { kind: "dnat", ip, port: found[3] === undefined ? undefined : Number(found[3]) };
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
    const [nf, ct] = [mask("--nfmask"), mask("--ctmask")];
    if (!known || (nf !== ct && mask("--mask") === 0xffffffff)) return { kind: "unknown" };
    return { kind, mask: Math.min(nf, mask("--mask")) >>> 0 };
  }
  const bits = bitsOf(options);
  return bits === undefined ? { kind: "unknown" } : { kind: "set-connection-mark", bits };
}
