// A cluster that lives: Services come, change, go and come back under their names. In: chances. Out: what to tell an API server, step by step.
import { thisNode } from "../bench/cluster.ts";
import type { ApiObject } from "../support/store.ts";
import { service } from "./objects.ts";

/** A cluster's life so far. Each call makes something happen to so many Services, chosen by chance, and gives the writes in order. */
export type Life = {
  /** New names, or some that were there before. */
  readonly create: (count: number) => Write[];
  /** Other endpoints, or the same in another condition. */
  readonly churn: (count: number) => Write[];
  /** Both traffic policies and session affinity, on and off. */
  readonly switchPolicies: (count: number) => Write[];
  /** Of some the slices stay behind. */
  readonly remove: (count: number) => Write[];
  /** Services that were removed come back with other addresses, ports and types. */
  readonly recreate: (count: number) => Write[];
  /** The same to Services that are there: all of it can fall into one pass. */
  readonly replace: (count: number) => Write[];
  /** How many there are. */
  readonly size: () => number;
};

/** All objects are in namespace `default`. */
export type Write =
  | { readonly does: "set"; readonly object: ApiObject }
  | { readonly does: "remove"; readonly kind: "Service" | "EndpointSlice"; readonly name: string };

/** A life of Services `life-N`. `chance` gives numbers from 0 to 1; the same numbers make the same life. */
export function createLife(chance: () => number): Life {
  const there = new Map<string, Facts>();
  const gone = new Map<string, Facts>();
  const draw = (below: number) => Math.floor(chance() * below);
  const pools: Pools = {
    ips: pool(1, 4000, draw),
    nodePorts: pool(201, 420, draw),
    checks: pool(32_500, 260, draw),
  };
  let named = 0;
  const some = (from: ReadonlyMap<string, Facts>, count: number): Facts[] => {
    const all = [...from.values()];
    return Array.from({ length: Math.min(count, all.length) }, () => all.splice(draw(all.length), 1)).flat();
  };
  const appear = (name: string): Write[] => {
    const facts = factsOf(name, pools, chance);
    there.set(name, facts);
    const writes = [set(serviceOf(facts)), ...slicesOf(facts).map(set)];
    return chance() < 0.5 ? writes : writes.reverse();
  };
  const vanish = (facts: Facts, keepsSlices: boolean): Write[] => {
    there.delete(facts.name);
    pools.ips.give(facts.ip);
    pools.nodePorts.give(facts.nodePort);
    pools.checks.give(facts.check);
    const slices = slicesOf(facts).map((slice) => removal("EndpointSlice", slice));
    if (keepsSlices) gone.set(facts.name, facts);
    else gone.set(facts.name, { ...facts, endpoints: [] });
    return [removal("Service", serviceOf(facts)), ...(keepsSlices ? [] : slices)];
  };
  const comeBack = (facts: Facts): Write[] => {
    gone.delete(facts.name);
    const old = facts.endpoints.length === 0 ? [] : slicesOf(facts).map((slice) => removal("EndpointSlice", slice));
    const fresh = appear(facts.name);
    const names = new Set(fresh.flatMap((write) => (write.does === "set" ? [nameOf(write.object)] : [])));
    // A slice of the same name is written over; the others are cleared away late, as the controller does.
    return [...fresh, ...old.filter((write) => write.does === "remove" && !names.has(write.name))];
  };
  const change = (count: number, how: (facts: Facts) => Facts, show: (facts: Facts) => ApiObject[]): Write[] =>
    some(there, count).flatMap((facts) => {
      const changed = how(facts);
      there.set(facts.name, changed);
      return show(changed).map(set);
    });
  return {
    create: (count) => Array.from({ length: count }, () => appear(`life-${(named += 1)}`)).flat(),
    churn: (count) => change(count, (facts) => ({ ...facts, endpoints: moved(facts.endpoints, chance) }), slicesOf),
    switchPolicies: (count) =>
      change(
        count,
        (facts) => ({ ...facts, ...policies(chance) }),
        (facts) => [serviceOf(facts)],
      ),
    remove: (count) => some(there, count).flatMap((facts) => vanish(facts, chance() < 0.3)),
    recreate: (count) => some(gone, count).flatMap(comeBack),
    replace: (count) =>
      some(there, count).flatMap((facts) => {
        const removed = vanish(facts, chance() < 0.5);
        return [...removed, ...comeBack(gone.get(facts.name) ?? facts)];
      }),
    size: () => there.size,
  };
}

/** What a Service and its slices are made from. Numbers stand for addresses and ports. */
type Facts = Policies & {
  readonly name: string;
  readonly kind: "ClusterIP" | "NodePort" | "LoadBalancer";
  readonly families: readonly (4 | 6)[];
  readonly ip: number;
  /** Four node ports, one for each port. */
  readonly nodePort: number | undefined;
  /** Of health checks, where the policy for external traffic is Local. */
  readonly check: number | undefined;
  readonly ports: readonly { readonly port: number; readonly protocol: "TCP" | "UDP" }[];
  /** Of these there are few, so that Services claim the same and one of them must win. */
  readonly externalIp: number | undefined;
  readonly isGuarded: boolean;
  readonly endpoints: readonly Place[];
};

type Policies = { readonly internal: Policy; readonly external: Policy; readonly affinitySeconds: number | undefined };
type Policy = "Cluster" | "Local";
type Place = { readonly ip: number; readonly here: boolean; readonly ready: boolean; readonly terminating: boolean };

type Pool = { readonly take: () => number; readonly give: (number: number | undefined) => void };
type Pools = { readonly ips: Pool; readonly nodePorts: Pool; readonly checks: Pool };

/** Numbers that nobody else has: the API server gives none twice, and gives again what has come free. */
function pool(first: number, count: number, draw: (below: number) => number): Pool {
  const free = Array.from({ length: count }, (_, at) => first + at);
  return {
    take: () => {
      const [taken] = free.splice(draw(free.length), 1);
      if (taken === undefined) throw new Error("bug: no number is left");
      return taken;
    },
    give: (number) => {
      if (number !== undefined) free.push(number);
    },
  };
}

function factsOf(name: string, pools: Pools, chance: () => number): Facts {
  const kind = chance() < 0.85 ? "ClusterIP" : chance() < 0.6 ? "NodePort" : "LoadBalancer";
  const count = 1 + Math.floor(chance() * chance() * 4);
  return {
    name,
    kind,
    families: chance() < 0.8 ? [4] : chance() < 0.6 ? [4, 6] : [6],
    ip: pools.ips.take(),
    nodePort: kind === "ClusterIP" ? undefined : pools.nodePorts.take(),
    check: kind === "LoadBalancer" ? pools.checks.take() : undefined,
    ports: Array.from({ length: count }, (_, at) => ({
      port: 80 + at * 100 + Math.floor(chance() * 5),
      protocol: chance() < 0.8 ? "TCP" : "UDP",
    })),
    externalIp: chance() < 0.05 ? Math.floor(chance() * 8) : undefined,
    isGuarded: kind === "LoadBalancer" && chance() < 0.4,
    endpoints: Array.from({ length: Math.floor(chance() * 5) }, () => aPlace(chance)),
    ...policies(chance),
  };
}

function policies(chance: () => number): Policies {
  return {
    internal: chance() < 0.85 ? "Cluster" : "Local",
    external: chance() < 0.6 ? "Cluster" : "Local",
    affinitySeconds: chance() < 0.8 ? undefined : 60 + Math.floor(chance() * 100),
  };
}

function aPlace(chance: () => number): Place {
  const [isReady, isLeaving] = [chance() < 0.85, chance() < 0.1];
  return {
    ip: Math.floor(chance() * 2000),
    here: chance() < 0.3,
    ready: isReady && !isLeaving,
    terminating: isLeaving,
  };
}

/** Some leave, some come, one is ready or is not any more; now and then all of them go. */
function moved(places: readonly Place[], chance: () => number): readonly Place[] {
  if (chance() < 0.1) return [];
  const stay = places
    .filter(() => chance() < 0.7)
    .map((place) => (chance() < 0.3 ? { ...place, ready: !place.ready } : place));
  return chance() < 0.6 ? [...stay, aPlace(chance)] : stay;
}

function serviceOf(facts: Facts): ApiObject {
  const { name, kind, families, ip, nodePort, check, ports, externalIp, isGuarded, affinitySeconds } = facts;
  const ips = families.map((family) => (family === 4 ? `10.98.${ip >> 8}.${ip & 255}` : `fd00:98::${ip.toString(16)}`));
  const isOutside = kind !== "ClusterIP" || externalIp !== undefined;
  const spec = {
    type: kind,
    clusterIPs: ips,
    ipFamilies: families.map((family) => `IPv${family}`),
    internalTrafficPolicy: facts.internal,
    ports: ports.map(({ port, protocol }, at) => ({
      name: `p${at}`,
      protocol,
      port,
      targetPort: 8000 + port,
      ...(nodePort === undefined ? {} : { nodePort: 30_000 + nodePort * 4 + at }),
    })),
    ...(isOutside ? { externalTrafficPolicy: facts.external } : {}),
    ...(check !== undefined && facts.external === "Local" ? { healthCheckNodePort: check } : {}),
    ...(externalIp === undefined ? {} : { externalIPs: [`198.18.7.${externalIp}`] }),
    ...(isGuarded ? { loadBalancerSourceRanges: ["203.0.113.0/24", "2001:db8:1::/64"] } : {}),
    ...(affinitySeconds === undefined
      ? {}
      : { sessionAffinity: "ClientIP", sessionAffinityConfig: { clientIP: { timeoutSeconds: affinitySeconds } } }),
  };
  const ingress = families.map((family) => ({
    ip: family === 4 ? `198.18.${8 + (ip >> 8)}.${ip & 255}` : `fd00:18::${ip}`,
  }));
  return {
    ...service(name, ips[0] ?? "", spec),
    ...(kind === "LoadBalancer" ? { status: { loadBalancer: { ingress } } } : {}),
  };
}

/** Two of each family, of which the second holds what is past three endpoints. */
function slicesOf({ name, families, ports, endpoints }: Facts): ApiObject[] {
  return families.flatMap((family) =>
    [endpoints.slice(0, 3), endpoints.slice(3)].flatMap((places, at): ApiObject[] => [
      {
        apiVersion: "discovery.k8s.io/v1",
        kind: "EndpointSlice",
        metadata: {
          name: `${name}-${family}-${at}`,
          namespace: "default",
          labels: { "kubernetes.io/service-name": name },
        },
        addressType: `IPv${family}`,
        ports: ports.map(({ port, protocol }, index) => ({ name: `p${index}`, protocol, port: 8000 + port })),
        endpoints: places.map(({ ip, here, ready, terminating }) => ({
          addresses: [family === 4 ? `10.131.${ip >> 8}.${ip & 255}` : `fd00:131::${ip.toString(16)}`],
          conditions: { ready, serving: ready || terminating, terminating },
          nodeName: here ? thisNode : "node-3",
        })),
      },
    ]),
  );
}

function set(object: ApiObject): Write {
  return { does: "set", object };
}

function removal(kind: "Service" | "EndpointSlice", object: ApiObject): Write {
  return { does: "remove", kind, name: nameOf(object) };
}

function nameOf(object: ApiObject): string {
  return (object["metadata"] as { readonly name: string }).name;
}
