// Random small clusters on the lab's hosts. In: nothing. Out: a fast-check arbitrary of Situations, and the situations that lack one thing each.
import fc from "fast-check";
import { podNetworks, type Situation } from "./harness.ts";
import type { ApiObject, ServiceBrief } from "./objects.ts";

/** The port on which the lab's node answers, as a Pod in the node's network would. */
export const nodeServerPort = 9090;

type EndpointBrief = Exclude<NonNullable<ServiceBrief["endpoints"]>[number], string>;

const endpoint: fc.Arbitrary<EndpointBrief> = fc
  .record({
    host: fc.constantFrom("pod-a", "pod-a", "pod-b", "remote-a", "remote-b", "node"),
    port: fc.constantFrom(80, 8080),
    state: fc.constantFrom<Partial<EndpointBrief>>(
      {},
      {},
      {},
      { ready: false, serving: true, terminating: true },
      { ready: false, serving: false },
    ),
    zoneHints: fc.constantFrom([], ["zone-a"], ["zone-b"]),
  })
  .map(({ host, port, state, zoneHints }) => ({
    host,
    port: host === "node" ? nodeServerPort : port,
    zoneHints,
    ...state,
  }));

const ranges = ["203.0.113.0/24", "10.244.0.5/32", "192.168.0.0/24", "2001:db8:1::/48", "fd00:10:244::5/128"];

const policy = fc.constantFrom("Cluster", "Cluster", "Local");

function service(index: number): fc.Arbitrary<ServiceBrief> {
  const number = index + 1;
  return fc
    .record({
      endpoints: fc.uniqueArray(endpoint, { maxLength: 4, selector: ({ host }) => host }),
      kinds: fc.subarray(["nodePort", "externalIps", "vips"]),
      internalTrafficPolicy: policy,
      externalTrafficPolicy: policy,
      sticky: fc.constantFrom(false, false, true),
      loadBalancerSourceRanges: fc.oneof(fc.constant([]), fc.subarray(ranges, { minLength: 1, maxLength: 3 })),
    })
    .map(({ endpoints, kinds, sticky, loadBalancerSourceRanges, ...policies }) => ({
      name: `s${number}`,
      clusterIp: number,
      ...(kinds.includes("nodePort") ? { nodePort: 30080 + number } : {}),
      ...(kinds.includes("externalIps") ? { externalIps: [number] } : {}),
      ...(kinds.includes("vips") ? { vips: [number] } : {}),
      endpoints,
      spec: {
        ...policies,
        ...(sticky ? { sessionAffinity: "ClientIP" } : {}),
        ...(kinds.includes("vips") && loadBalancerSourceRanges.length > 0 ? { loadBalancerSourceRanges } : {}),
      },
    }));
}

const config: fc.Arbitrary<ApiObject> = fc
  .record({
    detect: fc.constantFrom<ApiObject[]>(
      { clusterCIDR: podNetworks },
      { clusterCIDR: "" },
      { detectLocalMode: "NodeCIDR" },
      { detectLocalMode: "BridgeInterface", detectLocal: { bridgeInterface: "pod0" } },
      { detectLocalMode: "InterfaceNamePrefix", detectLocal: { interfaceNamePrefix: "pod" } },
    ),
    masqueradeAll: fc.constantFrom(false, false, true),
    masqueradeBit: fc.constantFrom(14, 14, 31),
    localhostNodePorts: fc.boolean(),
    nodePortAddresses: fc.constantFrom<(string[] | undefined)[]>(undefined, undefined, ["primary"], ["127.0.0.0/8"]),
  })
  .map(({ detect, nodePortAddresses, ...iptables }) => ({
    ...detect,
    iptables,
    ...(nodePortAddresses === undefined ? {} : { nodePortAddresses }),
  }));

/** 4 to 6 Services with all kinds of addresses and policies, their endpoints on hosts of the lab, and any node settings. */
export const situations: fc.Arbitrary<Situation> = fc
  .tuple(fc.integer({ min: 4, max: 6 }), fc.tuple(...[0, 1, 2, 3, 4, 5].map(service)), config)
  .map(([count, services, chosen]) => ({ services: services.slice(0, count), config: chosen }));

/** The same with one thing less, what takes most away first: a Service, an endpoint, an address, a setting. */
export function* smaller(situation: Situation): Generator<Situation> {
  const { services, config: chosen = {} } = situation;
  for (const [at] of services.entries()) yield { ...situation, services: services.toSpliced(at, 1) };
  for (const [at, brief] of services.entries())
    for (const less of smallerService(brief)) yield { ...situation, services: services.with(at, less) };
  for (const key of Object.keys(chosen)) yield { ...situation, config: without(chosen, key) };
}

function* smallerService(brief: ServiceBrief): Generator<ServiceBrief> {
  const { endpoints = [], spec = {} } = brief;
  for (const [at] of endpoints.entries()) yield { ...brief, endpoints: endpoints.toSpliced(at, 1) };
  for (const key of ["nodePort", "externalIps", "vips"] as const) {
    const { [key]: gone, ...rest } = brief;
    if (gone !== undefined) yield rest;
  }
  for (const key of Object.keys(spec)) yield { ...brief, spec: without(spec, key) };
}

function without(object: ApiObject, key: string): ApiObject {
  return Object.fromEntries(Object.entries(object).filter(([each]) => each !== key));
}
