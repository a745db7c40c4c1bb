// EndpointSlice objects. In: unknown. Out: EndpointSlice, only the fields that rules depend on.
import * as z from "zod";
import { label, list, object, optional, parsed, portNumber, protocol, stringMap, subdomain } from "./fields.ts";
import type { Protocol } from "./protocol.ts";
import { at, decodeAndCheck, type Finding } from "./decode.ts";
import type { Decoded } from "./decoded.ts";
import { isLeftToOthers } from "./service.ts";
import { familyOf, isLoopback, isUnspecified, parseIp, type Ip } from "../net/ip.ts";

/** Endpoints of one Service, of one address family. */
export type EndpointSlice = {
  readonly namespace: string;
  readonly name: string;
  /** The Service's name, from the label `kubernetes.io/service-name`; undefined where a slice belongs to none. */
  readonly service: string | undefined;
  readonly addressType: "IPv4" | "IPv6" | "FQDN";
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly SliceEndpoint[];
  readonly leftToOthers: boolean;
};

/** One port of a slice. A port without number means all ports and gives no rule. */
export type EndpointPort = { readonly name: string; readonly protocol: Protocol; readonly port: number | undefined };

/** One endpoint of a slice. Absent conditions are filled in as KEP-1672 says: ready and serving true, terminating false. */
export type SliceEndpoint = {
  /** The first address: the API says that consumers use only that. Undefined in a slice of host names. */
  readonly ip: Ip | undefined;
  readonly nodeName: string | undefined;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
  /** True where no manifest gives this address and it was made up by a stable hash. */
  readonly placeholder?: true;
};

/** Decodes an EndpointSlice (discovery.k8s.io/v1). */
export function decodeEndpointSlice(input: unknown): Decoded<EndpointSlice> {
  return decodeAndCheck(schema, input, { kind: "EndpointSlice", check: checkAddresses });
}

const condition = optional(z.boolean("must be true or false"), undefined);
const hints = list(object({ name: z.string("must be a string") }));

const endpoint = object({
  addresses: z
    .array(z.string("must be a string"), "must be a list of addresses")
    .min(1, "must hold at least one address"),
  conditions: optional(object({ ready: condition, serving: condition, terminating: condition }), undefined),
  nodeName: optional(z.string("must be a string"), undefined),
  hints: optional(object({ forZones: hints, forNodes: hints }), undefined),
});

const port = object({
  name: optional(
    parsed(
      (text) => (text === "" ? "" : label.safeParse(text).data),
      "not-a-name",
      "must be empty or a label of lower-case letters, digits and '-'",
    ),
    "",
  ),
  protocol: optional(protocol, "TCP" as const),
  port: optional(portNumber, undefined),
});

/** One for all endpoints without hints, which are most. */
const none: readonly string[] = [];

/** Compiled: a cluster has tens of thousands of these, and decoding them is ten times faster so (measured). */
const schema: z.ZodType<EndpointSlice> = z.compile(
  object({
    metadata: object({ name: subdomain, namespace: optional(label, "default"), labels: stringMap }),
    addressType: z.enum(["IPv4", "IPv6", "FQDN"], "must be IPv4, IPv6 or FQDN"),
    ports: list(port),
    endpoints: list(endpoint),
  }).transform(({ metadata, addressType, ports, endpoints }) => ({
    namespace: metadata.namespace,
    name: metadata.name,
    service: metadata.labels["kubernetes.io/service-name"],
    addressType,
    ports,
    endpoints: endpoints.map((given): SliceEndpoint => {
      const ready = given.conditions?.ready ?? true;
      return {
        ip: firstAddress(given.addresses[0] ?? "", addressType),
        nodeName: given.nodeName,
        ready,
        serving: given.conditions?.serving ?? ready,
        terminating: given.conditions?.terminating ?? false,
        zoneHints: given.hints?.forZones.map((hint) => hint.name) ?? none,
        nodeHints: given.hints?.forNodes.map((hint) => hint.name) ?? none,
      };
    }),
    leftToOthers: isLeftToOthers(metadata.labels),
  })),
);

/** Each endpoint's first address, the only one that is read, must be routable and of the slice's family. */
function checkAddresses(input: unknown): Finding[] {
  const addressType = at(input, ["addressType"]);
  const endpoints = at(input, ["endpoints"]);
  if (!Array.isArray(endpoints) || (addressType !== "IPv4" && addressType !== "IPv6")) return [];
  const found: Finding[] = [];
  for (const index of endpoints.keys()) {
    const text = at(endpoints, [index, "addresses", 0]);
    if (typeof text !== "string" || firstAddress(text, addressType) !== undefined) continue;
    const allowed = `must be an ${addressType} address, as addressType says, without zeros before it or a zone, neither unspecified nor loopback`;
    found.push({ path: ["endpoints", index, "addresses", 0], code: "not-an-address", allowed });
  }
  return found;
}

function firstAddress(text: string, addressType: "IPv4" | "IPv6" | "FQDN"): Ip | undefined {
  const ip = parseIp(text);
  if (ip === undefined || addressType !== `IPv${familyOf(ip)}`) return undefined;
  return isUnspecified(ip) || isLoopback(ip) ? undefined : ip;
}
