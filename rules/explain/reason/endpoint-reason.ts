// Which endpoints a Service port has here, and why these. In: EndpointReason. Out: the sentence that says so.
import type { Family } from "../../net/ip.ts";
import { never } from "../../never.ts";
import { count, list } from "./words.ts";

/** `service` is `namespace/name[:port]`. */
export type EndpointReason =
  | ({ readonly code: "no-endpoint-ready"; readonly service: string } & Unusable)
  /** Neither a slice nor, where only manifests are known, anything that the selector selects. */
  | { readonly code: "no-slices"; readonly service: string; readonly selector: string }
  /** Slices are there and name the port, but hold nothing. */
  | { readonly code: "no-endpoints"; readonly service: string }
  | {
      readonly code: "endpoints-of-other-family";
      readonly service: string;
      readonly family: Family;
      readonly others: number;
    }
  /** Slices are there, but not for a port of this name and protocol. */
  | { readonly code: "slices-lack-port"; readonly service: string; readonly ports: readonly string[] }
  | {
      readonly code: "no-local-endpoint";
      readonly policy: Policy;
      readonly service: string;
      readonly of: number;
      readonly node: string;
    }
  | { readonly code: "node-name-unknown"; readonly policy: Policy; readonly service: string }
  | { readonly code: "terminating-used"; readonly used: number; readonly local: boolean }
  | {
      readonly code: "hints-leave";
      readonly by: "zone" | "node";
      readonly place: string;
      readonly left: number;
      readonly of: number;
    }
  | {
      readonly code: "hints-unused";
      readonly because: "zone-unknown" | "not-on-all" | "none-for-here";
      readonly place: string;
    }
  | {
      readonly code: "local-leaves";
      readonly policy: Policy;
      readonly left: number;
      readonly of: number;
      readonly node: string;
    }
  | ({ readonly code: "some-not-used" } & Unusable);

export type Policy = "internal" | "external";

/** `total` endpoints exist; so many of them are not ready, or shut down (and no longer serve, or others are ready). */
export type Unusable = { readonly total: number; readonly notReady: number; readonly terminating: number };

export const endpointCodes: Readonly<Record<EndpointReason["code"], true>> = {
  "no-endpoint-ready": true,
  "no-slices": true,
  "no-endpoints": true,
  "endpoints-of-other-family": true,
  "slices-lack-port": true,
  "no-local-endpoint": true,
  "node-name-unknown": true,
  "terminating-used": true,
  "hints-leave": true,
  "hints-unused": true,
  "local-leaves": true,
  "some-not-used": true,
};

export function renderEndpointReason(reason: EndpointReason): string {
  switch (reason.code) {
    case "no-endpoint-ready":
      return `No endpoint of ${reason.service} is ready (${reason.total} exist: ${states(reason)}): the connection is refused.`;
    case "no-slices":
      return reason.selector === ""
        ? `${reason.service} has no selector and no EndpointSlice: it has no endpoints, and the connection is refused.`
        : `No EndpointSlice of ${reason.service} is known, and its selector ${reason.selector} selects nothing that is: it has no endpoints, and the connection is refused.`;
    case "no-endpoints":
      return `The EndpointSlices of ${reason.service} hold no endpoint for it: the connection is refused.`;
    case "endpoints-of-other-family":
      return `${reason.service} has no IPv${reason.family} endpoint, only ${reason.others} of IPv${reason.family === 4 ? 6 : 4}: the connection is refused.`;
    case "slices-lack-port":
      return `No EndpointSlice of ${reason.service} has its port; ${reason.ports.length === 0 ? "they name none" : `they name ${list(reason.ports)}`}. Names and protocols of the Service's ports and the slices' must be the same. The connection is refused.`;
    case "no-local-endpoint":
      return `${policyName(reason.policy)} is Local and ${reason.of === 1 ? `the one endpoint of ${reason.service} is not` : `none of the ${reason.of} endpoints of ${reason.service} is`} on ${reason.node}: dropped.`;
    case "node-name-unknown":
      return `${policyName(reason.policy)} of ${reason.service} is Local, and the name of this node is not known, so no endpoint counts as local: dropped; give the name with --node-name.`;
    case "terminating-used":
      return `${reason.local ? "No local endpoint" : "No endpoint"} is ready; ${count(reason.used, "endpoint")} that still ${reason.used === 1 ? "serves while it terminates is" : "serve while they terminate are"} used.`;
    case "hints-leave":
      return `${reason.by === "zone" ? "Zone" : "Node"} hints leave ${these(reason.left)} of ${count(reason.of, "endpoint")} for ${reason.place}.`;
    case "hints-unused":
      return `${hintsBecause(reason.because, reason.place)}, so topology hints are not used, and every endpoint is.`;
    case "local-leaves":
      return `${policyName(reason.policy)} Local leaves ${these(reason.left)} of ${count(reason.of, "endpoint")}: ${reason.left === 1 ? "the one" : "those"} on ${reason.node}.`;
    case "some-not-used":
      return `Of ${count(reason.total, "endpoint")} some get no new connections: ${states(reason)}.`;
    default:
      return never(reason);
  }
}

function states({ notReady, terminating }: Unusable): string {
  return [
    ...(notReady > 0 ? [`${notReady} not ready`] : []),
    ...(terminating > 0 ? [`${terminating} terminating`] : []),
  ].join(", ");
}

function these(number: number): string {
  return number === 1 ? "this 1" : `these ${number}`;
}

function policyName(policy: Policy): string {
  return `${policy}TrafficPolicy`;
}

function hintsBecause(because: Extract<EndpointReason, { code: "hints-unused" }>["because"], place: string): string {
  switch (because) {
    case "zone-unknown":
      return "Endpoints carry zone hints, but the zone of this node is not known";
    case "not-on-all":
      return "Not every ready endpoint carries a hint";
    case "none-for-here":
      return `No hint names ${place}`;
    default:
      return never(because);
  }
}
