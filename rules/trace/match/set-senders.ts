// Which senders a set tells apart. In: IpSet, the flags of a rule that asks it. Out: the blocks that it names beside what a packet has otherwise.
import { hostCidr, parseCidr, type Cidr } from "../../net/cidr.ts";
import { parseIp } from "../../net/ip.ts";
import { addressPart, maskIp, portPart } from "../../ipset/key.ts";
import type { IpSet } from "../../ipset/set.ts";
import type { Traveller } from "../traveller.ts";

/**
 * A function that gives the senders' blocks of the entries whose other parts a packet has: of `10.96.0.1,tcp:80,10.0.0.0/8` asked by
 * `dst,dst,src` the last, for packets to that address and port. Undefined where the set asks nothing of senders, or names more of them
 * than are worth to be told apart.
 */
export function sendersOf(
  set: IpSet,
  sides: readonly string[],
): ((traveller: Traveller) => readonly Cidr[]) | undefined {
  const { entries, dimensions } = set;
  if (entries.kind !== "keys" || sides.length < dimensions.length) return undefined;
  const isSender = dimensions.map(
    (dimension, at) => sides[at] === "src" && (dimension === "ip" || dimension === "net"),
  );
  const isKnown = dimensions.every(
    (dimension, at) => isSender[at] === true || (sides[at] !== "src" && isReceiverPart(dimension)),
  );
  if (!isKnown || !isSender.includes(true)) return undefined;
  let index: ReturnType<typeof indexOf> | undefined;
  return (traveller) => {
    index ??= indexOf(entries.groups, isSender);
    return index.flatMap(({ bits, senders }) => {
      const parts = receiverParts(set, { bits, isSender }, traveller);
      const found = parts === undefined ? undefined : senders.get(parts);
      return found === undefined || found.length > mostSenders ? [] : found;
    });
  };
}

/** Of one place. A list of blocked addresses may have a hundred thousand, each of which would be a client of its own. */
const mostSenders = 256;

function isReceiverPart(dimension: IpSet["dimensions"][number]): boolean {
  return dimension === "ip" || dimension === "net" || dimension === "port";
}

type Groups = Extract<IpSet["entries"], { kind: "keys" }>["groups"];

function indexOf(groups: Groups, isSender: readonly boolean[]) {
  return groups.map(({ bits, keys }) => {
    const senders = new Map<string, Cidr[]>();
    for (const key of keys.keys()) {
      const parts = key.split(",");
      const place = parts.filter((_, at) => isSender[at] !== true).join();
      const blocks = parts.flatMap((part, at) => (isSender[at] === true ? blockOf(part) : []));
      const known = senders.get(place);
      if (known === undefined) senders.set(place, blocks);
      else known.push(...blocks);
    }
    return { bits, senders };
  });
}

function blockOf(part: string): Cidr[] {
  const ip = parseIp(part);
  const block = ip === undefined ? parseCidr(part) : hostCidr(ip);
  return block === undefined ? [] : [block];
}

type Form = { readonly bits: readonly number[]; readonly isSender: readonly boolean[] };

/** What the entry would say of the packet's destination. Undefined where its port is not known. */
function receiverParts(
  { dimensions, type, addressMask }: IpSet,
  { bits, isSender }: Form,
  { destination, destinationPort, protocol }: Traveller,
): string | undefined {
  const parts: string[] = [];
  for (const [at, dimension] of dimensions.entries()) {
    if (isSender[at] === true) continue;
    const length = bits[at] ?? 0;
    if (dimension === "port") {
      if (destinationPort === undefined) return undefined;
      parts.push(portPart(type === "bitmap:port" ? "" : protocol, destinationPort, length));
    } else {
      const ip = addressMask === undefined ? destination.ip : maskIp(destination.ip, addressMask);
      parts.push(addressPart(ip, length));
    }
  }
  return parts.join();
}
