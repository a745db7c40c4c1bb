// A cluster that is another at each step, the same for the same seed. In: a seed, a step. Out: its API objects, or what rules are made from.
import {
  buildCluster,
  buildView,
  decodeEndpointSlice,
  decodeService,
  defaultSettings,
  type Cidr,
  type Decoded,
  type Family,
} from "../../rules/index.ts";
import type { Wanted } from "../../src/agent/proxier.ts";
import { thisNode } from "../bench/cluster.ts";
import { apiObjects, type ApiObject, type ServiceBrief } from "../packets/objects.ts";
import { service, slice, steady } from "./objects.ts";

export type Step = { readonly seed: number; readonly step: number };

/**
 * The steady Service, and up to 30 that come, go and change: some from one step to the next, now and then half of them. At every fifth step
 * there is one whose rules are more than a pipe holds (64 KiB), so that the death of who writes it leaves the tool with half of its input.
 */
export function objectsAt(at: Step): ApiObject[] {
  const others = Array.from({ length: 30 }, (_, index) => otherAt(at, index)).filter((brief) => brief !== undefined);
  const ips = Array.from({ length: 400 }, (_, index) => `10.131.${index >> 8}.${index & 255}`);
  const wide = at.step % 5 === 0 ? [service("wide", "10.97.0.1"), slice("wide", ...ips)] : [];
  return [...[steady, ...others].flatMap(apiObjects), ...wide];
}

/** The same as a pass of an agent on the lab's node takes it. */
export function wantedAt(at: Step, family: Family): Wanted {
  const objects = objectsAt(at);
  const decoded = <T>(kind: string, decode: (object: unknown) => Decoded<T>): T[] =>
    objects.filter((object) => object["kind"] === kind).flatMap((object) => decode(object).value ?? []);
  const node = { name: thisNode, zone: undefined, podCidrs: [], primaryIps: [], localIps: [] };
  const cidrs = ["10.244.0.0/16", "fd00:10:244::/48"] as Cidr[];
  return {
    cluster: buildCluster(decoded("Service", decodeService), decoded("EndpointSlice", decodeEndpointSlice)),
    view: buildView(node, { ...defaultSettings, detectLocal: { mode: "ClusterCIDR", cidrs } }, family),
  };
}

/** Numbers from 0 to 1 that depend on nothing but the seed. Source: mulberry32, public domain. */
export function chances(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function otherAt({ seed, step }: Step, index: number): ServiceBrief | undefined {
  const version = Math.floor((step + index) / (3 + (index % 7)));
  const chance = chances(seed * 1_000_003 + index * 1009 + version);
  chance();
  const isAway = chance() < 0.25 || (step % 9 === 4 && index % 2 === 0);
  if (isAway) return undefined;
  const count = Math.floor(chance() * 5);
  return {
    name: `other-${index}`,
    clusterIp: 1 + index,
    protocols: ["TCP"],
    ...(chance() < 0.2 ? { nodePort: 31000 + index } : {}),
    endpoints: Array.from({ length: count }, (_, at) => ({
      host: chance() < 0.5 ? "pod-a" : "remote-b",
      port: 7000 + at,
      ...(chance() < 0.5 ? { nodeName: thisNode } : {}),
    })),
  };
}
