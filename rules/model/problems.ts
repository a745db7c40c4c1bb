// What an operator should know of a model although its rules are complete. In: Model. Out: Problem[].
import type { Problem } from "../problem.ts";
import { get, values } from "../radix/radix.ts";
import type { Service } from "../decode/service.ts";
import { cidrFamily } from "../net/cidr.ts";
import { familyOf, type Family } from "../net/ip.ts";
import { isServed, servicePorts, type Model } from "./model.ts";
import { frontendKey, type Frontend } from "./service-port.ts";

/** Findings about the Services of a model, in order of Service. Looks at every Service: not for the path of one change. */
export function findProblems(model: Model): Problem[] {
  return [...conflicts(model), ...openRanges(model), ...unknownNode(model)];
}

/** Two Services that claim one address and port: only one can have it. */
function conflicts(model: Model): Problem[] {
  if ([model.vips, model.nodePorts].every(({ claims, winners }) => claims.size === winners.size)) return [];
  const lost = servicePorts(model).flatMap((port) => port.frontends.filter((frontend) => !isServed(model, frontend)));
  return lost.flatMap((frontend): Problem[] => {
    const winner = holder(model, frontend);
    if (winner === undefined || winner.service === frontend.service) return [];
    const where = frontend.ip === undefined ? `node port ${frontend.port}` : `${frontend.ip} port ${frontend.port}`;
    return [
      {
        code: "frontend-conflict",
        severity: "warning",
        object: `Service ${serviceOf(frontend)}`,
        path: ["spec"],
        text: `${where} ${frontend.protocol} is taken by ${winner.service}, which goes before ${frontend.service}`,
      },
    ];
  });
}

function holder(model: Model, frontend: Frontend): Frontend | undefined {
  return get((frontend.ip === undefined ? model.nodePorts : model.vips).winners, frontendKey(frontend));
}

/** Ranges of one family only leave load-balancer addresses of the other open to everyone, in kube-proxy too. */
function openRanges({ cluster, view }: Model): Problem[] {
  return values(cluster).flatMap(({ service }): Problem[] => {
    if (service === undefined || !hasRangesOfOtherFamily(service, view.family)) return [];
    return [
      {
        code: "source-ranges-of-other-family",
        severity: "warning",
        object: `Service ${service.namespace}/${service.name}`,
        path: ["spec", "loadBalancerSourceRanges"],
        text: `has no IPv${view.family} block, so the IPv${view.family} load-balancer address is open to everyone; add one to close it`,
      },
    ];
  });
}

/** Whether it has load-balancer addresses of this family, and source ranges, but none of this family. */
export function hasRangesOfOtherFamily({ sourceRanges, loadBalancerIps }: Service, family: Family): boolean {
  if (sourceRanges.length === 0 || !loadBalancerIps.some((ip) => familyOf(ip) === family)) return false;
  return !sourceRanges.some((cidr) => cidrFamily(cidr) === family);
}

/** Without a node name no endpoint is local, and Services with a Local policy drop everything. */
function unknownNode(model: Model): Problem[] {
  if (model.view.nodeName !== undefined) return [];
  const local = servicePorts(model).filter((port) => [port.internalPolicy, port.externalPolicy].includes("Local"));
  return [...new Set(local.map((port) => serviceOf({ service: port.name })))].map((service) => ({
    code: "node-name-unknown",
    severity: "warning",
    object: `Service ${service}`,
    path: ["spec"],
    text: "has a Local traffic policy, and no endpoint counts as local since no node name is known; give one with --node-name",
  }));
}

function serviceOf(frontend: { readonly service: string }): string {
  return frontend.service.replace(/:.*$/, "");
}
