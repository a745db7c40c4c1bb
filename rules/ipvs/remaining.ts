// What the kernel holds once the steps of a diff are done. In: observed and desired IpvsState, the steps between them. Out: IpvsState, and what drains in it.
import type { Addresses } from "../addresses/addresses.ts";
import type { KeptSet, SetTable } from "../ipset/set-table.ts";
import { changes, edit, type Edit, type Radix } from "../radix/radix.ts";
import { connectionKey } from "./connections.ts";
import type { IpvsState } from "./state.ts";
import type { IpvsChange, IpvsStep } from "./steps.ts";
import { realKey, serverKey, type IpvsTable, type RealServer, type VirtualServer } from "./virtual-server.ts";

/** A real server of weight 0 that stays until its connections are over. */
export type Drain = { readonly server: VirtualServer; readonly real: RealServer };

export type Remaining = { readonly state: IpvsState; readonly drains: readonly Drain[] };

/**
 * The desired state together with what `steps`, from `diffStates`, leave for now: real servers that drain, and the addresses and set entries
 * that their virtual servers need. All else is the same object as in `desired`, so the next diff looks at nothing but that and what changed
 * since. Not for a clean-up, whose rules and sets may stay too.
 */
export function remaining(observed: IpvsState, desired: IpvsState, steps: readonly IpvsStep[]): Remaining {
  const gone = goneBy(steps.flatMap((step): readonly IpvsChange[] => step.changes));
  const { servers, drains } = remainingServers(observed.servers, desired.servers, gone);
  return {
    state: {
      ...desired,
      servers,
      sets: remainingSets(observed.sets, desired.sets, gone),
      addresses: remainingAddresses(observed.addresses, desired.addresses, gone),
    },
    drains,
  };
}

type Gone = {
  /** `serverKey`, or `connectionKey` of a real server, or `set entry`, or an address. */
  readonly keys: ReadonlySet<string>;
  /** Real servers with another weight, by `connectionKey`. */
  readonly edited: ReadonlyMap<string, RealServer>;
};

function goneBy(list: readonly IpvsChange[]): Gone {
  const keys = new Set<string>();
  const edited = new Map<string, RealServer>();
  for (const change of list) {
    if (change.kind === "delete-server") keys.add(serverKey(change.server));
    else if (change.kind === "delete-real") keys.add(connectionKey(change.server, change.real));
    else if (change.kind === "edit-real") edited.set(connectionKey(change.server, change.real), change.real);
    else if (change.kind === "delete-entry") keys.add(`${change.set} ${change.entry}`);
    else if (change.kind === "delete-address") keys.add(change.ip);
  }
  return { keys, edited };
}

function remainingServers(
  observed: IpvsTable,
  desired: IpvsTable,
  { keys, edited }: Gone,
): { readonly servers: IpvsTable; readonly drains: readonly Drain[] } {
  const edits: Edit<VirtualServer>[] = [];
  const drains: Drain[] = [];
  for (const { key, before, after } of changes(observed, desired)) {
    if (before === undefined || keys.has(key)) continue;
    const wanted = new Set(after?.servers.map(realKey));
    const kept = before.servers
      .filter((real) => !wanted.has(realKey(real)) && !keys.has(connectionKey(before, real)))
      .map((real) => edited.get(connectionKey(before, real)) ?? real);
    if (kept.length === 0 && after !== undefined) continue;
    const server: VirtualServer = { ...(after ?? before), servers: [...(after?.servers ?? []), ...kept] };
    edits.push({ key, value: server });
    drains.push(...kept.filter(({ weight }) => weight === 0).map((real) => ({ server, real })));
  }
  return { servers: edit(desired, edits), drains };
}

function remainingSets(observed: SetTable, desired: SetTable, gone: Gone): SetTable {
  const sets = Object.entries(desired.sets).map(([name, after]): [string, KeptSet] => {
    const before = observed.sets[name];
    if (before === undefined || before === after) return [name, after];
    const entries = withStaying(before.entries, after.entries, (entry) => !gone.keys.has(`${name} ${entry}`));
    return [name, entries === after.entries ? after : { ...after, entries }];
  });
  return { ...desired, sets: Object.fromEntries(sets) };
}

function remainingAddresses(observed: Addresses, desired: Addresses, gone: Gone): Addresses {
  const held = withStaying(observed.held, desired.held, (_, { ip }) => !gone.keys.has(ip));
  return held === desired.held ? desired : { ...desired, held };
}

/** `after`, and of `before` what is not in it and stays. */
function withStaying<T>(before: Radix<T>, after: Radix<T>, stays: (key: string, value: T) => boolean): Radix<T> {
  const staying = changes(before, after).flatMap(({ key, before: was, after: is }) =>
    was !== undefined && is === undefined && stays(key, was) ? [{ key, value: was }] : [],
  );
  return staying.length === 0 ? after : edit(after, staying);
}
