// What a target changes in a packet. In: Traveller, Effect, TraceNode. Out: the packet after it, and whether the table is done with it.
import type { Cidr } from "../net/cidr.ts";
import { familyOf, isLoopback, type Family, type Ip } from "../net/ip.ts";
import { never } from "../never.ts";
import { hasConnection } from "./match/connection.ts";
import type { Bits, Effect } from "./effect.ts";
import { addressOf, blockTest, type TraceNode } from "./packet.ts";
import { longer, type Traveller } from "./traveller.ts";

/** The effects that change something. */
export type Changing = Exclude<
  Effect,
  { readonly kind: "none" | "accept" | "drop" | "return" | "call" | "reject" | "unknown" }
>;

/** The packet after a target. Translations end the walk through their table; marks do not. */
export type Changed = { readonly traveller: Traveller; readonly endsTable: boolean };

/** What a target makes of a packet. Undefined: to which of the node's addresses it redirects cannot be told. */
export function change(traveller: Traveller, effect: Changing, node: TraceNode): Changed | undefined {
  switch (effect.kind) {
    case "dnat":
      return { traveller: redirected(traveller, effect), endsTable: true };
    case "redirect": {
      const ip = redirectIp(traveller, node);
      return ip && { traveller: redirected(traveller, { ip, port: effect.port }), endsTable: true };
    }
    case "snat":
      return { traveller: { ...traveller, snat: { to: effect.ip && addressOf(effect.ip) } }, endsTable: true };
    case "masquerade": {
      const ip = masqueradeIp(traveller, node);
      return { traveller: { ...traveller, snat: { to: ip && addressOf(ip) } }, endsTable: true };
    }
    case "set-mark":
      return goesOn(marked(traveller, withBits(traveller.mark, effect.bits)));
    case "restore-mark":
      return goesOn(
        hasConnection(traveller)
          ? marked(traveller, copied(traveller.connectionMark, traveller.mark, effect))
          : traveller,
      );
    case "set-connection-mark":
      return goesOn(connectionMarked(traveller, withBits(traveller.connectionMark, effect.bits)));
    case "save-mark":
      return goesOn(connectionMarked(traveller, copied(traveller.mark, traveller.connectionMark, effect)));
    case "untrack":
      // What comes back by lo is tracked already. Source: Linux xt_CT.c, notrack_tg.
      return goesOn(traveller.isTracked ? traveller : { ...traveller, state: "UNTRACKED" });
    case "change-set":
      return goesOn({ ...traveller, changedSets: longer(traveller.changedSets, effect.set) });
    default:
      return never(effect);
  }
}

function redirected(
  traveller: Traveller,
  { ip, port }: { readonly ip: Ip | undefined; readonly port: number | undefined },
): Traveller {
  return {
    ...traveller,
    destination: ip === undefined ? traveller.destination : addressOf(ip),
    destinationPort: port ?? traveller.destinationPort,
    dnat: true,
  };
}

/**
 * Source: iptables-extensions(8), REDIRECT: the address of the interface that the packet came in by, loopback for the node's own. That
 * interface's address is the one in a block of it, or the only one there is where nothing is known of the interface.
 */
function redirectIp({ isOwn, destination, inInterface }: Traveller, node: TraceNode): Ip | undefined {
  const family = familyOf(destination.ip);
  if (isOwn) return (family === 4 ? "127.0.0.1" : "::1") as Ip;
  const own = addressesOf(node, family);
  const found = node.interfaces.find(({ name }) => name === inInterface);
  if (found !== undefined) return own.find((ip) => isIn(ip, found.blocks));
  return own.length === 1 ? own[0] : undefined;
}

/** The address of the interface that the packet leaves by: the only one there is, or the one in the block of that interface. */
function masqueradeIp({ destination, outInterface }: Traveller, node: TraceNode): Ip | undefined {
  const own = addressesOf(node, familyOf(destination.ip));
  if (own.length < 2) return own[0];
  const blocks = node.interfaces.find(({ name }) => name === outInterface)?.blocks ?? [];
  return own.find((ip) => isIn(ip, blocks));
}

function addressesOf(node: TraceNode, family: Family): Ip[] {
  return node.localIps.filter((ip) => familyOf(ip) === family && !isLoopback(ip));
}

function isIn(ip: Ip, blocks: readonly Cidr[]): boolean {
  return blocks.some((block) => blockTest(block)(addressOf(ip)));
}

function goesOn(traveller: Traveller): Changed {
  return { traveller, endsTable: false };
}

function marked(traveller: Traveller, mark: number | undefined): Traveller {
  return { ...traveller, mark, markChanges: traveller.markChanges + 1 };
}

/** Without a connection there is nothing to mark. Source: Linux xt_connmark.c, connmark_tg. */
function connectionMarked(traveller: Traveller, connectionMark: number | undefined): Traveller {
  if (!hasConnection(traveller)) return traveller;
  return { ...traveller, connectionMark, connectionMarkChanges: traveller.connectionMarkChanges + 1 };
}

function withBits(mark: number | undefined, { value, mask }: Bits): number | undefined {
  if (mask === 0xffffffff) return value;
  return mark === undefined ? undefined : ((mark & ~mask) ^ value) >>> 0;
}

/** Source: iptables-extensions(8), CONNMARK: the bits of one mask are taken over, those of the other cleared before. */
function copied(
  from: number | undefined,
  into: number | undefined,
  masks: { readonly from: number; readonly to: number },
): number | undefined {
  if (from === undefined) return undefined;
  if (into === undefined) return masks.to === 0xffffffff ? (from & masks.from) >>> 0 : undefined;
  return ((into & ~masks.to) ^ (from & masks.from)) >>> 0;
}
