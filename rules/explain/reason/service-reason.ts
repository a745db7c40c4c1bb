// What holds of a Service as a whole. In: ServiceReason. Out: the sentence that says so.
import type { Family, Ip } from "../../net/ip.ts";
import { never } from "../../never.ts";
import { list } from "./words.ts";

export type ServiceReason =
  | { readonly code: "external-name"; readonly service: string; readonly alias: string | undefined }
  /** `ips`: what its name resolves to. */
  | { readonly code: "headless"; readonly service: string; readonly ips: readonly Ip[] }
  | { readonly code: "left-to-others"; readonly service: string }
  | { readonly code: "no-cluster-ip"; readonly service: string }
  | { readonly code: "no-cluster-ip-in-family"; readonly service: string; readonly family: Family }
  | { readonly code: "balancer-without-address"; readonly service: string; readonly nodePorts: readonly number[] }
  | {
      readonly code: "named-port-not-found";
      readonly service: string;
      readonly port: number;
      readonly targetPort: string;
    };

export const serviceCodes: Readonly<Record<ServiceReason["code"], true>> = {
  "external-name": true,
  headless: true,
  "left-to-others": true,
  "no-cluster-ip": true,
  "no-cluster-ip-in-family": true,
  "balancer-without-address": true,
  "named-port-not-found": true,
};

export function renderServiceReason(reason: ServiceReason): string {
  const { service } = reason;
  switch (reason.code) {
    case "external-name":
      return `${service} is an ExternalName Service: it has no rules; its name is an alias of ${reason.alias ?? "nothing"}.`;
    case "headless":
      return reason.ips.length === 0
        ? `${service} is headless: it has no rules, and its name resolves to no address, since no endpoint is ready.`
        : `${service} is headless: it has no rules; its name resolves to ${addresses(reason.ips)}.`;
    case "left-to-others":
      return `${service} carries the label service.kubernetes.io/service-proxy-name or service.kubernetes.io/headless: it is left to another proxy, and has no rules.`;
    case "no-cluster-ip":
      return `${service} has no cluster IP yet, and without one it has no rules.`;
    case "no-cluster-ip-in-family":
      return `${service} has no IPv${reason.family} cluster IP, so it has no IPv${reason.family} rules.`;
    case "balancer-without-address": {
      const { nodePorts } = reason;
      const through =
        nodePorts.length === 0
          ? ""
          : `; what a balancer sends to the node port ${list(nodePorts.map(String))} is served`;
      return `${service} is of type LoadBalancer, and no address of it is for nodes to answer: none is assigned yet, it is a host name only, or its ipMode is Proxy, which leaves it to the balancer${through}.`;
    }
    case "named-port-not-found":
      return `The targetPort ${reason.targetPort} of port ${reason.port} of ${service} is named by no container port of the pods that it selects, so this port has no endpoints.`;
    default:
      return never(reason);
  }
}

function addresses(ips: readonly Ip[]): string {
  return ips.length === 1 ? (ips[0] ?? "") : `these ${ips.length} addresses: ${list(ips)}`;
}
