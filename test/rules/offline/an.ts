// Minimal offline objects for tests. In: the few fields that matter. Out: decoded objects.
import { decodeEndpointSlice, type EndpointSlice } from "../../../rules/decode/endpoint-slice.ts";
import { decodeEndpoints, type Endpoints } from "../../../rules/decode/endpoints.ts";
import { decodeNode, type Node } from "../../../rules/decode/node.ts";
import { decodePod, type Pod } from "../../../rules/decode/pod.ts";
import { decodeService, type Service } from "../../../rules/decode/service.ts";
import { decodeWorkload, type Workload, type WorkloadKind } from "../../../rules/decode/workload.ts";
import type { Decoded } from "../../../rules/decode/decoded.ts";
import type { OfflineObjects, PlaceholderRanges } from "../../../rules/offline/objects.ts";
import { parseCidr, type Cidr } from "../../../rules/net/cidr.ts";

type Fields = Readonly<Record<string, unknown>>;

export const aService = (spec: Fields = {}, metadata: Fields = {}): Service =>
  value(
    decodeService({
      metadata: { name: "web", ...metadata },
      spec: { selector: { app: "web" }, ports: [{ port: 80 }], ...spec },
    }),
  );

export const aSlice = (fields: Fields = {}, metadata: Fields = {}): EndpointSlice =>
  value(
    decodeEndpointSlice({
      metadata: { name: "web-1", labels: { "kubernetes.io/service-name": "web" }, ...metadata },
      addressType: "IPv4",
      ports: [{ port: 80 }],
      endpoints: [{ addresses: ["10.1.0.1"] }],
      ...fields,
    }),
  );

export const anEndpoints = (subsets: readonly Fields[], metadata: Fields = {}): Endpoints =>
  value(decodeEndpoints({ metadata: { name: "web", ...metadata }, subsets }));

export const aPod = (name: string, fields: Fields = {}, metadata: Fields = {}): Pod =>
  value(decodePod({ metadata: { name, labels: { app: "web" }, ...metadata }, spec: {}, ...fields }));

export const aWorkload = (kind: WorkloadKind, spec: Fields = {}, metadata: Fields = {}): Workload =>
  value(
    decodeWorkload(
      {
        metadata: { name: "web", ...metadata },
        spec: { template: { metadata: { labels: { app: "web" } }, spec: {} }, ...spec },
      },
      kind,
    ),
  );

export const aNode = (name: string, ...addresses: readonly string[]): Node =>
  value(
    decodeNode({
      metadata: { name },
      status: { addresses: addresses.map((address) => ({ type: "InternalIP", address })) },
    }),
  );

export const objectsOf = (objects: Partial<OfflineObjects>): OfflineObjects => ({
  services: [],
  slices: [],
  endpoints: [],
  nodes: [],
  pods: [],
  workloads: [],
  ...objects,
});

export const containers = (...ports: readonly Fields[]): Fields => ({ containers: [{ ports }] });

/** A status as a running, ready pod has it. */
export const running = (...ips: readonly string[]): Fields => ({
  phase: "Running",
  podIPs: ips.map((ip) => ({ ip })),
  conditions: [{ type: "Ready", status: "True" }],
});

export const cidrs = (...texts: readonly string[]): readonly Cidr[] =>
  texts.map((text) => {
    const cidr = parseCidr(text);
    if (cidr === undefined) throw new Error(`bug: ${text} is no block`);
    return cidr;
  });

export const someRanges: PlaceholderRanges = {
  serviceCidrs: cidrs("10.96.0.0/12", "fd96::/108"),
  podCidrs: cidrs("10.244.0.0/16", "fd44::/64"),
  nodePorts: { low: 30000, high: 32767 },
};

function value<T>(decoded: Decoded<T>): T {
  if (decoded.value === undefined) throw new Error(`bug: ${JSON.stringify(decoded.problems)}`);
  return decoded.value;
}
