// One rule from text. In: the words after `-A CHAIN` of an iptables-save line. Out: Rule; what is not known here is kept word for word.
import { parseCidr, hostCidr, type Cidr } from "../../net/cidr.ts";
import { parseIp } from "../../net/ip.ts";
import { shareUnit, type Match, type Negatable, type Rule, type Target } from "../ruleset/rule.ts";
import type { ChainName } from "../ruleset/chain-name.ts";

/** The rule that these words say. Never fails: unknown matches and targets become `other`. */
export function parseRule(words: readonly string[]): Rule {
  const { head, modules, target } = splitRule(inOrder(words));
  const fields = parseHead(head);
  const matches = modules.map(parseMatch);
  return {
    ...fields.rule,
    matches: [...fields.rest, ...matches],
    ...(target.length === 0 ? {} : { target: parseTarget(target) }),
  };
}

type Parts = {
  readonly head: readonly string[];
  readonly modules: readonly (readonly string[])[];
  readonly target: readonly string[];
};

/** Options that belong to no module. */
const general = new Set(["-s", "-d", "-i", "-o", "-p"]);

/** kube-proxy writes `-m tcp -p tcp -d 10.0.0.1 --dport 80`, iptables-save never does: general options go first. */
function inOrder(words: readonly string[]): readonly string[] {
  const firstModule = words.indexOf("-m");
  const isGeneral = (at: number) => general.has(words[at] ?? "") && words[at - 1] !== "--comment";
  const late = [...words.keys()].filter((at) => firstModule >= 0 && at > firstModule && isGeneral(at));
  if (late.length === 0) return words;
  const moved = new Set(late.flatMap((at) => (words[at - 1] === "!" ? [at - 1, at, at + 1] : [at, at + 1])));
  const [early, rest] = [[...moved], [...words.keys()].filter((at) => !moved.has(at))];
  return [...early, ...rest].map((at) => words[at] ?? "");
}

/** iptables-save prints general options first, then each `-m module` with its options, then `-j` or `-g`. */
function splitRule(words: readonly string[]): Parts {
  const targetAt = words.findIndex((word, at) => (word === "-j" || word === "-g") && words[at - 1] !== "--comment");
  const matching = targetAt < 0 ? words : words.slice(0, targetAt);
  const starts = [...matching.keys()].filter((at) => matching[at] === "-m" && matching[at - 1] !== "--comment");
  return {
    head: matching.slice(0, starts[0] ?? matching.length),
    modules: starts.map((start, index) => matching.slice(start + 1, starts[index + 1] ?? matching.length)),
    target: targetAt < 0 ? [] : words.slice(targetAt),
  };
}

function parseHead(words: readonly string[]): {
  readonly rule: Omit<Rule, "matches" | "target">;
  readonly rest: Match[];
} {
  const rule: { -readonly [K in keyof Omit<Rule, "matches" | "target">]: Rule[K] } = {};
  const rest: string[] = [];
  for (const { name, value, not } of readOptions(words)) {
    const block = value === undefined ? undefined : readBlock(value);
    if (name === "-s" && block !== undefined) rule.source = { ...not, is: block };
    else if (name === "-d" && block !== undefined) rule.destination = { ...not, is: block };
    else if (name === "-i" && value !== undefined) rule.inInterface = { ...not, is: value };
    else if (name === "-o" && value !== undefined) rule.outInterface = { ...not, is: value };
    else if (name === "-p" && value !== undefined) rule.protocol = { ...not, is: value };
    else rest.push(...(not.not === true ? ["!"] : []), name, ...(value === undefined ? [] : [value]));
  }
  return { rule, rest: rest.length === 0 ? [] : [{ kind: "other", module: "", options: rest }] };
}

type Option = { readonly name: string; readonly value: string | undefined; readonly not: { readonly not?: true } };

function readOptions(words: readonly string[]): Option[] {
  const found: Option[] = [];
  for (let at = 0; at < words.length;) {
    const not = words[at] === "!" ? ({ not: true } as const) : {};
    if (not.not === true) at++;
    const name = words[at++] ?? "";
    const next = words[at];
    const value = next === undefined || next.startsWith("-") || next === "!" ? undefined : next;
    if (value !== undefined) at++;
    found.push({ name, value, not });
  }
  return found;
}

function readBlock(text: string): Cidr | undefined {
  const ip = parseIp(text);
  return ip === undefined ? parseCidr(text) : hostCidr(ip);
}

function parseMatch(words: readonly string[]): Match {
  const [module = "", ...options] = words;
  return parseKnown(module, options) ?? { kind: "other", module, options };
}

function parseKnown(module: string, options: readonly string[]): Match | undefined {
  if (module === "comment") {
    const [name, text] = options;
    return name === "--comment" && text !== undefined && options.length === 2 ? { kind: "comment", text } : undefined;
  }
  const read = readOptions(options);
  const [first] = read;
  switch (module) {
    case "tcp":
    case "udp":
    case "sctp":
      return read.length === 1 && first !== undefined ? readPorts(module, first) : undefined;
    case "addrtype":
      return readAddressType(read);
    case "conntrack":
      if (read.length !== 1 || first?.name !== "--ctstate" || first.value === undefined) return undefined;
      return { kind: "connection-state", ...first.not, states: first.value.split(",") };
    case "mark":
      if (read.length !== 1 || first?.name !== "--mark" || first.value === undefined) return undefined;
      return readMark(first);
    case "recent":
      return readRecent(read);
    case "statistic":
      return readStatistic(read);
    default:
      return undefined;
  }
}

function readPorts(protocol: string, { name, value, not }: Option): Match | undefined {
  const found = /^(\d{1,5})(?::(\d{1,5}))?$/.exec(value ?? "");
  if (name !== "--dport" || found === null || not.not === true) return undefined;
  const low = Number(found[1]);
  return { kind: "destination-ports", protocol, low, high: found[2] === undefined ? low : Number(found[2]) };
}

function readAddressType(read: readonly Option[]): Match | undefined {
  const types: { source?: Negatable<string>; destination?: Negatable<string> } = {};
  for (const { name, value, not } of read) {
    if (value === undefined) return undefined;
    if (name === "--src-type") types.source = { ...not, is: value };
    else if (name === "--dst-type") types.destination = { ...not, is: value };
    else return undefined;
  }
  return { kind: "address-type", ...types };
}

function readMark({ value, not }: Option): Match | undefined {
  const mark = readValueAndMask(value ?? "");
  return mark === undefined ? undefined : { kind: "mark", ...not, ...mark };
}

function readValueAndMask(text: string): { value: number; mask: number } | undefined {
  const found = /^(0x[0-9a-f]{1,8}|\d{1,10})(?:\/(0x[0-9a-f]{1,8}|\d{1,10}))?$/.exec(text);
  return found === null
    ? undefined
    : { value: Number(found[1]), mask: found[2] === undefined ? 0xffffffff : Number(found[2]) };
}

function readRecent(read: readonly Option[]): Match | undefined {
  const value = (name: string) => read.find((option) => option.name === name)?.value;
  const [first] = read;
  const list = value("--name");
  const mask = value("--mask");
  const seconds = value("--seconds");
  if (list === undefined || mask === undefined || read.some(({ not }) => not.not === true)) return undefined;
  const names = read.map(({ name }) => name).join(" ");
  if (first?.name === "--set" && names === "--set --name --mask --rsource")
    return { kind: "recent", action: "set", list, mask };
  if (names === "--rcheck --seconds --reap --name --mask --rsource" && /^\d+$/.test(seconds ?? "")) {
    return { kind: "recent", action: "rcheck", list, reapSeconds: Number(seconds), mask };
  }
  return undefined;
}

function readStatistic(read: readonly Option[]): Match | undefined {
  const [mode, probability] = read;
  if (read.length !== 2 || mode?.value !== "random" || probability?.name !== "--probability") return undefined;
  if (probability.not.not === true) return undefined;
  return { kind: "statistic", share: Math.round(Number(probability.value) * shareUnit) };
}

function parseTarget(words: readonly string[]): Target {
  const [flag, name = "", ...options] = words;
  return (flag === "-j" ? parseKnownTarget(name, options) : undefined) ?? { kind: "other", words };
}

function parseKnownTarget(name: string, options: readonly string[]): Target | undefined {
  const [first, second] = options;
  const only = (option: string) => (first === option && options.length === 2 ? second : undefined);
  switch (name) {
    case "ACCEPT":
    case "DROP":
    case "RETURN":
      return options.length === 0 ? { kind: "verdict", verdict: name } : undefined;
    case "REJECT": {
      const how = only("--reject-with");
      return how === undefined ? undefined : { kind: "reject", with: how };
    }
    case "DNAT": {
      const to = only("--to-destination");
      return to === undefined ? undefined : { kind: "dnat", to };
    }
    case "MASQUERADE":
      if (options.length === 0) return { kind: "masquerade", randomFully: false };
      return first === "--random-fully" && options.length === 1 ? { kind: "masquerade", randomFully: true } : undefined;
    case "MARK": {
      const mark = readValueAndMask(only("--set-xmark") ?? "");
      return mark === undefined ? undefined : { kind: "set-mark", ...mark };
    }
    default:
      // Extension targets are upper case words, and so may chains be; options tell them apart, and `-j` of a chain has none.
      return options.length === 0 && name !== "" ? { kind: "jump", chain: name as ChainName } : undefined;
  }
}
