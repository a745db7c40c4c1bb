// Endpoints objects (v1), the forerunner of EndpointSlice. In: unknown. Out: Endpoints, only the fields that rules depend on.
import * as z from "zod";
import { label, list, object, optional, parsed, portNumber, protocol, routableIp, subdomain } from "./fields.ts";
import { decodeWith } from "./decode.ts";
import type { Decoded } from "./decoded.ts";
import { dnsLabel, nodeName, podNameOf } from "./pod-spec.ts";
import type { EndpointPort } from "./endpoint-slice.ts";
import type { Ip } from "../net/ip.ts";

/** All endpoints of the Service of the same namespace and name. */
export type Endpoints = {
  readonly namespace: string;
  readonly name: string;
  readonly subsets: readonly EndpointSubset[];
};

/** Every address of a subset serves every port of it. One subset may mix families. */
export type EndpointSubset = {
  readonly addresses: readonly EndpointAddress[];
  readonly notReadyAddresses: readonly EndpointAddress[];
  readonly ports: readonly EndpointPort[];
};

/** One address, and the Node, the name in DNS and the Pod where they are known. */
export type EndpointAddress = {
  readonly ip: Ip;
  readonly nodeName: string | undefined;
  readonly hostname: string | undefined;
  readonly pod: string | undefined;
};

/** Decodes an Endpoints object (v1). */
export function decodeEndpoints(input: unknown): Decoded<Endpoints> {
  return decodeWith(schema, input, "Endpoints");
}

const address = object({ ip: routableIp, nodeName, hostname: dnsLabel, targetRef: z.unknown().optional() }).transform(
  ({ ip, nodeName, hostname, targetRef }) => ({ ip, nodeName, hostname, pod: podNameOf(targetRef) }),
);

const portName = parsed(
  (text) => (text === "" ? "" : label.safeParse(text).data),
  "not-a-name",
  "must be empty or a label of lower-case letters, digits and '-'",
);

const port = object({
  name: optional(portName, ""),
  protocol: optional(protocol, "TCP" as const),
  port: portNumber,
});

const schema: z.ZodType<Endpoints> = object({
  metadata: object({ name: subdomain, namespace: optional(label, "default") }),
  subsets: list(object({ addresses: list(address), notReadyAddresses: list(address), ports: list(port) })),
}).transform(({ metadata, subsets }) => ({ namespace: metadata.namespace, name: metadata.name, subsets }));
