// Matches on what ip_vs did. In: options of module ipvs. Out: Ask.
import type { Traveller } from "../traveller.ts";
import { every, unless, type Answer, type Ask, type Option } from "./test.ts";

/**
 * Module ipvs. Of a packet that ip_vs has not taken only `! --ipvs` matches, and which it takes is known of the first of a connection alone.
 * Of one that it took virtual address, port and direction ask for the connection by the packet's new header, which is not followed here.
 * Source: Linux xt_ipvs.c, ipvs_mt.
 */
export function ipvsMatch(options: readonly Option[]): Ask {
  const asks = options.map(({ name, not }): Ask =>
    name === "--ipvs"
      ? (traveller) => unless(not, isTaken(traveller))
      : (traveller) => (isTaken(traveller) === false ? false : undefined),
  );
  return (traveller) => every(asks, (ask) => ask(traveller));
}

function isTaken({ balanced, isFirst }: Traveller): Answer {
  return balanced || (isFirst ? false : undefined);
}
