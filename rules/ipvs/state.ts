// All that one proxy has in the kernel for one family in this mode. In: nothing. Out: IpvsState.
import { noAddresses, type Addresses } from "../addresses/addresses.ts";
import { noSets, type SetTable } from "../ipset/set-table.ts";
import { emptyRuleset, type Ruleset } from "../iptables/ruleset/chain.ts";
import type { Family } from "../net/ip.ts";
import { emptyRadix } from "../radix/radix.ts";
import type { IpvsTable } from "./virtual-server.ts";

/** Sets, rules, addresses and virtual servers: wanted by a build, or read from the kernel. */
export type IpvsState = {
  readonly family: Family;
  readonly sets: SetTable;
  readonly ruleset: Ruleset;
  readonly addresses: Addresses;
  readonly servers: IpvsTable;
};

/** Nothing of ours. Wanted, it is a clean-up; the dummy device goes with the last of the two families. */
export function emptyState(family: Family): IpvsState {
  return {
    family,
    sets: noSets(family),
    ruleset: emptyRuleset(family),
    addresses: noAddresses,
    servers: emptyRadix(),
  };
}
