// In IPVS mode, too, the tracer finds what the service model says. In: random clusters and nodes. Out: for each frontend and kind of client, the same fate.
import { expect, jest, test } from "@jest/globals";
import fc from "fast-check";
import { buildIpvs, type IpvsBuild } from "../../../rules/ipvs/build.ts";
import { serverKey } from "../../../rules/ipvs/virtual-server.ts";
import type { Endpoint } from "../../../rules/model/endpoints.ts";
import { hash16 } from "../../../rules/model/hash.ts";
import { buildModel, isServed, servicePorts } from "../../../rules/model/model.ts";
import type { Frontend } from "../../../rules/model/service-port.ts";
import { cidrFamily, cidrHolds } from "../../../rules/net/cidr.ts";
import { hostPort, ipDigits, isLoopback, type Ip } from "../../../rules/net/ip.ts";
import { get } from "../../../rules/radix/radix.ts";
import type { Packet } from "../../../rules/trace/packet.ts";
import { clusterFrom, objects, views } from "../../make/arbitrary.ts";
import { anIpvsNode } from "../../make/ipvs.ts";
import { aNode } from "../../make/node.ts";
import { buildIpvsNode } from "../../../rules/ipvs/node.ts";
import {
  attemptsAt,
  isHairpin,
  isLocalPod,
  kindOf,
  millionths,
  onTheNodeToo,
  ownIps,
  returningOf,
  told,
  traced,
  type Attempt,
  type Outcomes,
} from "./attempts.ts";
import { ipvsTracer } from "./ipvs-tracer.ts";

jest.setTimeout(60_000);

test("every frontend, every kind of client: endpoints with equal chances, source kept or rewritten, refused, dropped, passed on", async () => {
  let compared = 0;
  const seenKinds = new Set<string>();
  await fc.assert(
    fc.asyncProperty(objects(24), views(), async (served, view) => {
      const model = buildModel(clusterFrom(served.map(onTheNodeToo)), view);
      const localIps = [...aNode().localIps, ...ownIps[6]];
      const node = buildIpvsNode(aNode({ localIps }), { ...anIpvsNode(view), excludeCidrs: [] }, view);
      const build = buildIpvs(model, node);
      const tracer = await ipvsTracer(build.state, ownIps[view.family]);
      const returning = returningOf(model);
      for (const port of servicePorts(model)) {
        for (const frontend of port.frontends.filter((each) => isServed(model, each))) {
          for (const attempt of attemptsAt({ frontend, port, view, returning })) {
            if (isUnsendable(attempt, build)) continue;
            const found = traced(tracer.trace(packetOf(attempt)));
            expect({ of: told(attempt), fate: found }).toEqual({ of: told(attempt), fate: wanted(attempt, build) });
            compared++;
            seenKinds.add(kindOf(found, attempt));
          }
        }
      }
    }),
    { numRuns: 25 },
  );
  expect(compared).toBeGreaterThan(1500);
  // Each is a thing that some client gets; a generator that no longer makes one of them tests less than it says.
  expect([...seenKinds].sort()).toEqual([
    "balanced",
    "balanced with sources kept and rewritten",
    "balanced with the source kept",
    "dropped",
    "passed on",
    "refused",
    "sent again to the same endpoint",
  ]);
});

/** An address of the dummy device is nobody's but the node's, and at a node port's place may be a frontend with an address of its own. */
function isUnsendable({ client, frontend, to }: Attempt, build: IpvsBuild): boolean {
  const seat = get(build.seats.winners, serverKey({ ...frontend, ip: to }));
  return (!client.isNode && isHeld(client.ip, build)) || (seat !== undefined && seat.frontend !== frontend);
}

function isHeld(ip: Ip, { addresses }: IpvsBuild): boolean {
  return get(addresses.winners, ipDigits(ip)) !== undefined;
}

/** A client that comes again is known to the virtual server, or, where it takes a detour, to a list of the rules. */
function packetOf({ frontend, port, client, to, before }: Attempt): Packet {
  const protocol = frontend.protocol.toLowerCase();
  const option = { TCP: "-t", UDP: "-u", SCTP: "--sctp-service" }[frontend.protocol];
  const lists = ({ ip, port: at }: Endpoint) => [
    `KUBE-SEP-${hash16(port.name + protocol + hostPort(ip, at))}`,
    `${option} ${hostPort(to, frontend.port)} ${hostPort(ip, at)}`,
  ];
  return {
    source: client.ip,
    destination: to,
    protocol,
    destinationPort: frontend.port,
    origin: client.isNode ? "node" : "network",
    ...(client.isNode ? {} : { inInterface: client.inInterface }),
    ...(before === undefined ? {} : { recent: new Set(lists(before)) }),
  };
}

function wanted(attempt: Attempt, build: IpvsBuild): Outcomes {
  const { frontend, client, view, to } = attempt;
  const isSelf = client.isNode && isHeld(to, build);
  // What the node sends to an address of the dummy device comes from there.
  const source = isSelf ? to : client.ip;
  const isPod = isLocalPod({ ...client, ip: source }, view);
  const { fates } = frontend;
  const isDead = fates.every(({ verdict }) => verdict.kind !== "balance");
  if (frontend.kind === "node-port" && !build.node.nodePortIps.includes(to)) {
    if (isLoopback(to) && !client.isNode) return { dropped: millionths(1) };
    return { [`passed on to ${hostPort(to, frontend.port)} here, source kept`]: millionths(1) };
  }
  if (!isDead && !isLetIn(attempt, source, build)) return { dropped: millionths(1) };
  const verdict = fates.find(
    ({ from }) => from === "anyone" || (from === "local-pods" ? isPod : client.isNode),
  )?.verdict;
  if (verdict?.kind === "balance") return balanced(attempt, verdict, { isPod, isSelf });
  if (verdict?.kind === "drop") return { dropped: millionths(1) };
  return { [`refused with ${view.family === 4 ? "icmp-port-unreachable" : "icmp6-port-unreachable"}`]: millionths(1) };
}

/** Ranges that are all of the other family let nobody in. */
function isLetIn({ frontend, view, to }: Attempt, source: Ip, { model }: IpvsBuild): boolean {
  if (frontend.kind !== "load-balancer-ip") return true;
  const ranges = get(model.cluster, frontend.service.split(":")[0] ?? "")?.service?.sourceRanges ?? [];
  if (ranges.length > 0 && ranges.every((cidr) => cidrFamily(cidr) !== view.family)) return false;
  const { sourceRanges } = frontend;
  if (sourceRanges === undefined || sourceRanges.cidrs.some((cidr) => cidrHolds(cidr, source))) return true;
  return sourceRanges.withVip && source === to;
}

type Balance = Extract<Frontend["fates"][number]["verdict"], { kind: "balance" }>;

function balanced(
  attempt: Attempt,
  verdict: Balance,
  { isPod, isSelf }: { readonly isPod: boolean; readonly isSelf: boolean },
): Outcomes {
  const { client, before, view } = attempt;
  const asked = verdict.masquerade === "always" || (verdict.masquerade === "unless-local-pod" && !isPod);
  const same = verdict.to.filter(({ ip, port }) => before?.ip === ip && before.port === port);
  const to = same.length > 0 ? same : verdict.to;
  const held = same.length > 0 ? `, again within ${verdict.affinitySeconds} s` : "";
  return Object.fromEntries(
    to.map((endpoint) => {
      const here = ownIps[view.family].includes(endpoint.ip);
      const passesPostrouting = !here || client.isNode;
      const isRewritten = (asked || isSelf || isHairpin(endpoint, attempt)) && passesPostrouting;
      const text = `to ${hostPort(endpoint.ip, endpoint.port)}${here ? " here" : ""}`;
      return [`${text}, source ${isRewritten ? "rewritten" : "kept"}${held}`, millionths(1 / to.length)];
    }),
  );
}
