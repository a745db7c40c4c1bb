// One entry of a set, as `add` spells it. In: text such as `10.0.0.1,tcp:80`, and the set. Out: the keys that it is found by, or what is wrong.
import { cidrFamily, hostCidr, networkOf, parseCidr, splitCidr, type Cidr } from "../net/cidr.ts";
import { familyOf, parseIp } from "../net/ip.ts";
import { never } from "../never.ts";
import { quoted } from "../problem.ts";
import { addressBlocks, blockPart, maskIp, portBlocks, portPart } from "./key.ts";
import { fault, isFault, type Fault } from "./options.ts";
import { parsePorts } from "./port.ts";
import type { IpSet, SetDimension } from "./set.ts";

/** One key, and the length of the prefix in each dimension (0 where it has no prefixes); dimensions but `iface`. */
export type EntryKey = { readonly bits: readonly number[]; readonly text: string };

export type Entry = {
  /** More than one only where a range is no block. */
  readonly keys: readonly EntryKey[];
  /** Of type `hash:net,iface` only. */
  readonly interface: { readonly name: string; readonly physdev: boolean } | undefined;
};

/** What an entry's keys are made from. */
export type EntryForm = Pick<IpSet, "type" | "family" | "dimensions" | "addressMask" | "markMask">;

/**
 * Reads one entry. Where ipset takes a range or a block and adds each of its members, the keys are of the blocks that it is made of, so
 * that a short line does not become a million entries; and of more than `rangeKeysLeft` blocks none. Source: ipset(8), ADD-ENTRY of each type.
 */
export function parseEntry(text: string, form: EntryForm, rangeKeysLeft: number): Entry | Fault {
  const words = text.split(",", form.dimensions.length + 1);
  // Without a MAC address the kernel takes that of the first packet with the address.
  if (form.type === "bitmap:ip,mac" && words.length === 1) words.push(anyMac);
  if (words.length !== form.dimensions.length)
    return fault("not-an-entry", `${quoted(text)} is no entry of a ${form.type}`);
  let keys: readonly EntryKey[] = [{ bits: [], text: "" }];
  let named: Entry["interface"];
  for (const [at, dimension] of form.dimensions.entries()) {
    const word = words[at] ?? "";
    if (dimension === "iface") {
      named = parseInterface(word);
      if (named === undefined) return fault("not-an-interface", `${quoted(word)} is no name of an interface`);
      continue;
    }
    const parts = parsePart(word, dimension, form);
    if (isFault(parts)) return parts;
    const count = keys.length * parts.length;
    if (count > 1 && count > Math.min(mostKeys, rangeKeysLeft))
      return fault("range-too-wide", `${quoted(text)} is made of too many blocks, or comes after too many such ranges`);
    keys = keys.flatMap((key) => parts.map((part) => joinKey(key, part)));
  }
  return { keys, interface: named };
}

/** Two ranges of one entry are at most 62 times 30 blocks; three are never printed. */
const mostKeys = 4096;

/** No MAC address has this text. */
const anyMac = "";

type Part = { readonly text: string; readonly bits: number };

function joinKey({ bits, text }: EntryKey, part: Part): EntryKey {
  return { bits: [...bits, part.bits], text: bits.length === 0 ? part.text : `${text},${part.text}` };
}

function parsePart(word: string, dimension: SetDimension, form: EntryForm): readonly Part[] | Fault {
  switch (dimension) {
    case "ip":
    case "net":
      return parseAddresses(word, form);
    case "port":
      return parsePortPart(word, form);
    case "mac":
      if (word !== anyMac && !/^[\dA-F]{2}(?::[\dA-F]{2}){5}$/i.test(word))
        return fault("not-a-mac", `${quoted(word)} is no MAC address`);
      return [{ text: word.toUpperCase(), bits: 0 }];
    case "mark":
      if (!/^(?:0x[\da-f]{1,8}|\d{1,10})$/i.test(word) || Number(word) > 0xffffffff)
        return fault("not-a-mark", `${quoted(word)} is no packet mark`);
      return [{ text: markPart(Number(word), form.markMask), bits: 0 }];
    case "iface":
    case "set":
    case "unknown":
      throw new Error(`bug: ${dimension} is no part of a key`);
    default:
      return never(dimension);
  }
}

/** The part for a packet mark. */
export function markPart(mark: number, mask: number): string {
  return String((mark & mask) >>> 0);
}

function parseAddresses(word: string, { family, addressMask }: EntryForm): readonly Part[] | Fault {
  const blocks = parseBlocks(word);
  const [first] = blocks;
  if (first === undefined) return fault("not-an-address", `${quoted(word)} is no address, block or range`);
  if (cidrFamily(first) !== family)
    return fault("wrong-family", `${quoted(word)} is not of the set's family, IPv${family ?? 4}`);
  return blocks.map((block) => {
    const { ip, bits } = splitCidr(block);
    const masked = addressMask === undefined ? block : networkOf(maskIp(ip, addressMask), bits);
    return { text: blockPart(masked), bits };
  });
}

function parseBlocks(word: string): readonly Cidr[] {
  const ip = parseIp(word);
  if (ip !== undefined) return [hostCidr(ip)];
  const cidr = parseCidr(word);
  if (cidr !== undefined) return [cidr];
  const [from = "", to = "", ...rest] = word.split("-", 3);
  const [first, last] = [parseIp(from), parseIp(to)];
  if (first === undefined || last === undefined || rest.length > 0 || familyOf(first) !== familyOf(last)) return [];
  return addressBlocks(first, last);
}

function parsePortPart(word: string, { type }: EntryForm): readonly Part[] | Fault {
  const ports = parsePorts(word);
  if (ports === undefined) return fault("not-a-port", `${quoted(word)} is no port of a protocol`);
  // A bitmap:port keeps the number only; a protocol there is for looking up the name of a service.
  const protocol = type === "bitmap:port" ? "" : ports.protocol;
  return portBlocks(ports.first, ports.last).map(({ port, bits }) => ({ text: portPart(protocol, port, bits), bits }));
}

/** Source: Linux net/core/dev.c, dev_valid_name: 1 to 15 characters, no slash, colon or space. */
function parseInterface(word: string): Entry["interface"] {
  const physdev = word.startsWith("physdev:");
  const name = physdev ? word.slice("physdev:".length) : word;
  return /^[^\s/:]{1,15}$/.test(name) ? { name, physdev } : undefined;
}
