// What an address is, that is no Service's frontend. In: DestinationReason. Out: the sentence that says so.
import { hostPort, type Ip } from "../../net/ip.ts";
import { never } from "../../never.ts";
import { count, list } from "./words.ts";

export type DestinationReason =
  | { readonly code: "address-of-nobody"; readonly ip: Ip }
  /** The address is a Service's, the port is not. `ports`: those that are. */
  | { readonly code: "port-not-of-address"; readonly ip: Ip; readonly port: string; readonly ports: readonly string[] }
  | { readonly code: "node-port-of-nobody"; readonly port: string; readonly other: string | undefined }
  | { readonly code: "endpoint-itself"; readonly ip: Ip; readonly port: number; readonly services: readonly string[] }
  /** `answer`: the status that the proxy of this node gives there. */
  | {
      readonly code: "health-check-port";
      readonly port: number;
      readonly service: string;
      readonly local: number;
      readonly answer: 200 | 503;
    };

export const destinationCodes: Readonly<Record<DestinationReason["code"], true>> = {
  "address-of-nobody": true,
  "port-not-of-address": true,
  "node-port-of-nobody": true,
  "endpoint-itself": true,
  "health-check-port": true,
};

export function renderDestinationReason(reason: DestinationReason): string {
  switch (reason.code) {
    case "address-of-nobody":
      return `${reason.ip} belongs to no Service here, and is no endpoint of one.`;
    case "port-not-of-address":
      return `${reason.ip} is a Service's, but port ${reason.port} is not: it has ${list(reason.ports)}.`;
    case "node-port-of-nobody":
      return `No Service has the node port ${reason.port}${reason.other === undefined ? "" : `; ${reason.other} has it with another protocol`}.`;
    case "endpoint-itself":
      return `${hostPort(reason.ip, reason.port)} is an endpoint of ${list(reason.services)}: no Service rule is needed to reach it.`;
    case "health-check-port":
      return `Port ${reason.port} is the health-check node port of ${reason.service}: with ${count(reason.local, "ready local endpoint")} a load balancer is answered ${reason.answer} there, and ${reason.answer === 200 ? "sends its traffic here" : "sends its traffic to other nodes"}.`;
    default:
      return never(reason);
  }
}
