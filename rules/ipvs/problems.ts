// What an operator should know of this mode although its state is complete. In: IpvsBuild, virtual servers of others. Out: Problem[].
import { hasRangesOfOtherFamily } from "../model/problems.ts";
import { hostPort } from "../net/ip.ts";
import { quoted, type Problem } from "../problem.ts";
import { get, values } from "../radix/radix.ts";
import type { IpvsBuild } from "./build.ts";
import { parseScheduler, schedulerNames } from "./scheduler.ts";

/**
 * Findings besides those of `findProblems`, in order of Service; of these `source-ranges-of-other-family` is not true here, where
 * `closed-by-source-ranges` is. Looks at every Service: not for the path of one change.
 */
export function findIpvsProblems(build: IpvsBuild, others: ReadonlySet<string> = new Set()): Problem[] {
  return [
    ...unknownSchedulers(build),
    ...closedRanges(build),
    ...nodePortsNowhere(build),
    ...takenByOthers(build, others),
  ];
}

function unknownSchedulers({ model, node }: IpvsBuild): Problem[] {
  return values(model.cluster).flatMap(({ service }): Problem[] => {
    const asked = service?.ipvsScheduler;
    if (service === undefined || asked === undefined || parseScheduler(asked) !== undefined) return [];
    return [
      {
        code: "unknown-scheduler",
        severity: "warning",
        object: `Service ${service.namespace}/${service.name}`,
        path: ["metadata", "annotations", "rulewright.dev/ipvs-scheduler"],
        text: `is ${quoted(asked)}, must be one of ${schedulerNames.join(", ")}; ${node.scheduler.name} is used`,
      },
    ];
  });
}

/** Ranges of one family only close load-balancer addresses of the other (`seats.ts`); iptables mode leaves them open. */
function closedRanges({ model: { cluster, view } }: IpvsBuild): Problem[] {
  return values(cluster).flatMap(({ service }): Problem[] => {
    if (service === undefined || !hasRangesOfOtherFamily(service, view.family)) return [];
    return [
      {
        code: "closed-by-source-ranges",
        severity: "warning",
        object: `Service ${service.namespace}/${service.name}`,
        path: ["spec", "loadBalancerSourceRanges"],
        text: `has no IPv${view.family} block, so in mode ipvs nobody may come to the IPv${view.family} load-balancer address; add one to open it`,
      },
    ];
  });
}

/** ip_vs takes nothing from loopback addresses, so `localhostNodePorts` cannot be had; a connection there is refused by the node itself. */
function nodePortsNowhere({ model: { nodePorts, view }, node }: IpvsBuild): Problem[] {
  if (nodePorts.winners.size === 0) return [];
  const setting = { severity: "warning" as const, object: "KubeProxyConfiguration" };
  const localhost: Problem = {
    ...setting,
    code: "no-localhost-node-ports",
    path: ["iptables", "localhostNodePorts"],
    text: "is true, but in mode ipvs node ports are refused on 127.0.0.0/8, which ip_vs does not serve; use an address of the node",
  };
  const nowhere: Problem = {
    ...setting,
    code: "no-node-port-addresses",
    path: ["nodePortAddresses"],
    text: `leaves no IPv${view.family} address of this node on which node ports could be served`,
  };
  return [...(view.localhostNodePorts ? [localhost] : []), ...(node.nodePortIps.length === 0 ? [nowhere] : [])];
}

function takenByOthers({ state, seats }: IpvsBuild, others: ReadonlySet<string>): Problem[] {
  return [...others].flatMap((key): Problem[] => {
    const server = get(state.servers, key);
    if (server === undefined || get(seats.winners, key) === undefined) return [];
    return [
      {
        code: "virtual-server-of-others",
        severity: "error",
        object: `Service ${server.service?.split(":")[0] ?? ""}`,
        path: ["spec", "ports"],
        text: `${server.protocol} ${hostPort(server.ip, server.port)} has a virtual server that is not ours, and is left to it: delete it with ipvsadm`,
      },
    ];
  });
}
