// Which flows lead where they must not. In: Flow[], Model, the node's addresses, what is owed. Out: the stale ones of them.
import type { Model } from "../model/model.ts";
import { frontendKey, type Frontend } from "../model/service-port.ts";
import { hostPort, isLoopback, type Ip } from "../net/ip.ts";
import { get } from "../radix/radix.ts";
import type { Flow } from "./flow.ts";
import type { Owed } from "./owed.ts";
import { isBalanced, targetsOf, type Tracked } from "./targets.ts";

export type Circumstances = {
  /** Every address on the node's interfaces, of both families or of one. */
  readonly nodeIps: readonly Ip[];
  readonly owed: Owed;
  /** Flows of other protocols are not stale. */
  readonly tracked: Tracked;
};

/**
 * The flows to frontends of the model, which must be that of the rules in force, whose rules would send their packets elsewhere: DNATed to
 * an endpoint that serves no longer; or not DNATed, from before the Service had an endpoint, so that its answers never come. And flows
 * to frontends that are gone, where they lead to endpoints that those had. In the order of `flows`; costs time in proportion to the flows and
 * to the endpoints of the frontends that they are for.
 *
 * Never stale: flows of another family, protocol or conntrack zone; to any other destination, a node port's number on an address that is
 * not the node's included; DNATed to a frontend's own endpoint, by whatever rule.
 */
export function staleFlows(flows: readonly Flow[], model: Model, circumstances: Circumstances): Flow[] {
  const judge = createJudge(model, circumstances);
  const judged = new Map<string, Destination | undefined>();
  const { family } = model.view;
  return flows.filter((flow) => {
    const { protocol, destination, destinationPort, replySource, replySourcePort } = flow;
    if (flow.family !== family || flow.zone !== 0) return false;
    if (protocol === "TCP" || !circumstances.tracked.includes(protocol)) return false;
    const key = `${protocol} ${destinationPort} ${destination}`;
    if (!judged.has(key)) judged.set(key, judge(flow));
    const found = judged.get(key);
    if (found === undefined) return false;
    const target = hostPort(replySource, replySourcePort);
    if (found.kind === "gone") return found.targets.has(target);
    if (found.targets.has(target)) return false;
    const isDnated = replySource !== destination || replySourcePort !== destinationPort;
    return isDnated || found.balanced;
  });
}

/** What a destination is: a frontend, or one that was there. */
type Destination =
  | { readonly kind: "served"; readonly targets: ReadonlySet<string>; readonly balanced: boolean }
  | { readonly kind: "gone"; readonly targets: ReadonlySet<string> };

function createJudge(model: Model, { nodeIps, owed }: Circumstances): (flow: Flow) => Destination | undefined {
  const answers = nodePortAddresses(model, nodeIps);
  const frontendAt = (flow: Flow): Frontend | undefined =>
    get(model.vips.winners, keyOf(flow, flow.destination)) ??
    (answers(flow.destination) ? get(model.nodePorts.winners, keyOf(flow, undefined)) : undefined);
  const formerlyAt = (flow: Flow): ReadonlySet<string> | undefined =>
    owed.formerly.get(keyOf(flow, flow.destination)) ??
    (answers(flow.destination) ? owed.formerly.get(keyOf(flow, undefined)) : undefined);
  return (flow) => {
    const frontend = frontendAt(flow);
    if (frontend !== undefined)
      return { kind: "served", targets: targetsOf(model, frontend), balanced: isBalanced(frontend) };
    const targets = formerlyAt(flow);
    return targets === undefined ? undefined : { kind: "gone", targets };
  };
}

function keyOf({ protocol, destinationPort: port }: Flow, ip: Ip | undefined): string {
  return frontendKey({ ip, protocol, port });
}

/** Whether node ports answer on an address. All of 127.0.0.0/8 is the node's, though only 127.0.0.1 is on an interface. */
function nodePortAddresses({ view }: Model, nodeIps: readonly Ip[]): (ip: Ip) => boolean {
  if (view.nodePortIps !== "all") {
    const listed = new Set<Ip>(view.nodePortIps);
    return (ip) => listed.has(ip);
  }
  const own = new Set<Ip>(nodeIps);
  return (ip) => (isLoopback(ip) ? view.localhostNodePorts : own.has(ip));
}
