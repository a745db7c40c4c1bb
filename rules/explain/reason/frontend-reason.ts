// What a Service's settings do to a client's packet. In: FrontendReason. Out: the sentence that says so.
import type { Cidr } from "../../net/cidr.ts";
import type { Family, Ip } from "../../net/ip.ts";
import { never } from "../../never.ts";
import { count, list } from "./words.ts";

export type FrontendReason =
  | { readonly code: "outside-stand-in" | "node-stand-in"; readonly ip: Ip }
  | {
      readonly code: "client-on-other-node";
      readonly pod: string;
      readonly node: string;
      readonly here: string | undefined;
    }
  | { readonly code: "cluster-ip-from-outside"; readonly ip: Ip; readonly service: string; readonly otherWays: boolean }
  | { readonly code: "placeholder-frontend"; readonly what: string }
  | { readonly code: "placeholder-endpoints"; readonly count: number }
  | { readonly code: "frontend-taken"; readonly what: string; readonly service: string; readonly by: string }
  | {
      readonly code: "not-a-node-port-address";
      readonly ip: Ip;
      readonly port: number;
      readonly answering: readonly Ip[];
    }
  | { readonly code: "loopback-node-port" | "loopback-not-balanced"; readonly ip: Ip; readonly port: number }
  | {
      readonly code: "source-not-in-ranges";
      readonly source: Ip;
      readonly service: string;
      readonly ranges: readonly Cidr[];
    }
  | {
      readonly code: "source-ranges-of-other-family" | "closed-by-other-family";
      readonly service: string;
      readonly family: Family;
    }
  | { readonly code: "policy-not-for-client"; readonly service: string; readonly client: "local-pods" | "this-node" }
  | { readonly code: "affinity"; readonly service: string; readonly seconds: number }
  | { readonly code: "masqueraded"; readonly because: MasqueradeCause }
  | { readonly code: "source-kept"; readonly because: "local-policy" | "pod-client" | "pods-not-told" }
  | { readonly code: "hairpin"; readonly ip: Ip };

export type MasqueradeCause = "cluster-policy" | "masquerade-all" | "not-a-pod" | "node-client";

export const frontendCodes: Readonly<Record<FrontendReason["code"], true>> = {
  "outside-stand-in": true,
  "node-stand-in": true,
  "client-on-other-node": true,
  "cluster-ip-from-outside": true,
  "placeholder-frontend": true,
  "placeholder-endpoints": true,
  "frontend-taken": true,
  "not-a-node-port-address": true,
  "loopback-node-port": true,
  "loopback-not-balanced": true,
  "source-not-in-ranges": true,
  "source-ranges-of-other-family": true,
  "closed-by-other-family": true,
  "policy-not-for-client": true,
  affinity: true,
  masqueraded: true,
  "source-kept": true,
  hairpin: true,
};

export function renderFrontendReason(reason: FrontendReason): string {
  switch (reason.code) {
    case "outside-stand-in":
      return `${reason.ip} stands in for a client outside the cluster.`;
    case "node-stand-in":
      return `The node's own address is not known; ${reason.ip} stands in for it (--node-address gives the real one).`;
    case "client-on-other-node":
      return `The pod ${reason.pod} is on ${reason.node}, whose own rules decide; this is what ${reason.here ?? "this node"} does with such a packet.`;
    case "cluster-ip-from-outside":
      return `A client outside the cluster usually has no route to the cluster IP ${reason.ip}; this is what happens if its packet comes to this node.${reason.otherWays ? "" : ` ${reason.service} has no address for clients outside: neither an external IP, nor a load balancer's, nor a node port.`}`;
    case "placeholder-frontend":
      return `No manifest gives ${reason.what}: it was made up.`;
    case "placeholder-endpoints":
      return `No manifest gives the addresses of ${count(reason.count, "endpoint")}: they were made up.`;
    case "frontend-taken":
      return `${reason.what} is taken by ${reason.by}, which goes before ${reason.service}.`;
    case "not-a-node-port-address":
      return `${reason.ip} is not one of nodePortAddresses (${reason.answering.length === 0 ? "no address of this node is" : list(reason.answering)}), so node port ${reason.port} does not answer on it.`;
    case "loopback-node-port":
      return reason.ip === "::1"
        ? `Node ports do not answer on ::1: the kernel does not route from it.`
        : `Node port ${reason.port} does not answer on ${reason.ip}: localhostNodePorts is false.`;
    case "loopback-not-balanced":
      return `Node port ${reason.port} does not answer on ${reason.ip}: in IPVS mode it does on the node's other addresses alone, since ip_vs sends nothing on from loopback.`;
    case "source-not-in-ranges":
      return `${reason.source} is in none of the loadBalancerSourceRanges of ${reason.service} (${list(reason.ranges)}): dropped.`;
    case "source-ranges-of-other-family":
      return `The loadBalancerSourceRanges of ${reason.service} have no IPv${reason.family} block, so its IPv${reason.family} load-balancer address is open to everyone.`;
    case "closed-by-other-family":
      return `The loadBalancerSourceRanges of ${reason.service} have no IPv${reason.family} block, so in IPVS mode its IPv${reason.family} load-balancer address is closed to everyone: dropped.`;
    case "policy-not-for-client":
      return `externalTrafficPolicy of ${reason.service} is Local, but ${reason.client === "local-pods" ? "a pod of this cluster" : "the node itself"} still reaches every endpoint.`;
    case "affinity":
      return `sessionAffinity of ${reason.service} is ClientIP: a client that was here in the last ${reason.seconds} s goes to the same endpoint again; this is what a new one gets.`;
    case "masqueraded":
      return `The endpoint sees the node's address, ${masqueradeBecause(reason.because)}.`;
    case "source-kept":
      return `The endpoint sees the client's address, ${keptBecause(reason.because)}.`;
    case "hairpin":
      return `The client ${reason.ip} is an endpoint itself; what comes back to it comes from the node's address, or it would not take its own answer.`;
    default:
      return never(reason);
  }
}

function masqueradeBecause(because: MasqueradeCause): string {
  switch (because) {
    case "cluster-policy":
      return "since externalTrafficPolicy is Cluster";
    case "masquerade-all":
      return "since masqueradeAll is set";
    case "not-a-pod":
      return "since the client is not one of this cluster's pods";
    case "node-client":
      return "since the client is the node";
    default:
      return never(because);
  }
}

function keptBecause(because: Extract<FrontendReason, { code: "source-kept" }>["because"]): string {
  switch (because) {
    case "local-policy":
      return "since externalTrafficPolicy is Local";
    case "pod-client":
      return "since the client is one of this cluster's pods";
    case "pods-not-told":
      return "since nothing says how pods are told from others (detectLocalMode, clusterCIDR), so nothing is masqueraded";
    default:
      return never(because);
  }
}
