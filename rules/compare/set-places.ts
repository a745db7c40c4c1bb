// Which addresses and ports rules ask for by sets. In: Rule, the sets that it may name. Out: hosts, blocks and places of each set that it asks of receivers.
import { hostCidr, parseCidr, splitCidr, type Cidr } from "../net/cidr.ts";
import { parseIp, type Ip } from "../net/ip.ts";
import type { IpSet } from "../ipset/set.ts";
import type { Rule } from "../iptables/ruleset/rule.ts";
import { protocols, type Place } from "./places.ts";

/** What one entry asks of a packet's destination. No block: any address; no ports: any port. */
export type SetPlace = { readonly block: Cidr | undefined; readonly places: readonly Place[] };

export type Sets = ReadonlyMap<string, IpSet>;

/** The entries of the sets that a rule's packets must be in, as far as they ask for destinations. */
export function setPlacesOf(rule: Rule, sets: Sets): SetPlace[] {
  return rule.matches.flatMap((match) => {
    if (match.kind !== "other" || match.module !== "set") return [];
    const at = match.options.indexOf("--match-set");
    const set = sets.get(match.options[at + 1] ?? "");
    const sides = (match.options[at + 2] ?? "").split(",");
    return at < 0 || set === undefined ? [] : entriesOf(set, sides, rule);
  });
}

/** The name of an entry's place by that of its set, as far as that tells. */
function nameOf({ name }: IpSet): string {
  const [, kind = ""] = /^KUBE-(?:6-)?(CLUSTER-IP|EXTERNAL-IP|LOAD-BALANCER|NODE-PORT)/.exec(name) ?? [];
  return kindNames.get(kind) ?? "";
}

/** How names begin that say no more than what kind of address it is. */
export const unnamed = "Service ";

const kindNames: ReadonlyMap<string, string> = new Map([
  ["CLUSTER-IP", `${unnamed}cluster IP`],
  ["EXTERNAL-IP", `${unnamed}external IP`],
  ["LOAD-BALANCER", `${unnamed}loadbalancer IP`],
  ["NODE-PORT", `${unnamed}node port`],
]);

function entriesOf(set: IpSet, sides: readonly string[], rule: Rule): SetPlace[] {
  const { entries, dimensions } = set;
  if (entries.kind !== "keys" || sides.length < dimensions.length) return [];
  const isReceiver = (kind: string) => (dimension: string, at: number) => dimension === kind && sides[at] !== "src";
  const address = Math.max(dimensions.findIndex(isReceiver("ip")), dimensions.findIndex(isReceiver("net")));
  const port = dimensions.findIndex(isReceiver("port"));
  if (address < 0 && port < 0) return [];
  const name = nameOf(set);
  return entries.groups.flatMap(({ keys }) =>
    [...keys.keys()].map((key) => {
      const parts = key.split(",");
      const places = port < 0 ? [] : readPorts(parts[port] ?? "", rule).map((each) => ({ ...each, name }));
      return { block: address < 0 ? undefined : readBlock(parts[address] ?? ""), places };
    }),
  );
}

function readBlock(part: string): Cidr | undefined {
  const ip = parseIp(part);
  return ip === undefined ? parseCidr(part) : hostCidr(ip);
}

/** `tcp:80`, `80` of a bitmap, whose protocol the rule may tell, or a block of ports: both ends of it. */
function readPorts(part: string, rule: Rule): Omit<Place, "name">[] {
  const found = /^(?:(\w+):)?(\d+)(?:\/(\d+))?$/.exec(part);
  if (found === null) return [];
  const [low, bits] = [Number(found[2]), Number(found[3] ?? 16)];
  const high = low + 2 ** (16 - bits) - 1;
  const said = found[1] ?? rule.protocol?.is;
  const asked = said === undefined ? protocols : protocols.filter((each) => each === said);
  return asked.flatMap((protocol) => [...new Set([low, high])].map((port) => ({ protocol, port })));
}

/** The address that is all of the block. */
export function hostOf(cidr: Cidr): Ip | undefined {
  const { ip } = splitCidr(cidr);
  return hostCidr(ip) === cidr ? ip : undefined;
}
