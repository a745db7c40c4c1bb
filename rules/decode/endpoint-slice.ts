// EndpointSlice objects. In: unknown. Out: EndpointSlice, only the fields that rules depend on.
import * as z from "zod";
import { label, list, object, optional, parsed, portNumber, protocol, stringMap, subdomain } from "./fields.ts";
import type { Protocol } from "./protocol.ts";
import { at, decodeAndCheck, decodeWith, type Finding } from "./decode.ts";
import { podNameOf } from "./pod-spec.ts";
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
  /** Its name in DNS, a DNS label. This key and the next are absent, never undefined: a cluster has very many endpoints. */
  readonly hostname?: string;
  /** The Pod that it is, in the slice's namespace. */
  readonly pod?: string;
};

/** Decodes an EndpointSlice (discovery.k8s.io/v1). */
export function decodeEndpointSlice(input: unknown): Decoded<EndpointSlice> {
  const kind = "EndpointSlice";
  const decoded = decodeWith(schema, input, kind);
  // Where every address came out there is none to find fault with: nearly always, and it saves reading each a second time.
  if (decoded.value?.endpoints.every(({ ip }) => ip !== undefined) === true) return decoded;
  return decodeAndCheck(schema, input, { kind, check: checkAddresses });
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
  hostname: optional(label, undefined),
  targetRef: z.unknown().optional(),
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
    endpoints: endpoints.map((given) => sliceEndpoint(given, addressType)),
    leftToOthers: isLeftToOthers(metadata.labels),
  })),
);

/** Four literals, since a key that is added later or by `...` makes each object larger and decoding a tenth slower (measured). */
function sliceEndpoint(given: z.output<typeof endpoint>, addressType: EndpointSlice["addressType"]): SliceEndpoint {
  const { nodeName, hostname, conditions, hints: chosen } = given;
  const pod = podNameOf(given.targetRef);
  const ip = firstAddress(given.addresses[0] ?? "", addressType);
  const ready = conditions?.ready ?? true;
  const serving = conditions?.serving ?? ready;
  const terminating = conditions?.terminating ?? false;
  const zoneHints = chosen?.forZones.map((hint) => hint.name) ?? none;
  const nodeHints = chosen?.forNodes.map((hint) => hint.name) ?? none;
  if (hostname !== undefined && pod !== undefined)
    return { ip, nodeName, ready, serving, terminating, zoneHints, nodeHints, hostname, pod };
  if (hostname !== undefined) return { ip, nodeName, ready, serving, terminating, zoneHints, nodeHints, hostname };
  if (pod !== undefined) return { ip, nodeName, ready, serving, terminating, zoneHints, nodeHints, pod };
  return { ip, nodeName, ready, serving, terminating, zoneHints, nodeHints };
}

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
  if (ip === undefined || addressType !== (familyOf(ip) === 4 ? "IPv4" : "IPv6")) return undefined;
  return isUnspecified(ip) || isLoopback(ip) ? undefined : ip;
}
