// Who sends to frontends, and what becomes of it, for tests of the tracer against the model. In: a model's frontends. Out: Attempt[]; outcomes as text.
import type { Endpoint } from "../../../rules/model/endpoints.ts";
import { servicePorts, type Model } from "../../../rules/model/model.ts";
import type { Frontend, ServicePort } from "../../../rules/model/service-port.ts";
import type { View } from "../../../rules/model/view.ts";
import { cidrHolds, splitCidr } from "../../../rules/net/cidr.ts";
import { hostPort, ipDigits, ipFromDigits, isLoopback, type Family, type Ip } from "../../../rules/net/ip.ts";
import { plus, toNumber, type Fraction } from "../../../rules/trace/fraction.ts";
import type { Branch } from "../../../rules/trace/trace.ts";
import type { Served } from "../../make/arbitrary.ts";
import { anIp, podIp } from "../../make/objects.ts";

export const ownIps: Readonly<Record<Family, readonly Ip[]>> = {
  4: ["192.168.0.2", "172.16.0.2", "127.0.0.1"].map(anIp),
  6: ["fd00:192::2", "fd00:192::3", "::1"].map(anIp),
};

export type Client = {
  readonly what: string;
  readonly ip: Ip;
  readonly inInterface: string;
  readonly isNode: boolean;
  /** The endpoint that this is, which sends through a Service to itself. */
  readonly self?: Endpoint;
};

/** A client that sends to an address of a frontend, perhaps after it was at an endpoint. */
export type Attempt = {
  readonly frontend: Frontend;
  readonly port: ServicePort;
  readonly view: View;
  /** See `returningOf`. */
  readonly returning: ReadonlySet<Ip>;
  readonly client: Client;
  readonly to: Ip;
  readonly before: Endpoint | undefined;
};

export type Place = Pick<Attempt, "frontend" | "port" | "view" | "returning">;

/**
 * Endpoints in the node's network, and an external IP that is the node's own: some addresses of the usual ones become the node's. Not the
 * same one: an external IP that nothing serves refuses also what other Services send to its address and port.
 */
export function onTheNodeToo({ service, slices }: Served): Served {
  const swapped = new Map<string, Ip>([
    ...([4, 6] as const).flatMap((family) => [7, 60].map((at) => [podIp(at, family), ownAt(family, 0)] as const)),
    ["192.0.2.2", ownAt(4, 1)],
    ["2001:db8::2", ownAt(6, 1)],
  ]);
  const swap = (ip: Ip) => swapped.get(ip) ?? ip;
  return {
    service: { ...service, externalIps: service.externalIps.map(swap) },
    slices: slices.map((slice) => ({
      ...slice,
      endpoints: slice.endpoints.map((endpoint) => ({ ...endpoint, ip: endpoint.ip && swap(endpoint.ip) })),
    })),
  };
}

export function ownAt(family: Family, index: number): Ip {
  const ip = ownIps[family][index];
  if (ip === undefined) throw new Error("bug: the node has two addresses of each family");
  return ip;
}

export function attemptsAt(at: Place): Attempt[] {
  const { frontend, port, view } = at;
  return addressesOf(frontend, view).flatMap((to) =>
    clientsOf(at, to).flatMap((client): Attempt[] => {
      const first: Attempt = { ...at, client, to, before: undefined };
      if (port.affinitySeconds === undefined) return [first];
      const known = [...port.clusterEndpoints, ...port.localEndpoints].slice(0, 4);
      return [first, ...known.map((before) => ({ ...first, before }))];
    }),
  );
}

function addressesOf({ ip }: Frontend, { family }: View): readonly Ip[] {
  return ip === undefined ? ownIps[family] : [ip];
}

const usual: Readonly<Record<Family, readonly Client[]>> = {
  4: [
    { what: "a pod of this node", ip: anIp("10.1.200.200"), inInterface: "cni0", isNode: false },
    { what: "a pod of another node", ip: anIp("10.200.1.1"), inInterface: "eth0", isNode: false },
    { what: "a pod by a veth", ip: anIp("10.200.1.2"), inInterface: "veth1", isNode: false },
    { what: "somebody outside", ip: anIp("203.0.113.77"), inInterface: "eth0", isNode: false },
  ],
  6: [
    { what: "a pod of this node", ip: anIp("fd00:1::ffff"), inInterface: "cni0", isNode: false },
    { what: "a pod of another node", ip: anIp("fd00:1:0:1::1"), inInterface: "eth0", isNode: false },
    { what: "a pod by a veth", ip: anIp("fd00:1:0:1::2"), inInterface: "veth1", isNode: false },
    { what: "somebody outside", ip: anIp("2001:db8:77::1"), inInterface: "eth0", isNode: false },
  ],
};

function clientsOf({ frontend, port, view }: Place, to: Ip): Client[] {
  const node = { what: "the node", ip: isLoopback(to) ? to : ownAt(view.family, 0), inInterface: "", isNode: true };
  const outside = (what: string, ip: Ip): Client => ({ what, ip, inInterface: "eth0", isNode: false });
  const ranges = frontend.sourceRanges?.cidrs ?? [];
  const atRanges = ranges.flatMap((cidr) => {
    const { ip, bits } = splitCidr(cidr);
    return [
      outside(`the first of ${cidr}`, step(ip, 0n)),
      outside(`before ${cidr}`, step(ip, -1n)),
      outside(`after ${cidr}`, step(ip, 1n << BigInt(ipDigits(ip).length * 4 - bits))),
    ];
  });
  const vip = frontend.sourceRanges?.withVip === true && frontend.ip !== undefined ? [frontend.ip] : [];
  const selves = [...port.clusterEndpoints, ...port.localEndpoints]
    .filter((self) => !ownIps[view.family].includes(self.ip))
    .filter((self) => frontend.kind !== "cluster-ip" || passesHere(self, view))
    .slice(0, 3)
    .map((self): Client => ({ ...outside("the endpoint itself", self.ip), inInterface: "veth2", self }));
  return [...usual[view.family], node, ...atRanges, ...vip.map((ip) => outside("the address itself", ip)), ...selves];
}

/** What an endpoint sends to a cluster IP is handled on its own node. */
function passesHere({ local, nodeName }: Endpoint, view: View): boolean {
  return local || nodeName === undefined || view.nodeName === undefined;
}

function step(ip: Ip, by: bigint): Ip {
  const digits = ipDigits(ip);
  return ipFromDigits((BigInt(`0x${digits}`) + by).toString(16).padStart(digits.length, "0"));
}

/** Outcomes by what they are, each with its chance in millionths (so that the kernel's steps of 2^-31 do not show). */
export type Outcomes = Readonly<Record<string, number>>;

export function traced(branches: readonly Branch[]): Outcomes {
  const chances = new Map<string, Fraction>();
  for (const { end, chance, conditions, heldSeconds } of branches) {
    const held = heldSeconds === undefined ? "" : `, again within ${heldSeconds} s`;
    const depends = conditions.length > 0 ? `, if ${conditions.map(({ on }) => on).join(" and ")}` : "";
    const text = `${describeEnd(end)}${held}${depends}`;
    const known = chances.get(text);
    chances.set(text, known === undefined ? chance : plus(known, chance));
  }
  return Object.fromEntries([...chances].map(([text, chance]) => [text, millionths(toNumber(chance))]));
}

function describeEnd(end: Branch["end"]): string {
  switch (end.kind) {
    case "delivered": {
      const text = `${hostPort(end.to, end.port ?? 0)}${end.here ? " here" : ""}`;
      return end.translated
        ? `to ${text}, source ${end.source.kind}`
        : `passed on to ${text}, source ${end.source.kind}`;
    }
    case "rejected":
      return `refused with ${end.with}`;
    case "dropped":
      return "dropped";
    case "undecided":
      return `undecided: ${end.on}`;
  }
}

export function millionths(chance: number): number {
  return Math.round(chance * 1e6);
}

/** What comes back to its sender. Of the node that is only seen to where an endpoint at its address is known to be here. */
export function isHairpin(endpoint: Endpoint, { client, returning }: Attempt): boolean {
  return client.ip === endpoint.ip && (client.self !== undefined || returning.has(endpoint.ip));
}

/** Addresses of endpoints whose own packets may come back to them here. */
export function returningOf(model: Model): ReadonlySet<Ip> {
  const isReturning = (endpoint: Endpoint, port: ServicePort) =>
    passesHere(endpoint, model.view) || port.externalPolicy === "Local";
  return new Set(
    servicePorts(model).flatMap((port) =>
      [...port.clusterEndpoints, ...port.localEndpoints].filter((each) => isReturning(each, port)).map(({ ip }) => ip),
    ),
  );
}

export function isLocalPod({ ip, inInterface }: Client, { localPods }: View): boolean {
  if (localPods === undefined) return false;
  if (localPods.kind === "source") return cidrHolds(localPods.cidr, ip);
  const { name } = localPods;
  return name.endsWith("+") ? inInterface.startsWith(name.slice(0, -1)) : inInterface === name;
}

/** What a disagreement is about. */
export function told({ frontend, client, to, before }: Attempt): unknown {
  const again = before === undefined ? "" : `, was at ${hostPort(before.ip, before.port)} before`;
  return {
    frontend: `${frontend.service} ${frontend.kind} ${frontend.protocol} ${hostPort(to, frontend.port)}`,
    client: `${client.what} (${client.ip})${again}`,
  };
}

export function kindOf(outcomes: Outcomes, { before }: Attempt): string {
  const texts = Object.keys(outcomes);
  const some = (part: string) => texts.some((text) => text.includes(part));
  if (before !== undefined && some(", again within")) return "sent again to the same endpoint";
  if (some("passed on")) return "passed on";
  if (some("refused")) return "refused";
  if (some("dropped")) return "dropped";
  if (!some("source rewritten")) return "balanced with the source kept";
  return some("source kept") ? "balanced with sources kept and rewritten" : "balanced";
}
