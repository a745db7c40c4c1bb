// What a target changes in a packet. In: Traveller, Effect, TraceNode. Out: the packet after it, and whether the table is done with it.
import { familyOf, isLoopback, type Ip } from "../net/ip.ts";
import { never } from "../never.ts";
import type { Bits, Effect } from "./effect.ts";
import { addressOf, blockTest, ownIp, type TraceNode } from "./packet.ts";
import type { Traveller } from "./traveller.ts";

/** The effects that change something. */
export type Changing = Exclude<
  Effect,
  { readonly kind: "none" | "accept" | "drop" | "return" | "call" | "reject" | "unknown" }
>;

/** Translations end the walk through their table; marks do not. */
export function change(
  traveller: Traveller,
  effect: Changing,
  node: TraceNode,
): { readonly traveller: Traveller; readonly endsTable: boolean } {
  switch (effect.kind) {
    case "dnat":
      return { traveller: redirected(traveller, effect), endsTable: true };
    case "redirect":
      return {
        traveller: redirected(traveller, { ip: redirectIp(traveller, node), port: effect.port }),
        endsTable: true,
      };
    case "snat":
      return { traveller: { ...traveller, snat: { to: effect.ip && addressOf(effect.ip) } }, endsTable: true };
    case "masquerade": {
      const ip = masqueradeIp(traveller, node);
      return { traveller: { ...traveller, snat: { to: ip && addressOf(ip) } }, endsTable: true };
    }
    case "set-mark":
      return { traveller: { ...traveller, mark: withBits(traveller.mark, effect.bits) }, endsTable: false };
    case "set-connection-mark":
      return {
        traveller: { ...traveller, connectionMark: withBits(traveller.connectionMark, effect.bits) },
        endsTable: false,
      };
    case "save-mark":
      return {
        traveller: { ...traveller, connectionMark: copied(traveller.connectionMark, traveller.mark, effect.mask) },
        endsTable: false,
      };
    case "restore-mark":
      return {
        traveller: { ...traveller, mark: copied(traveller.mark, traveller.connectionMark, effect.mask) },
        endsTable: false,
      };
    case "untrack":
      return { traveller: { ...traveller, state: "UNTRACKED" }, endsTable: false };
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

/** Source: iptables-extensions(8), REDIRECT: the address of the interface that the packet came in by, loopback for the node's own. */
function redirectIp({ isOwn, destination }: Traveller, node: TraceNode): Ip {
  const loopback = (familyOf(destination.ip) === 4 ? "127.0.0.1" : "::1") as Ip;
  return isOwn ? loopback : (ownIp(node, familyOf(destination.ip)) ?? loopback);
}

/** The address of the interface that the packet leaves by: the only one there is, or the one in the block of that interface. */
function masqueradeIp({ destination, outInterface }: Traveller, node: TraceNode): Ip | undefined {
  const family = familyOf(destination.ip);
  const own = node.localIps.filter((ip) => familyOf(ip) === family && !isLoopback(ip));
  if (own.length < 2) return own[0];
  const blocks = node.interfaces.find(({ name }) => name === outInterface)?.blocks ?? [];
  return own.find((ip) => blocks.some((block) => blockTest(block)(addressOf(ip))));
}

function withBits(mark: number | undefined, { value, mask }: Bits): number | undefined {
  if (mask === 0xffffffff) return value;
  return mark === undefined ? undefined : ((mark & ~mask) ^ value) >>> 0;
}

/** Source: iptables-extensions(8), CONNMARK: the bits of the mask are taken over, the others stay. */
function copied(to: number | undefined, from: number | undefined, mask: number): number | undefined {
  if (from === undefined || to === undefined) return mask === 0xffffffff ? from : undefined;
  return ((to & ~mask) ^ (from & mask)) >>> 0;
}
