// The dispatch trees: from a packet's address, protocol and port to the chain that serves it. In: rules by key. Out: Shapes of those trees.
import { cidrFromDigits, type Cidr } from "../../net/cidr.ts";
import type { Family } from "../../net/ip.ts";
import type { Radix } from "../../radix/radix.ts";
import { isReadable, readableName, type ChainName, type ChainPrefix } from "./chain-name.ts";
import { comment, jumpTo, type Rule } from "./rule.ts";
import { partsOf, type Shape } from "./tree.ts";

/** Rules by `frontendKey` (or by `ipDigits` alone). The rule must itself match all that its key says. */
export type DispatchTree = Radix<Rule>;

/** What the keys of a tree begin with: an address of the family, or (`none`) the protocol at once, for node ports. */
export type AddressPart = Family | "none";

/**
 * The shape of a dispatch tree. Its chains are named by what they cover (`KUBE-SVC-10.96.32.0/20`, `KUBE-EXT-tcp-30720-30735`),
 * or by a hash of that where it is longer than a name may be (most of IPv6); the rule that leads there then says it in a comment.
 */
export function dispatchShape(prefix: ChainPrefix, address: AddressPart): Shape<Rule> {
  const name = (cover: string): ChainName => readableName(prefix, coverText(read(cover, address)));
  return {
    name,
    owner: undefined,
    rules: (node) =>
      partsOf(node).map((part) => {
        if (part.kind === "entry") return part.value;
        const covered = read(part.cover, address);
        const text = coverText(covered);
        return {
          ...coverMatch(covered),
          matches: [...(isReadable(prefix, text) ? [] : [comment(text)]), ...portMatch(covered)],
          target: jumpTo(name(part.cover)),
        };
      }),
  };
}

/** What a cover says of a packet. */
type Covered = { readonly block?: Cidr; readonly protocol?: string; readonly low?: number; readonly high?: number };

const protocols: Readonly<Record<string, string>> = { t: "tcp", u: "udp", s: "sctp" };

function read(cover: string, address: AddressPart): Covered {
  const width = address === "none" ? 0 : address === 4 ? 8 : 32;
  const block = address === "none" ? {} : { block: cidrFromDigits(cover.slice(0, width), width) };
  const protocol = protocols[cover.charAt(width)];
  if (protocol === undefined) return block;
  const port = cover.slice(width + 1);
  if (port === "") return { ...block, protocol };
  return { ...block, protocol, low: parseInt(port.padEnd(4, "0"), 16), high: parseInt(port.padEnd(4, "f"), 16) };
}

function coverText({ block, protocol, low, high }: Covered): string {
  const ports = low === undefined || high === undefined ? [] : [low, high];
  const service = protocol === undefined ? [] : [[protocol, ...ports].join("-")];
  return [...(block === undefined ? [] : [block]), ...service].join(" ");
}

function coverMatch({ block, protocol }: Covered): Pick<Rule, "destination" | "protocol"> {
  return {
    ...(block === undefined ? {} : { destination: { is: block } }),
    ...(protocol === undefined ? {} : { protocol: { is: protocol } }),
  };
}

function portMatch({ protocol, low, high }: Covered): Rule["matches"] {
  if (protocol === undefined || low === undefined || high === undefined) return [];
  return [{ kind: "destination-ports", protocol, low, high }];
}
