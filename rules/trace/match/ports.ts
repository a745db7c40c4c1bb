// Matches on ports, flags and types of the transport protocol. In: a module's options. Out: Ask, or undefined where it is not known here.
import { every, some, unless, type Answer, type Ask, type Option } from "./test.ts";
import type { Traveller } from "../traveller.ts";

/** Modules tcp, udp, udplite, dccp, sctp. What ICMP says beyond its protocol is not known of any packet here. Source: iptables-extensions(8). */
export function protocolMatch(options: readonly Option[]): Ask {
  const asks = options.map((option) => protocolOption(option) ?? open);
  return (traveller) => every(asks, (ask) => ask(traveller));
}

const open: Ask = () => undefined;

/** Module multiport: up to 15 ports or ranges. */
export function multiportMatch(options: readonly Option[]): Ask | undefined {
  const [option] = options;
  if (option === undefined || options.length !== 1) return undefined;
  const ranges = (option.values[0] ?? "").split(",").map(readRange);
  const known = ranges.filter((range) => range !== undefined);
  if (known.length < ranges.length) return undefined;
  const holds = (port: number | undefined) => some(known, (range) => inRange(range, port));
  switch (option.name) {
    case "--dports":
    case "--destination-ports":
      return (traveller) => unless(option.not, holds(traveller.destinationPort));
    case "--sports":
    case "--source-ports":
      return (traveller) => unless(option.not, holds(traveller.sourcePort));
    case "--ports":
      return (traveller) => unless(option.not, either(holds(traveller.destinationPort), holds(traveller.sourcePort)));
    default:
      return undefined;
  }
}

function either(a: Answer, b: Answer): Answer {
  if (a === true || b === true) return true;
  return a === undefined || b === undefined ? undefined : false;
}

type Range = readonly [number, number];

function protocolOption({ name, not, values }: Option): Ask | undefined {
  switch (name) {
    case "--dport":
    case "--destination-port":
      return portAsk(values, not, (traveller) => traveller.destinationPort);
    case "--sport":
    case "--source-port":
      return portAsk(values, not, (traveller) => traveller.sourcePort);
    case "--tcp-flags":
      return flagsAsk(values, not);
    case "--syn":
      return flagsAsk(["FIN,SYN,RST,ACK", "SYN"], not);
    default:
      return undefined;
  }
}

function portAsk(
  values: readonly string[],
  not: boolean,
  of: (traveller: Traveller) => number | undefined,
): Ask | undefined {
  const range = readRange(values[0] ?? "");
  return range === undefined ? undefined : (traveller) => unless(not, inRange(range, of(traveller)));
}

/** The first packet of a TCP connection has SYN set and nothing else; of later ones only that SYN comes no more. */
function flagsAsk([mask = "", set = ""]: readonly string[], not: boolean): Ask {
  const masked = flagsOf(mask);
  const wanted = flagsOf(set);
  return ({ protocol, isFirst }) => {
    if (protocol !== "tcp") return false;
    const answer = isFirst
      ? masked.includes("SYN") === wanted.includes("SYN") && wanted.every((flag) => flag === "SYN")
      : undefined;
    return unless(not, answer);
  };
}

function flagsOf(text: string): readonly string[] {
  if (text === "NONE") return [];
  return text === "ALL" ? ["FIN", "SYN", "RST", "PSH", "ACK", "URG"] : text.split(",");
}

function readRange(text: string): Range | undefined {
  const found = /^(\d{0,5})(:?)(\d{0,5})$/.exec(text);
  if (found === null || text === "") return undefined;
  const [, low = "", colon = "", high = ""] = found;
  return [low === "" ? 0 : Number(low), colon === "" ? Number(low) : high === "" ? 65535 : Number(high)];
}

function inRange([low, high]: Range, port: number | undefined): Answer {
  return port === undefined ? undefined : port >= low && port <= high;
}
