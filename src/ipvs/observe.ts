// Reads one family's state of IPVS mode back from the kernel. In: IpvsKernel. Out: Observed: what is ours, and what is others'.
import {
  ownedByIpvs,
  ownedServers,
  ownSetTypes,
  parseAddresses,
  parseConnections,
  parseRuleset,
  parseServers,
  parseSetTable,
  type Connections,
  type Family,
  type IpvsState,
} from "../../rules/index.ts";
import { values } from "../../rules/radix/radix.ts";
import type { IpvsKernel } from "./ipvs-kernel.ts";

/** The texts that a state is read from: what iptables-save of the family, and the other tools for both families, print. */
export type StateTexts = {
  readonly rules: string;
  readonly sets: string;
  readonly addresses: string;
  readonly servers: string;
};

export type Observed = {
  readonly state: IpvsState;
  /** Keys of virtual servers that are somebody else's. */
  readonly others: ReadonlySet<string>;
  /** How many connections there are of each real server; empty where none drains. */
  readonly connections: Connections;
  /** Lines of the tools that cannot be understood; what they tell of is left alone. */
  readonly problems: readonly string[];
};

export async function observe(kernel: IpvsKernel, family: Family): Promise<Observed> {
  const observed = parseState(
    {
      rules: await kernel.rules.readRules(family),
      sets: await kernel.readSets(),
      addresses: await kernel.readAddresses(),
      servers: await kernel.readServers(),
    },
    family,
  );
  if (!values(observed.state.servers).some(({ servers }) => servers.some(({ weight }) => weight === 0)))
    return observed;
  return { ...observed, connections: parseConnections(await kernel.readConnections()) };
}

/** The part of `observe` after the kernel is read. */
export function parseState(texts: StateTexts, family: Family): Observed {
  const sets = parseSetTable(texts.sets, { family, types: ownSetTypes(family) });
  const addresses = parseAddresses(texts.addresses, family);
  const servers = parseServers(texts.servers, family, ownedServers(sets.table, addresses.ours));
  const ruleset = parseRuleset(texts.rules, family, ownedByIpvs);
  return {
    state: { family, sets: sets.table, addresses: addresses.ours, servers: servers.table, ruleset },
    others: servers.others,
    connections: new Map(),
    problems: [
      ...sets.problems.map(({ line, text }) => `ipset save, line ${line}: ${text}`),
      ...addresses.problems.map(({ text }) => `ip -j addr: ${text}`),
      ...servers.problems.map(({ line, text }) => `ipvsadm -Sn, line ${line}: ${text}`),
    ],
  };
}

/** Whether there is anything of IPVS mode. Sets and the dummy device come before all else of it, and go last. */
export function holdsState({ state: { sets, addresses } }: Pick<Observed, "state">): boolean {
  return addresses.device || Object.keys(sets.sets).length > 0;
}
