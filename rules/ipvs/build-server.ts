// The virtual server of a seat. In: Seat, the scheduler of Services that ask for none. Out: VirtualServer, or undefined where nobody answers there.
import type { Endpoint } from "../model/endpoints.ts";
import { familyOf } from "../net/ip.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Seat } from "./seats.ts";
import type { RealServer, VirtualServer } from "./virtual-server.ts";

/**
 * The virtual server that serves the clients of the frontend's last fate, which are those that no rule takes out of the way before
 * (`detour.ts`). Without endpoints for them there is none: rules refuse or drop what comes, and a virtual server never stands empty.
 */
export function buildServer({ ip, frontend, scheduler }: Seat, otherwise: Scheduler): VirtualServer | undefined {
  const { name, flags } = scheduler ?? otherwise;
  const verdict = frontend.fates.at(-1)?.verdict;
  if (verdict?.kind !== "balance" || verdict.to.length === 0) return undefined;
  return {
    ip,
    protocol: frontend.protocol,
    port: frontend.port,
    scheduler: name,
    flags,
    persistentSeconds: verdict.affinitySeconds,
    persistentBits: familyOf(ip) === 4 ? 32 : 128,
    servers: realServers(verdict.to),
    service: frontend.service,
    others: [],
  };
}

/** One list for all virtual servers of the same endpoints: a Service has one at each of its addresses. */
function realServers(endpoints: readonly Endpoint[]): readonly RealServer[] {
  const known = lists.get(endpoints);
  if (known !== undefined) return known;
  const made = endpoints.map(({ ip, port }): RealServer => ({ ip, port, method: "masquerading", weight: 1 }));
  lists.set(endpoints, made);
  return made;
}

const lists = new WeakMap<readonly Endpoint[], readonly RealServer[]>();
