// What turns the kernel's virtual servers into those wanted. In: observed and desired IpvsTable. Out: ServerChange[] in an order that breaks no connection.
import { cidrHolds, type Cidr } from "../net/cidr.ts";
import { changes } from "../radix/radix.ts";
import {
  isSameHead,
  isSameReal,
  realKey,
  type IpvsTable,
  type RealServer,
  type VirtualServer,
} from "./virtual-server.ts";

/** One step, which is one line for ipvsadm. `server` is as it is wanted, or, where it is not, as it was. */
export type ServerChange =
  /** Its real servers come as changes of their own, at once after it. */
  | { readonly kind: "add-server"; readonly server: VirtualServer }
  | { readonly kind: "edit-server"; readonly before: VirtualServer; readonly server: VirtualServer }
  | { readonly kind: "delete-server"; readonly server: VirtualServer }
  | { readonly kind: "add-real"; readonly server: VirtualServer; readonly real: RealServer }
  | {
      readonly kind: "edit-real";
      readonly server: VirtualServer;
      readonly before: RealServer;
      readonly real: RealServer;
    }
  | { readonly kind: "delete-real"; readonly server: VirtualServer; readonly real: RealServer };

/** What a diff must know besides the two tables. */
export type DrainView = {
  /** Whether a real server of weight 0 may go: none of its connections is left, or it had its time. Not asked for UDP. */
  readonly isDrained: (server: VirtualServer, real: RealServer) => boolean;
  /** Virtual servers at these addresses are not deleted, nor are their real servers where none is wanted. */
  readonly excludeCidrs: readonly Cidr[];
  /** Keys of virtual servers that are somebody else's: not touched, also where one is wanted. */
  readonly others: ReadonlySet<string>;
};

export type ServerChanges = {
  readonly changes: readonly ServerChange[];
  /** Keys of virtual servers that nobody wants any more and that stay until they are drained; addresses and sets must stay as long. */
  readonly draining: ReadonlySet<string>;
};

/**
 * The changes from `observed` to `desired`: virtual servers and real servers that come, weights, then what goes, in order of `serverKey`.
 * What goes is first given weight 0, where it has connections to lose (TCP, SCTP), and deleted by a later diff once it is drained, which
 * the weight in the kernel tells: nothing is remembered elsewhere. UDP has no end of connections to wait for, so it goes at once.
 */
export function diffServers(observed: IpvsTable, desired: IpvsTable, view: DrainView): ServerChanges {
  const coming: ServerChange[] = [];
  const going: ServerChange[] = [];
  const draining = new Set<string>();
  for (const { key, before, after } of changes(observed, desired)) {
    if (view.others.has(key)) continue;
    if (after === undefined && before !== undefined) {
      if (view.excludeCidrs.some((cidr) => cidrHolds(cidr, before.ip))) continue;
      const drains = before.servers.flatMap((real) => leave(before, real, view));
      if (drains.some(({ kind }) => kind !== "delete-real") || drains.length < before.servers.length) {
        going.push(...drains);
        draining.add(key);
      } else going.push({ kind: "delete-server", server: before });
    } else if (after !== undefined) {
      if (before === undefined) coming.push({ kind: "add-server", server: after });
      else if (!isSameHead(before, after)) coming.push({ kind: "edit-server", before, server: after });
      const turn = diffReals(before?.servers ?? [], after, view);
      coming.push(...turn.coming);
      going.push(...turn.going);
    }
  }
  return { changes: [...coming, ...going], draining };
}

type Turn = { readonly coming: ServerChange[]; readonly going: ServerChange[] };

function diffReals(before: readonly RealServer[], server: VirtualServer, view: DrainView): Turn {
  const turn: Turn = { coming: [], going: [] };
  if (before === server.servers) return turn;
  const known = new Map(before.map((real) => [realKey(real), real]));
  for (const real of server.servers) {
    const was = known.get(realKey(real));
    known.delete(realKey(real));
    if (was === undefined) turn.coming.push({ kind: "add-real", server, real });
    // One that is drained and wanted again only gets its weight back, and keeps its connections.
    else if (!isSameReal(was, real)) turn.coming.push({ kind: "edit-real", server, before: was, real });
  }
  for (const real of known.values()) turn.going.push(...leave(server, real, view));
  return turn;
}

function leave(server: VirtualServer, real: RealServer, { isDrained }: DrainView): ServerChange[] {
  if (server.protocol === "UDP") return [{ kind: "delete-real", server, real }];
  if (real.weight > 0) return [{ kind: "edit-real", server, before: real, real: { ...real, weight: 0 } }];
  return isDrained(server, real) ? [{ kind: "delete-real", server, real }] : [];
}
