// Random objects of the API, sound and malformed. In: nothing. Out: fast-check arbitraries of JSON values and their kinds.
import fc from "fast-check";
import { decodeEndpointSlice } from "../../../rules/decode/endpoint-slice.ts";
import { decodeNode } from "../../../rules/decode/node.ts";
import { decodeService } from "../../../rules/decode/service.ts";
import type { RecordedKind } from "../../../src/from-cluster/trim.ts";
import { anyString } from "../../make/any-string.ts";

/** The decoder that `plan` uses for the kind; ServiceCIDRs are not decoded there. */
export function decoderOf(kind: RecordedKind): (object: unknown) => unknown {
  switch (kind) {
    case "Node":
      return decodeNode;
    case "Service":
      return decodeService;
    case "EndpointSlice":
      return decodeEndpointSlice;
    case "ServiceCIDR":
      return () => undefined;
  }
}

/** Text that YAML would read as something else, break off at, or not hold. */
const text = fc.oneof(
  fc.constantFrom("yes", "on", "~", "null", "0644", "1e3", "12:30:45", "1:2:3:4:5:6:7:8", "2026-01-01", "<<", "- a"),
  fc.constantFrom(
    "",
    " ",
    "---",
    "a\n---\nb",
    "...",
    "# a",
    "a: b",
    "a\tb",
    "\u0085",
    "\u2028",
    "\ufeff",
    "\0",
    "%",
    "&a",
    "*a",
  ),
  anyString(8),
);

/** Sound nearly always; else any JSON at all. */
function mostly<T>(sound: fc.Arbitrary<T>): fc.Arbitrary<unknown> {
  const any = fc.jsonValue({ maxDepth: 2 });
  return fc.oneof({ weight: 12, arbitrary: sound }, { weight: 1, arbitrary: any });
}

const fields = (model: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
  mostly(fc.record(model, { requiredKeys: [] }));
const list = (item: fc.Arbitrary<unknown>) => mostly(fc.array(item, { maxLength: 3 }));
const ip = mostly(fc.constantFrom("10.0.0.1", "10.0.0.2", "fd00::1"));
const name = mostly(fc.constantFrom("web", "db", "on"));
const texts = mostly(fc.dictionary(text, text, { maxKeys: 3 }));

const metadata = (labels: fc.Arbitrary<unknown>) =>
  mostly(
    fc.record(
      {
        name,
        namespace: name,
        labels,
        annotations: texts,
        uid: text,
        resourceVersion: text,
        managedFields: list(texts),
      },
      { requiredKeys: ["name"] },
    ),
  );

const service = fields({
  metadata: metadata(texts),
  spec: fields({
    type: mostly(fc.constantFrom("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")),
    clusterIP: ip,
    clusterIPs: list(ip),
    selector: texts,
    ports: list(fields({ name, port: mostly(fc.constantFrom(80, 443)), targetPort: fc.constantFrom(80, "http") })),
    externalIPs: list(ip),
    loadBalancerSourceRanges: list(mostly(fc.constantFrom("10.0.0.0/8", " fd00::/8 "))),
  }),
  status: fields({
    loadBalancer: fields({ ingress: list(fields({ ip, ipMode: fc.constantFrom("VIP", "Proxy") })) }),
    conditions: list(texts),
  }),
});

const slice = fields({
  metadata: metadata(mostly(fc.record({ "kubernetes.io/service-name": name }))),
  addressType: mostly(fc.constantFrom("IPv4", "IPv6", "FQDN")),
  ports: list(fields({ name, port: fc.constantFrom(80, 8080) })),
  endpoints: list(
    fields({
      addresses: list(ip),
      nodeName: name,
      conditions: fields({ ready: fc.boolean(), serving: fc.boolean() }),
      targetRef: fields({ kind: fc.constant("Pod"), name, uid: text, resourceVersion: text }),
    }),
  ),
});

const node = fields({
  metadata: metadata(mostly(fc.record({ "topology.kubernetes.io/zone": text }))),
  spec: fields({
    podCIDR: text,
    podCIDRs: list(fc.constant("10.244.0.0/24")),
    taints: list(fields({ key: text })),
    providerID: text,
  }),
  status: fields({ addresses: list(fields({ type: fc.constant("InternalIP"), address: ip })), images: list(texts) }),
});

/** An object and the list that it is an item of. */
export const anObject: fc.Arbitrary<{ readonly kind: RecordedKind; readonly object: unknown }> = fc.oneof(
  service.map((object) => ({ kind: "Service" as const, object })),
  slice.map((object) => ({ kind: "EndpointSlice" as const, object })),
  node.map((object) => ({ kind: "Node" as const, object })),
);
