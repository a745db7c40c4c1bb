// Where frontends can be reached on this node. In: changes of frontends, IpvsNode, Cluster. Out: claims on seats: an address, protocol and port each.
import type { Cluster } from "../model/cluster.ts";
import { frontendKey, type Frontend } from "../model/service-port.ts";
import { cidrFamily } from "../net/cidr.ts";
import { familyOf, type Ip } from "../net/ip.ts";
import type { Claim } from "../radix/claims.ts";
import { get, type RadixChange } from "../radix/radix.ts";
import type { IpvsNode } from "./node.ts";
import { parseScheduler, type Scheduler } from "./scheduler.ts";

/** A frontend at one address; a node port has a seat at each of the node's. */
export type Seat = {
  readonly ip: Ip;
  readonly frontend: Frontend;
  /** What the Service's annotation asks for; absent where it asks for nothing that ip_vs has. */
  readonly scheduler?: Scheduler;
  /** Nobody may come: the Service has source ranges, and all are of the other family. */
  readonly closed?: true;
};

/** What seats are made from besides frontends. */
export type Seating = { readonly node: IpvsNode; readonly cluster: Cluster };

/** What a change of a frontend claims and gives up, by `frontendKey` of the seat. A frontend with an address of its own wins over node ports. */
export function seatClaims({ before, after }: RadixChange<Frontend>, seating: Seating): Claim<Seat>[] {
  return [
    ...(before === undefined ? [] : ipsOf(before, seating).map((ip) => claimOf(ip, before))),
    ...(after === undefined
      ? []
      : seatsOf(after, seating).map((seat) => ({ ...claimOf(seat.ip, after), value: seat }))),
  ];
}

function seatsOf(frontend: Frontend, seating: Seating): Seat[] {
  const [key = ""] = frontend.service.split(":");
  const service = get(seating.cluster, key)?.service;
  const scheduler = service?.ipvsScheduler === undefined ? undefined : parseScheduler(service.ipvsScheduler);
  const ranges = service?.sourceRanges ?? [];
  return ipsOf(frontend, seating).map((ip) => {
    const guarded = frontend.kind === "load-balancer-ip" && ranges.length > 0;
    const closed = guarded && ranges.every((cidr) => cidrFamily(cidr) !== familyOf(ip));
    return {
      ip,
      frontend,
      ...(scheduler === undefined ? {} : { scheduler }),
      ...(closed ? { closed } : {}),
    };
  });
}

function ipsOf(frontend: Frontend, { node }: Seating): readonly Ip[] {
  return frontend.ip === undefined ? node.nodePortIps : [frontend.ip];
}

function claimOf(ip: Ip, { kind, protocol, port }: Frontend): Claim<Seat> {
  return { key: frontendKey({ ip, protocol, port }), claimant: kind === "node-port" ? "1" : "0" };
}
